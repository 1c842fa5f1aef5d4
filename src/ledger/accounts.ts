/**
 * All accounts of a shard, in typed arrays by their dense numbers (1, 2, 3, … in log order). Less than 120
 * bytes an account, name and look-up included. Metadata is not here: only whether there is some, and where it stands.
 */
import { assert } from './assert.js';
import type { NormalBalance } from './command.js';
import type { KeyedHash } from './hash.js';
import type { LoadAccount } from './load.js';
import { NameArena, NameTable, NameWords } from './names.js';
import type { Micros, Position } from './record.js';

const SEGMENT_BITS = 13;
const SEGMENT_ACCOUNTS = 1 << SEGMENT_BITS;
const INDEX_MASK = SEGMENT_ACCOUNTS - 1;

/** Counters of an account stand side by side in this order. */
export const Counter = { debitsPosted: 0, creditsPosted: 1, debitsPending: 2, creditsPending: 3 } as const;
export type Counter = (typeof Counter)[keyof typeof Counter];

export const AccountFlags = {
  debitNormal: 1,
  closed: 2,
  hasMetadata: 4,
  /** min_balance is null: no lower limit. */
  minNone: 8,
  /** min_balance and max_balance, or where it was opened, stand in the account's row of specials. */
  special: 16,
  maxSet: 32,
} as const;

/**
 * A fixed number of accounts, so that growth never copies. What a posting reads and writes stands in one row of 64 bytes
 * an account, one cache line, through signed views (they give small integers):
 *
 *     0  four counters, int64       40  name's place, uint32     52  row of specials, uint32    58  length of name, uint8
 *    32  version, float64           44  book, uint32             56  currency, uint16           59  flags, uint8
 *                                   48  config version, uint32
 *
 * The rest, by the same index: config position and opened at.
 */
class Segment {
  readonly #buffer = new ArrayBuffer(ALIGNMENT + SEGMENT_ACCOUNTS * ROW_BYTES);
  readonly counters = new BigInt64Array(this.#buffer, ALIGNMENT);
  readonly doubles = new Float64Array(this.#buffer, ALIGNMENT);
  readonly words = new Int32Array(this.#buffer, ALIGNMENT);
  readonly shorts = new Uint16Array(this.#buffer, ALIGNMENT);
  readonly bytes = new Uint8Array(this.#buffer, ALIGNMENT);
  readonly rest = new Float64Array(SEGMENT_ACCOUNTS * REST);
}
const ROW_BYTES = 64;
/** Names, and places for what is known of them. */
const FORESEEN_MAX = 128;
const HINTS = 512;
const LOADED_MAX = 128;
/** Memory of this size begins 16 bytes behind a page where the C library has its own note there: then rows are lines. */
const ALIGNMENT = 48;
const REST = 2;
const SEGMENT_BYTES = ALIGNMENT + SEGMENT_ACCOUNTS * (ROW_BYTES + REST * 8);

/** Elements a row, and the element within it, by width. */
const LONGS = ROW_BYTES / 8;
const WORDS = ROW_BYTES / 4;
const SHORTS = ROW_BYTES / 2;
const VERSION = 4;
const CONFIG_POSITION = 0;
const OPENED_AT = 1;
const NAME_START = 10;
const BOOK = 11;
const CONFIG_VERSION = 12;
const SPECIAL_ROW = 13;
const CURRENCY = 28;
const NAME_LENGTH = 58;
const FLAGS = 59;

/** What an account is opened with, or has after a change. */
export interface AccountConfig {
  readonly book: number;
  readonly name: string;
  readonly currency: number;
  readonly normalBalance: NormalBalance;
  readonly open: boolean;
  readonly hasMetadata: boolean;
  readonly minBalance: bigint | null;
  readonly maxBalance: bigint | null;
  readonly configVersion: number;
  readonly configPosition: Position;
  readonly openedAt: Micros;
  /** Position of its accountOpened record; 0: not known, then a repeated opening is compared with the present. */
  readonly openedPosition: Position;
}

/** The parts of {@link AccountConfig} that a change may touch. */
export type AccountChange = Pick<
  AccountConfig,
  'open' | 'hasMetadata' | 'minBalance' | 'maxBalance' | 'configVersion' | 'configPosition' | 'openedPosition'
>;

/** Three numbers a row: min_balance, max_balance, position of the opening. Rows are used again. */
class Specials {
  static readonly rows = 4096;
  readonly #segments: BigInt64Array[] = [];
  readonly #free: number[] = [];
  #next = 0;

  get sizeBytes(): number {
    return this.#segments.length * Specials.rows * 24 + this.#free.length * 8;
  }

  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const row = this.#next++;
    this.#segments[Math.floor(row / Specials.rows)] ??= new BigInt64Array(Specials.rows * 3);
    return row;
  }

  give(row: number): void {
    this.#free.push(row);
  }

  get(row: number, field: 0 | 1 | 2): bigint {
    return (this.#segments[Math.floor(row / Specials.rows)] as BigInt64Array)[
      (row % Specials.rows) * 3 + field
    ] as bigint;
  }

  set(row: number, field: 0 | 1 | 2, value: bigint): void {
    (this.#segments[Math.floor(row / Specials.rows)] as BigInt64Array)[(row % Specials.rows) * 3 + field] = value;
  }
}

/** Names that begin so stand for the outside world and have no lower limit unless they are given one. */
export const EXTERNAL_PREFIX = 'external/';
export const defaultMinBalance = (name: string): bigint | null => (name.startsWith(EXTERNAL_PREFIX) ? null : 0n);

export class Accounts {
  readonly #segments: Segment[] = [];
  readonly #names = new NameArena();
  readonly #table = new NameTable();
  readonly #specials = new Specials();
  readonly #hash: KeyedHash;
  #count = 0;
  /** What is being looked for; fields rather than arguments, so that a look-up makes no closure. */
  readonly #wanted = {
    accounts: this as Accounts,
    book: 0,
    name: new NameWords(),
    matches(number: number): boolean {
      return this.accounts.#is(number, this.book, this.name);
    },
  };

  /** Names that are looked for soon: their hashes, the account that has each, and where its bytes stand. */
  readonly #foreseenHash = new Int32Array(FORESEEN_MAX);
  readonly #foreseenOffset = new Int32Array(FORESEEN_MAX);
  readonly #foreseenNumber = new Int32Array(FORESEEN_MAX);
  #foreseen = 0;
  /** Of these, by a few bits of where the bytes stand: the account that may have the name, and where. */
  readonly #hintNumber = new Int32Array(HINTS);
  readonly #hintOffset = new Int32Array(HINTS);

  /** Hashes of the names that were loaded last and are not in the table yet. */
  readonly #loadedHash = new Int32Array(LOADED_MAX);
  #loaded = 0;

  /** What {@link find} found last on either side; 0: nothing. */
  readonly #lastDebit = { number: 0, book: 0, name: new NameWords() };
  readonly #lastCredit = { number: 0, book: 0, name: new NameWords() };

  constructor(hash: KeyedHash) {
    this.#hash = hash;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes held for accounts, look-up included. */
  get sizeBytes(): number {
    return (
      this.#segments.length * SEGMENT_BYTES + this.#names.sizeBytes + this.#table.sizeBytes + this.#specials.sizeBytes
    );
  }

  /**
   * Number of the account of that name (ASCII bytes), or 0.
   * @param side of the leg it stands on: merchants' postings repeat the one before on one side or the other
   */
  find(book: number, bytes: Uint8Array, offset: number, length: number, side: 0 | 1 = 0): number {
    const { name } = this.#wanted;
    name.load(bytes, offset, length);
    const last = side === 0 ? this.#lastDebit : this.#lastCredit;
    if (last.number !== 0 && last.book === book && last.name.equals(name)) return last.number;
    const number = this.#hinted(book, offset) || this.#find(book);
    last.number = number;
    last.book = book;
    if (number !== 0) last.name.copyFrom(name);
    return number;
  }

  /** The account of the loaded name if it was foreseen at this place, else 0. */
  #hinted(book: number, offset: number): number {
    const hint = (offset >>> 2) & (HINTS - 1);
    const number = this.#hintNumber[hint] as number;
    // Whatever else may stand there by now: the account is there, and has this name.
    if (number === 0 || number > this.#count || this.#hintOffset[hint] !== offset) return 0;
    return this.#is(number, book, this.#wanted.name) ? number : 0;
  }

  /** A name that {@link find} is asked for soon. */
  foresee(book: number, bytes: Uint8Array, offset: number, length: number, side: 0 | 1): void {
    const { name } = this.#wanted;
    name.load(bytes, offset, length);
    if (name.length === 0 || this.#foreseen === FORESEEN_MAX) return;
    const last = side === 0 ? this.#lastDebit : this.#lastCredit;
    if (last.book === book && last.name.equals(name)) return;
    const at = this.#foreseen++;
    this.#foreseenHash[at] = this.#hash.hash32(book, name.words, name.length);
    this.#foreseenOffset[at] = offset;
  }

  /**
   * Reads what {@link find} and the posting then read of the accounts that were foreseen.
   * @returns a number that depends on all of it
   */
  fetchForeseen(): number {
    const count = this.#foreseen;
    this.#foreseen = 0;
    const numbers = this.#foreseenNumber;
    let seen = this.#table.fetch(this.#foreseenHash, count);
    this.#table.findAll(this.#foreseenHash, numbers, count);
    seen += this.fetch(numbers, count);
    for (let at = 0; at < count; at++) {
      const number = numbers[at] as number;
      if (number === 0) continue;
      seen += this.#names.word(
        (this.#segment(number).words[(number & INDEX_MASK) * WORDS + NAME_START] as number) >>> 0,
      );
      const offset = this.#foreseenOffset[at] as number;
      const hint = (offset >>> 2) & (HINTS - 1);
      this.#hintNumber[hint] = number;
      this.#hintOffset[hint] = offset;
    }
    return seen | 0;
  }

  /** Reads the rows of accounts that are changed soon; there need be none of such a number. @returns as {@link fetchForeseen} */
  fetch(numbers: Int32Array, count: number): number {
    let seen = 0;
    for (let at = 0; at < count; at++) {
      const number = numbers[at] as number;
      if (number > 0 && number <= this.#count)
        seen += this.#segment(number).words[(number & INDEX_MASK) * WORDS] as number;
    }
    return seen | 0;
  }

  findByName(book: number, name: string): number {
    this.#wanted.name.loadText(name);
    return this.#find(book);
  }

  /** Of the name that was loaded. */
  #find(book: number): number {
    const wanted = this.#wanted;
    const { name } = wanted;
    if (name.length === 0) return 0;
    wanted.book = book;
    return this.#table.find(this.#hashWanted(book), wanted);
  }

  #is(number: number, book: number, name: NameWords): boolean {
    const segment = this.#segment(number);
    const index = number & INDEX_MASK;
    return (
      segment.words[index * WORDS + BOOK] === book &&
      segment.bytes[index * ROW_BYTES + NAME_LENGTH] === name.length &&
      this.#names.equals((segment.words[index * WORDS + NAME_START] as number) >>> 0, name)
    );
  }

  /** @returns its number */
  open(config: AccountConfig): number {
    this.#wanted.name.loadText(config.name);
    const number = this.#place(config);
    this.#enter(this.#hashWanted(config.book), number);
    return number;
  }

  /** Makes room in the table of names for as many as there will be. */
  expect(count: number): void {
    this.#table.expect(count);
  }

  /** One that was opened before, with its counters. It is found by its name from {@link enterLoaded} on. */
  load(account: LoadAccount): number {
    const { bytes, offset, length } = account.name;
    const { name } = this.#wanted;
    name.load(bytes, offset, length);
    assert(name.isAscii(), 'a name of an account is ASCII');
    const number = this.#place(account);
    this.#loadedHash[this.#loaded++] = this.#hashWanted(account.book);
    if (this.#loaded === LOADED_MAX) this.enterLoaded();
    this.setCounters(number, account.counters, account.version);
    return number;
  }

  /**
   * Puts the names of the last {@link load}s into the table. Their slots lie all over a memory that no cache holds: read
   * one after the other without anything in between, the processor waits for many of them at once.
   */
  enterLoaded(): void {
    const hashes = this.#loadedHash;
    const count = this.#loaded;
    this.#loaded = 0;
    this.#table.fetch(hashes, count);
    for (let at = 0, number = this.#count - count + 1; at < count; at++, number++) {
      this.#enter(hashes[at] as number, number);
    }
  }

  #enter(hash: number, number: number): void {
    const other = this.#table.first(hash);
    if (other !== 0) {
      this.#wanted.name.loadText(this.name(number));
      this.#wanted.book = this.book(number);
      assert(this.#table.find(hash, this.#wanted) === 0, 'an account is opened once');
    }
    this.#table.add(hash, number);
  }

  #hashWanted(book: number): number {
    const { name } = this.#wanted;
    return this.#hash.hash32(book, name.words, name.length);
  }

  /** With the name that is wanted, which the table does not know yet. @returns its number */
  #place(config: Omit<AccountConfig, 'name'>): number {
    const { name } = this.#wanted;
    assert(name.length > 0, 'a name of an account is ASCII, 1 to 128 characters');
    const number = this.#count + 1;
    this.#segments[number >>> SEGMENT_BITS] ??= new Segment();
    const segment = this.#segment(number);
    const index = number & INDEX_MASK;
    segment.words[index * WORDS + NAME_START] = this.#names.add(name);
    segment.bytes[index * ROW_BYTES + NAME_LENGTH] = name.length;
    segment.words[index * WORDS + BOOK] = config.book;
    segment.shorts[index * SHORTS + CURRENCY] = config.currency;
    segment.rest[index * REST + OPENED_AT] = config.openedAt;
    segment.doubles[index * LONGS + VERSION] = 0;
    for (let counter = 0; counter < 4; counter++) segment.counters[index * LONGS + counter] = 0n;
    segment.bytes[index * ROW_BYTES + FLAGS] = config.normalBalance === 'debit' ? AccountFlags.debitNormal : 0;
    this.#count = number;
    this.change(number, config);
    return number;
  }

  /** Undoes the last {@link open}. */
  dropLast(): void {
    const number = this.#count;
    const segment = this.#segment(number);
    const index = number & INDEX_MASK;
    this.#lastDebit.number = 0;
    this.#lastCredit.number = 0;
    const { name } = this.#wanted;
    name.loadText(this.name(number));
    this.#table.remove(
      this.#hash.hash32(segment.words[index * WORDS + BOOK] as number, name.words, name.length),
      number,
    );
    if (this.flag(number, AccountFlags.special))
      this.#specials.give(segment.words[index * WORDS + SPECIAL_ROW] as number);
    segment.bytes[index * ROW_BYTES + FLAGS] = 0;
    this.#names.dropLast((segment.words[index * WORDS + NAME_START] as number) >>> 0);
    this.#count = number - 1;
  }

  change(number: number, config: AccountChange): void {
    const segment = this.#segment(number);
    const index = number & INDEX_MASK;
    const special =
      (config.minBalance !== null && config.minBalance !== 0n) ||
      config.maxBalance !== null ||
      (config.openedPosition !== 0 && config.openedPosition !== config.configPosition);
    const was = segment.bytes[index * ROW_BYTES + FLAGS] as number;
    let flags = was & AccountFlags.debitNormal;
    if (!config.open) flags |= AccountFlags.closed;
    if (config.hasMetadata) flags |= AccountFlags.hasMetadata;
    if (config.minBalance === null) flags |= AccountFlags.minNone;
    if (config.maxBalance !== null) flags |= AccountFlags.maxSet;
    if (special) flags |= AccountFlags.special;
    if (special && (was & AccountFlags.special) === 0)
      segment.words[index * WORDS + SPECIAL_ROW] = this.#specials.take();
    if (!special && (was & AccountFlags.special) !== 0)
      this.#specials.give(segment.words[index * WORDS + SPECIAL_ROW] as number);
    if (special) {
      const row = segment.words[index * WORDS + SPECIAL_ROW] as number;
      this.#specials.set(row, 0, config.minBalance ?? 0n);
      this.#specials.set(row, 1, config.maxBalance ?? 0n);
      this.#specials.set(row, 2, BigInt(config.openedPosition));
    }
    segment.bytes[index * ROW_BYTES + FLAGS] = flags;
    segment.words[index * WORDS + CONFIG_VERSION] = config.configVersion;
    segment.rest[index * REST + CONFIG_POSITION] = config.configPosition;
  }

  #segment(number: number): Segment {
    return this.#segments[number >>> SEGMENT_BITS] as Segment;
  }

  /** The four counters of an account stand in this array from {@link counterIndex} on. */
  counters(number: number): BigInt64Array {
    return this.#segment(number).counters;
  }
  counterIndex(number: number): number {
    return (number & INDEX_MASK) * LONGS;
  }
  counter(number: number, counter: Counter): bigint {
    return this.#segment(number).counters[(number & INDEX_MASK) * LONGS + counter] as bigint;
  }
  bumpVersion(number: number): void {
    const { doubles } = this.#segment(number);
    const at = (number & INDEX_MASK) * LONGS + VERSION;
    doubles[at] = (doubles[at] as number) + 1;
  }
  version(number: number): number {
    return this.#segment(number).doubles[(number & INDEX_MASK) * LONGS + VERSION] as number;
  }
  /** For loading and undoing. @param counters four */
  setCounters(number: number, counters: ArrayLike<bigint>, version: number): void {
    const segment = this.#segment(number);
    const at = (number & INDEX_MASK) * LONGS;
    // One by one: a start sets millions, and a call of `set` costs more than four of these.
    for (let counter = 0; counter < 4; counter++) segment.counters[at + counter] = counters[counter] as bigint;
    segment.doubles[at + VERSION] = version;
  }

  flag(number: number, flag: number): boolean {
    return ((this.#segment(number).bytes[(number & INDEX_MASK) * ROW_BYTES + FLAGS] as number) & flag) !== 0;
  }
  flags(number: number): number {
    return this.#segment(number).bytes[(number & INDEX_MASK) * ROW_BYTES + FLAGS] as number;
  }
  isOpen(number: number): boolean {
    return !this.flag(number, AccountFlags.closed);
  }
  book(number: number): number {
    return this.#segment(number).words[(number & INDEX_MASK) * WORDS + BOOK] as number;
  }
  currency(number: number): number {
    return this.#segment(number).shorts[(number & INDEX_MASK) * SHORTS + CURRENCY] as number;
  }
  name(number: number): string {
    const segment = this.#segment(number);
    const index = number & INDEX_MASK;
    return this.#names.text(
      (segment.words[index * WORDS + NAME_START] as number) >>> 0,
      segment.bytes[index * ROW_BYTES + NAME_LENGTH] as number,
    );
  }
  normalBalance(number: number): NormalBalance {
    return this.flag(number, AccountFlags.debitNormal) ? 'debit' : 'credit';
  }
  minBalance(number: number): bigint | null {
    if (this.flag(number, AccountFlags.minNone)) return null;
    return this.flag(number, AccountFlags.special) ? this.#specials.get(this.#row(number), 0) : 0n;
  }
  maxBalance(number: number): bigint | null {
    return this.flag(number, AccountFlags.maxSet) ? this.#specials.get(this.#row(number), 1) : null;
  }
  #row(number: number): number {
    return this.#segment(number).words[(number & INDEX_MASK) * WORDS + SPECIAL_ROW] as number;
  }
  configVersion(number: number): number {
    return this.#segment(number).words[(number & INDEX_MASK) * WORDS + CONFIG_VERSION] as number;
  }
  configPosition(number: number): Position {
    return this.#segment(number).rest[(number & INDEX_MASK) * REST + CONFIG_POSITION] as number;
  }
  openedAt(number: number): Micros {
    return this.#segment(number).rest[(number & INDEX_MASK) * REST + OPENED_AT] as number;
  }
  /** Position of its accountOpened record, 0 where the state it was loaded from did not say. */
  openedPosition(number: number): Position {
    if (this.configVersion(number) === 1) return this.configPosition(number);
    return this.flag(number, AccountFlags.special) ? Number(this.#specials.get(this.#row(number), 2)) : 0;
  }

  /** All that {@link change} may touch, for undoing it. */
  changeable(number: number): AccountChange {
    return {
      open: this.isOpen(number),
      hasMetadata: this.flag(number, AccountFlags.hasMetadata),
      minBalance: this.minBalance(number),
      maxBalance: this.maxBalance(number),
      configVersion: this.configVersion(number),
      configPosition: this.configPosition(number),
      openedPosition: this.openedPosition(number),
    };
  }

  // Amounts as the public sees them: bigints, so not for the hot path.
  posted(number: number): bigint {
    const posted = this.counter(number, Counter.creditsPosted) - this.counter(number, Counter.debitsPosted);
    return this.flag(number, AccountFlags.debitNormal) ? -posted : posted;
  }
  pendingIn(number: number): bigint {
    return this.counter(
      number,
      this.flag(number, AccountFlags.debitNormal) ? Counter.debitsPending : Counter.creditsPending,
    );
  }
  pendingOut(number: number): bigint {
    return this.counter(
      number,
      this.flag(number, AccountFlags.debitNormal) ? Counter.creditsPending : Counter.debitsPending,
    );
  }
  available(number: number): bigint {
    return this.posted(number) - this.pendingOut(number);
  }
}
