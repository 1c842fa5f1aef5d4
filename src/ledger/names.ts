/** Names of accounts: their bytes, and the table that finds an account by (book, name). */
import { assert } from './assert.js';

/** A name never straddles two segments, so growth never copies and a name is one slice. */
const SEGMENT_BYTES = 1 << 18;

/** Text of ASCII bytes. */
export function ascii(bytes: Uint8Array, offset: number, length: number): string {
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[offset + i] as number);
  return text;
}

/** Bytes of names, one behind the other. A name is known by its offset, up to 4 GiB in all. */
export class NameArena {
  readonly #segments: Uint8Array[] = [];
  #end = 0;

  get sizeBytes(): number {
    return this.#segments.length * SEGMENT_BYTES;
  }

  add(bytes: Uint8Array, offset: number, length: number): number {
    assert(length > 0 && length <= 128, 'a name has 1 to 128 bytes');
    if ((this.#end & (SEGMENT_BYTES - 1)) + length > SEGMENT_BYTES) {
      this.#end = (Math.floor(this.#end / SEGMENT_BYTES) + 1) * SEGMENT_BYTES;
    }
    const start = this.#end;
    assert(start + length < 2 ** 32, 'the arena of names holds up to 4 GiB');
    const index = Math.floor(start / SEGMENT_BYTES);
    this.#segments[index] ??= new Uint8Array(SEGMENT_BYTES);
    const segment = this.#segments[index] as Uint8Array;
    const at = start & (SEGMENT_BYTES - 1);
    for (let i = 0; i < length; i++) segment[at + i] = bytes[offset + i] as number;
    this.#end = start + length;
    return start;
  }

  /** Forgets the name that was added last. */
  dropLast(start: number): void {
    this.#end = start;
  }

  equals(start: number, bytes: Uint8Array, offset: number, length: number): boolean {
    const segment = this.#segments[Math.floor(start / SEGMENT_BYTES)] as Uint8Array;
    const at = start & (SEGMENT_BYTES - 1);
    // From the end: names of one merchant share their beginnings.
    for (let i = length - 1; i >= 0; i--) if (segment[at + i] !== bytes[offset + i]) return false;
    return true;
  }

  text(start: number, length: number): string {
    const segment = this.#segments[Math.floor(start / SEGMENT_BYTES)] as Uint8Array;
    const at = start & (SEGMENT_BYTES - 1);
    return ascii(segment, at, length);
  }

  slice(start: number, length: number): Uint8Array {
    const segment = this.#segments[Math.floor(start / SEGMENT_BYTES)] as Uint8Array;
    const at = start & (SEGMENT_BYTES - 1);
    return segment.subarray(at, at + length);
  }
}

const SHARDS = 256;
const FIRST_SLOTS = 8;

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
    const mask = (table.length >>> 1) - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = table[slot * 2 + 1] as number;
      if (number === 0) return 0;
      if (table[slot * 2] === hash && accepts.matches(number)) return number;
    }
  }

  add(hash: number, number: number): void {
    const index = hash >>> 24;
    let table = this.#tables[index] ?? new Int32Array(FIRST_SLOTS * 2);
    if (((this.#used[index] as number) + 1) * 5 > (table.length >>> 1) * 4) table = grown(table);
    this.#tables[index] = table;
    put(table, hash, number);
    this.#used[index] = (this.#used[index] as number) + 1;
  }

  /** Only for undoing: the entry must be there. */
  remove(hash: number, number: number): void {
    const index = hash >>> 24;
    const table = this.#tables[index];
    assert(table !== undefined, 'a name that is removed was added');
    const mask = (table.length >>> 1) - 1;
    let hole = hash & mask;
    while (table[hole * 2 + 1] !== number) {
      assert(table[hole * 2 + 1] !== 0, 'a name that is removed was added');
      hole = (hole + 1) & mask;
    }
    // Entries behind the hole move up, unless that would put them before their own place.
    for (let slot = (hole + 1) & mask; table[slot * 2 + 1] !== 0; slot = (slot + 1) & mask) {
      const home = (table[slot * 2] as number) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      table[hole * 2] = table[slot * 2] as number;
      table[hole * 2 + 1] = table[slot * 2 + 1] as number;
      hole = slot;
    }
    table[hole * 2] = 0;
    table[hole * 2 + 1] = 0;
    this.#used[index] = (this.#used[index] as number) - 1;
  }
}

export interface NameMatch {
  matches(number: number): boolean;
}

function put(table: Int32Array, hash: number, number: number): void {
  const mask = (table.length >>> 1) - 1;
  let slot = hash & mask;
  while (table[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
  table[slot * 2] = hash;
  table[slot * 2 + 1] = number;
}

function grown(table: Int32Array): Int32Array {
  const larger = new Int32Array(table.length * 2);
  for (let at = 0; at < table.length; at += 2) {
    if (table[at + 1] !== 0) put(larger, table[at] as number, table[at + 1] as number);
  }
  return larger;
}
