/**
 * The state machine of one shard: decides commands, folds records, answers what the state is. No clock, no randomness,
 * no I/O: the same log gives the same state, and the same command on the same state the same records.
 *
 * One thread owns a ledger. Whatever throws here is a bug or a damaged log; the state is not to be trusted after it.
 */
import { assert } from './assert.js';
import type { Command, LedgerSettings } from './command.js';
import type { CurrencyTable } from './currency.js';
import { Decider } from './decider.js';
import { digestOf } from './digest.js';
import { fold } from './fold.js';
import { Foresight } from './foresight.js';
import { KeyedHash } from './hash.js';
import type { KeyWindow } from './keys/window.js';
import type { LoadAccount, LoadBook } from './load.js';
import type { Outcome } from './outcome.js';
import {
  type ByteSlice,
  isTransaction,
  type LogRecord,
  type LogSink,
  type Micros,
  type Position,
  RecordKind,
} from './record.js';
import { LedgerState } from './state.js';
import { keyLength, TEXT_HEAD_BYTES } from './texts.js';
import type { AccountView, RecordView, TransactionView } from './view.js';
import { accountView, recordView, transactionView } from './views.js';

export interface LedgerOptions {
  /** Hash of a key for records read from a log; the same that commands carry. Used by replay and load only. */
  readonly keyHash: (book: number, bytes: Uint8Array, offset: number, length: number, into: Int32Array) => void;
  /** Records a partition of the log holds: the generations of the key window. */
  readonly partitionRecords: number;
  /** In force until a `configured` record. */
  readonly settings: LedgerSettings;
  /** 16 secret bytes for the table of account names, so that collisions cannot be aimed. Decides no outcome. */
  readonly nameKey?: Uint8Array;
}

export class Ledger {
  readonly #options: LedgerOptions;
  /** For who knows which postings come next. */
  readonly foresight: Foresight;
  readonly #state: LedgerState;
  /** Hash of the key that is loaded: a start loads millions. */
  readonly #loadedKey = new Int32Array(4);
  readonly #decider: Decider;

  constructor(options: LedgerOptions) {
    this.#options = options;
    const nameHash = new KeyedHash(options.nameKey ?? new Uint8Array(16));
    this.#state = new LedgerState(nameHash, options.partitionRecords, options.settings);
    this.#decider = new Decider(this.#state);
    this.foresight = new Foresight(this.#state.accounts, this.#state.keys);
  }

  // -- what it is ---------------------------------------------------------------------------------------------------

  /** Position of the last record; 0 before the first. */
  get head(): Position {
    return this.#state.head;
  }
  /** As of the log. */
  get settings(): LedgerSettings {
    return this.#state.settings;
  }
  get currencies(): CurrencyTable {
    return this.#state.currencies;
  }
  /** Recorded time of the last record; no later one is before it. */
  get lastRecordedAt(): Micros {
    return this.#state.lastRecordedAt;
  }
  get keys(): KeyWindow {
    return this.#state.keys;
  }
  get accountCount(): number {
    return this.#state.accounts.count;
  }
  get openHoldCount(): number {
    return this.#state.parents.openCount;
  }
  /** Bytes held for accounts. */
  get accountBytes(): number {
    return this.#state.accounts.sizeBytes;
  }
  /** Running hash over all records, a signed 64-bit integer. */
  get chainHash(): bigint {
    return this.#state.chain.value;
  }

  hasBook(book: number): boolean {
    return this.#state.books.has(book);
  }
  /** Sequence of the book's last record; 0 where there is none. */
  bookSequence(book: number): number {
    return this.#state.books.sequence(book);
  }
  account(book: number, name: string): AccountView | null {
    const number = this.#state.accounts.findByName(book, name);
    return number === 0 ? null : accountView(this.#state, number);
  }
  /** @param number of an account that is open or closed, from 1 to `accountCount` */
  accountByNumber(number: number): AccountView {
    assert(number > 0 && number <= this.#state.accounts.count, 'an account has a number that was given');
    return accountView(this.#state, number);
  }
  recordView(record: LogRecord): RecordView {
    return recordView(this.#state, record);
  }
  /**
   * Only what is in memory: open holds always, others while they are acted on. The texts of its record (key, reference,
   * description, metadata) and the fingerprint are null: they stand in the log only.
   */
  transactionView(parent: Position): TransactionView | null {
    const resident = this.#state.parents.get(parent);
    return resident === undefined ? null : transactionView(this.#state, resident);
  }
  /** Of the whole logical state: accounts, books, open holds, settings, head. Reads everything: slow. */
  digest(): string {
    return digestOf(this.#state);
  }

  // -- deciding -----------------------------------------------------------------------------------------------------

  /**
   * Decides a command at a time, folds what it writes and appends it to the sink.
   * @param now the clock, µs; the recorded time is never before the last one
   * @returns an outcome that is reused by the next call
   */
  apply(command: Command, now: Micros, sink: LogSink): Outcome {
    return this.#decider.apply(command, now, sink);
  }

  /**
   * Writes expiries that are due, in order of (expires_at, position).
   * @returns how many; fewer than `max` means that no more are due
   */
  expireDue(now: Micros, max: number, sink: LogSink): number {
    return this.#decider.expireDue(now, max, sink);
  }

  /** Writes the expiries that are due on one account, before it is read. */
  expireOn(book: number, account: string, now: Micros, sink: LogSink): void {
    this.#decider.expireOn(book, account, now, sink);
  }

  /** When the next hold lapses, which may have passed; 0: there is none. */
  nextExpiry(): Micros {
    return this.#state.parents.expiries.next();
  }

  /** How many holds have lapsed without a record of it, at most. */
  lapsedCount(now: Micros): number {
    return this.#state.parents.expiries.dueCount(now);
  }

  // -- what is not in memory ----------------------------------------------------------------------------------------

  /**
   * The answer to `load_parent`: the record at that position and all its actions, from the committed log. A position
   * that is not committed yet has to be waited for. What is in memory already is newer and stays as it is.
   */
  admitParent(records: readonly LogRecord[]): void {
    const first = records[0];
    assert(first !== undefined, 'what is admitted has a record; else it is absent');
    if (isTransaction(first.kind)) this.#state.parents.admit(records);
    else this.#decider.admitOther(first);
  }

  /** The answer to `load_parent` where the committed log has no record at that position. Holds for the next command. */
  admitAbsentParent(position: Position): void {
    this.#decider.admitNoTransaction(position);
  }

  /** Drops transactions that hold nothing and whose last change is committed. Looks at no more than `max`. */
  evictParents(committed: Position, max: number): void {
    this.#state.parents.evict(committed, max);
  }

  /**
   * The answer to `load_key`, used by the next command with that key.
   * @param position of its outcome, null where closed partitions do not have it
   * @param recordedAt of that record: tells whether the key is still remembered; without it, it is
   */
  admitKey(keyHash: Int32Array, position: Position | null, recordedAt?: Micros): void {
    const remembered =
      position !== null &&
      (recordedAt === undefined || recordedAt + this.#state.keyWindowAt(position) > this.#state.lastRecordedAt);
    this.#decider.admitKey(keyHash, remembered ? position : 0);
  }

  // -- starting -----------------------------------------------------------------------------------------------------

  /**
   * Folds records from the log; some dozens at a time are the quickest.
   * @throws InvariantError where one does not follow what was folded before
   */
  replay(records: readonly LogRecord[]): void {
    for (const record of records) if (record.keyed) this.#hashKey(record);
    this.foresight.fetchFor(records);
    for (const record of records) fold(this.#state, record);
  }

  #hashKey({ book, texts, keyHash }: LogRecord): void {
    const { bytes, offset } = texts;
    this.#options.keyHash(book, bytes, offset + TEXT_HEAD_BYTES, keyLength(texts), keyHash);
  }

  loadBook(book: LoadBook): void {
    this.#state.books.add(book.book, book.sequence);
    this.#state.keys.setBooks(this.#state.books.count);
  }

  /** How many {@link loadAccount} will bring: before the first of them. Not to be told costs time and no more. */
  expectAccounts(count: number): void {
    this.#state.accounts.expect(Math.min(count, this.settings.accountsMax));
  }

  /** In order of their numbers. */
  loadAccount(account: LoadAccount): void {
    const number = this.#state.accounts.load(account);
    assert(number === account.number, 'accounts are loaded in order of their numbers, without a gap');
  }

  /** A transaction that is pending as of the state that is loaded, followed by its actions up to there. */
  loadHold(records: readonly LogRecord[]): void {
    this.#state.parents.admit(records);
    assert(this.#state.parents.get(records[0]?.position ?? 0)?.open === true, 'only open holds are loaded');
  }

  /** `configured` records, in order. */
  loadConfigured(record: LogRecord): void {
    assert(record.kind === RecordKind.configured && record.details !== null, 'a configured record has settings');
    this.#state.configure(JSON.parse(record.details) as LedgerSettings, record.position);
  }

  /** A key of a record up to where the loaded state stands; after {@link loadConfigured}, in order of position. */
  loadKey(book: number, key: ByteSlice, position: Position, recordedAt: Micros): void {
    this.#options.keyHash(book, key.bytes, key.offset, key.length, this.#loadedKey);
    const expiresAt = recordedAt + this.#state.keyWindowAt(position);
    this.#state.keys.remember(this.#loadedKey, book, position, recordedAt, expiresAt);
  }

  /** The loaded state is that of the log up to `foldedTo`; {@link replay} goes on from there. */
  finishLoad(foldedTo: Position, chainHash: bigint, lastRecordedAt: Micros): void {
    assert(this.#state.head === 0, 'a ledger is loaded once');
    this.#state.accounts.enterLoaded();
    this.#state.head = foldedTo;
    this.#state.chain.value = chainHash;
    this.#state.lastRecordedAt = lastRecordedAt;
  }
}
