/** Names of accounts: their bytes, and the table that finds an account by (book, name). */
import { assert } from './assert.js';
import { restBefore, viewOf } from './words.js';

/** A name never straddles two segments, so growth never copies and a name is one run of words. */
const SEGMENT_BITS = 18;
const SEGMENT_BYTES = 1 << SEGMENT_BITS;

/** Text of ASCII bytes. */
export function ascii(bytes: Uint8Array, offset: number, length: number): string {
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[offset + i] as number);
  return text;
}

/** Longest name of an account, in bytes. */
const NAME_BYTES_MAX = 128;
/** Of the four bytes of a word: what no byte of ASCII has. */
const HIGH_BITS = 0x80808080 | 0;

/** A name that is looked for, as words: it is hashed and compared by them. Zeros stand behind its last byte. */
export class NameWords {
  readonly words = new Int32Array(NAME_BYTES_MAX / 4 + 1);
  /** Bytes; 0 where no account can have such a name. */
  length = 0;

  /** ASCII bytes. */
  load(bytes: Uint8Array, offset: number, length: number): void {
    this.length = 0;
    if (length > NAME_BYTES_MAX) return;
    const view = viewOf(bytes);
    const { words } = this;
    const whole = length >>> 2;
    for (let word = 0; word < whole; word++) words[word] = view.getInt32(offset + word * 4, true);
    words[whole] = restBefore(bytes, offset + length, length & 3);
    this.length = length;
  }

  isAscii(): boolean {
    let bits = 0;
    for (let word = ((this.length + 3) >>> 2) - 1; word >= 0; word--) bits |= this.words[word] as number;
    return (bits & HIGH_BITS) === 0;
  }

  copyFrom(other: NameWords): void {
    this.length = other.length;
    const count = (other.length + 3) >>> 2;
    for (let word = 0; word < count; word++) this.words[word] = other.words[word] as number;
  }

  equals(other: NameWords): boolean {
    if (this.length !== other.length) return false;
    for (let word = ((other.length + 3) >>> 2) - 1; word >= 0; word--) {
      if (this.words[word] !== other.words[word]) return false;
    }
    return true;
  }

  loadText(name: string): void {
    const { length } = name;
    this.length = 0;
    if (length > NAME_BYTES_MAX) return;
    this.words.fill(0, 0, (length >>> 2) + 1);
    for (let i = 0; i < length; i++) {
      const code = name.charCodeAt(i);
      if (code > 127) return;
      this.words[i >>> 2] = (this.words[i >>> 2] as number) | (code << ((i & 3) * 8));
    }
    this.length = length;
  }
}

/**
 * Names, one behind the other, in whole words. A name is known by the number of bytes before it, up to 4 GiB in all.
 */
export class NameArena {
  readonly #segments: Int32Array[] = [];
  #end = 0;

  get sizeBytes(): number {
    return this.#segments.length * SEGMENT_BYTES;
  }

  add(name: NameWords): number {
    assert(name.length > 0, 'a name has 1 to 128 bytes');
    const count = (name.length + 3) >>> 2;
    if ((this.#end & (SEGMENT_BYTES - 1)) + count * 4 > SEGMENT_BYTES) {
      this.#end = (Math.floor(this.#end / SEGMENT_BYTES) + 1) * SEGMENT_BYTES;
    }
    const start = this.#end;
    assert(start + count * 4 < 2 ** 32, 'the arena of names holds up to 4 GiB');
    this.#segments[start >>> SEGMENT_BITS] ??= new Int32Array(SEGMENT_BYTES / 4);
    const segment = this.#segmentOf(start);
    const at = (start & (SEGMENT_BYTES - 1)) >>> 2;
    for (let i = 0; i < count; i++) segment[at + i] = name.words[i] as number;
    this.#end = start + count * 4;
    return start;
  }

  #segmentOf(start: number): Int32Array {
    return this.#segments[start >>> SEGMENT_BITS] as Int32Array;
  }

  /** Forgets the name that was added last. */
  dropLast(start: number): void {
    this.#end = start;
  }

  /** Whether the name that starts here, which has as many bytes, is this one. */
  equals(start: number, name: NameWords): boolean {
    const segment = this.#segmentOf(start);
    const at = (start & (SEGMENT_BYTES - 1)) >>> 2;
    const { words } = name;
    // From the end: names of one merchant share their beginnings.
    for (let i = ((name.length + 3) >>> 2) - 1; i >= 0; i--) if (segment[at + i] !== words[i]) return false;
    return true;
  }

  /** The first four bytes of the name that starts here. */
  word(start: number): number {
    return this.#segmentOf(start)[(start & (SEGMENT_BYTES - 1)) >>> 2] as number;
  }

  text(start: number, length: number): string {
    const segment = this.#segmentOf(start);
    const at = (start & (SEGMENT_BYTES - 1)) >>> 2;
    let text = '';
    for (let i = 0; i < length; i++) {
      text += String.fromCharCode(((segment[at + (i >>> 2)] as number) >>> ((i & 3) * 8)) & 255);
    }
    return text;
  }
}

const SHARDS = 256;
const FIRST_SLOTS = 8;
const LOAD_MAX = 0.8;
const GROWTH = 1.25;
/** Of as many tables hardly one has more than the mean and so many of its square roots. */
const UNEVEN = 4;
/** Of a hash: the bits that do not choose the table. */
const LOW_BITS = 0xffffff;

/**
 * Open addressing from a name's hash to the number of its account, split in 256 tables by the top bits, so that
 * growth moves a small part at a time. A slot is two words: hash and number (0: empty).
 */
export class NameTable {
  readonly #tables: (Int32Array | undefined)[] = new Array<Int32Array | undefined>(SHARDS).fill(undefined);
  readonly #used = new Int32Array(SHARDS);

  get sizeBytes(): number {
    return this.#tables.reduce((sum, table) => sum + (table?.byteLength ?? 0), 0);
  }

  /** The first candidate for a hash, or 0. `accepts` is asked with the numbers of accounts that have the hash. */
  find(hash: number, accepts: NameMatch): number {
    const table = this.#tables[hash >>> 24];
    if (table === undefined) return 0;
    const end = table.length;
    for (let at = homeOf(hash, end); ; at = at + 2 === end ? 0 : at + 2) {
      const number = table[at + 1] as number;
      if (number === 0) return 0;
      if (table[at] === hash && accepts.matches(number)) return number;
    }
  }

  /** The first account that has the hash, or 0, whatever its name. */
  first(hash: number): number {
    return this.find(hash, ANY);
  }

  /** Tables as large as so many need: hardly one of them grows on the way there. */
  expect(count: number): void {
    const mean = count / SHARDS;
    const slots = Math.ceil((mean + UNEVEN * Math.sqrt(mean)) / LOAD_MAX) + FIRST_SLOTS;
    for (const [index, used] of this.#used.entries()) {
      assert(used === 0, 'room is made before there is anything');
      this.#tables[index] = new Int32Array(slots * 2);
    }
  }

  /** Reads the slots at which the search for each hash begins. @returns a number that depends on all of them */
  fetch(hashes: Int32Array, count: number): number {
    let seen = 0;
    for (let at = 0; at < count; at++) {
      const hash = hashes[at] as number;
      const table = this.#tables[hash >>> 24];
      if (table !== undefined) seen += table[homeOf(hash, table.length)] as number;
    }
    return seen | 0;
  }

  /** The first account that has each hash, or 0; whether it has the name is not looked at. */
  findAll(hashes: Int32Array, numbers: Int32Array, count: number): void {
    for (let at = 0; at < count; at++) {
      const hash = hashes[at] as number;
      numbers[at] = this.first(hash);
    }
  }

  add(hash: number, number: number): void {
    const index = hash >>> 24;
    let table = this.#tables[index] ?? new Int32Array(FIRST_SLOTS * 2);
    if ((this.#used[index] as number) + 1 > (table.length >>> 1) * LOAD_MAX) table = grown(table);
    this.#tables[index] = table;
    put(table, hash, number);
    this.#used[index] = (this.#used[index] as number) + 1;
  }

  /** Only for undoing: the entry must be there. */
  remove(hash: number, number: number): void {
    const index = hash >>> 24;
    const table = this.#tables[index];
    assert(table !== undefined, 'a name that is removed was added');
    const end = table.length;
    const next = (at: number): number => (at + 2 === end ? 0 : at + 2);
    const distance = (from: number, to: number): number => (to >= from ? to - from : to - from + end);
    let hole = homeOf(hash, end);
    while (table[hole + 1] !== number) {
      assert(table[hole + 1] !== 0, 'a name that is removed was added');
      hole = next(hole);
    }
    // Entries behind the hole move up, unless that would put them before their own place.
    for (let at = next(hole); table[at + 1] !== 0; at = next(at)) {
      if (distance(homeOf(table[at] as number, end), at) < distance(hole, at)) continue;
      table[hole] = table[at] as number;
      table[hole + 1] = table[at + 1] as number;
      hole = at;
    }
    table[hole] = 0;
    table[hole + 1] = 0;
    this.#used[index] = (this.#used[index] as number) - 1;
  }
}

export interface NameMatch {
  matches(number: number): boolean;
}

const ANY: NameMatch = { matches: () => true };

/** Multiplication in place of a mask: sizes need not be powers of two, so that growth is by a quarter and little is empty. */
const homeOf = (hash: number, end: number): number => Math.floor((hash & LOW_BITS) * (end / 2 / (LOW_BITS + 1))) * 2;

function put(table: Int32Array, hash: number, number: number): void {
  const end = table.length;
  let at = homeOf(hash, end);
  while (table[at + 1] !== 0) at = at + 2 === end ? 0 : at + 2;
  table[at] = hash;
  table[at + 1] = number;
}

function grown(table: Int32Array): Int32Array {
  const larger = new Int32Array(Math.ceil((table.length / 2) * GROWTH) * 2);
  for (let at = 0; at < table.length; at += 2) {
    if (table[at + 1] !== 0) put(larger, table[at] as number, table[at + 1] as number);
  }
  return larger;
}
