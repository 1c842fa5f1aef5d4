/**
 * Keys of one partition of the log, in memory. An entry is six words: hash (four), place in the partition from 1
 * (0: empty slot), second from which it is forgotten.
 *
 * 256 tables by the top bits of the hash, each growing by half on its own when it is 80 % full. Their first sizes are
 * staggered over one such step, so they do not grow at the same time: memory stays near 37 bytes a key whatever the
 * number of keys, and no growth takes long.
 */
import { assert } from '../assert.js';

const TABLES = 256;
const ENTRY_WORDS = 6;
const FIRST_SLOTS = 8;
const GROWTH = 1.5;
const LOAD_MAX = 0.8;
const EXPIRED_WORTH_PURGING = 0.25;

export class KeyTable {
  readonly #tables: (Int32Array | undefined)[] = new Array<Int32Array | undefined>(TABLES).fill(undefined);
  readonly #used = new Int32Array(TABLES);

  /** Entries, expired ones that have not been purged included. */
  get count(): number {
    return this.#used.reduce((sum, used) => sum + used, 0);
  }

  get sizeBytes(): number {
    return this.#tables.reduce((sum, table) => sum + (table?.byteLength ?? 0), 0);
  }

  /** Place of a key that is still remembered at `nowSeconds`, or 0. */
  find(hash: Int32Array, nowSeconds: number): number {
    const h0 = hash[0] as number;
    const table = this.#tables[h0 >>> 24];
    if (table === undefined) return 0;
    const h1 = hash[1] as number;
    const end = table.length;
    for (let at = homeOf(h1, end); ; ) {
      const place = table[at + 4] as number;
      if (place === 0) return 0;
      if (
        table[at + 1] === h1 &&
        table[at] === h0 &&
        table[at + 2] === hash[2] &&
        table[at + 3] === hash[3] &&
        (table[at + 5] as number) >>> 0 > nowSeconds
      ) {
        return place >>> 0;
      }
      at += ENTRY_WORDS;
      if (at === end) at = 0;
    }
  }

  /** @param place from 1 to 2^32−1 */
  add(hash: Int32Array, place: number, expirySeconds: number, nowSeconds: number): void {
    assert(place > 0 && place < 2 ** 32, 'a place in a partition fits in 32 bits');
    const index = (hash[0] as number) >>> 24;
    const table = this.#withRoom(index, nowSeconds);
    const at = freeSlot(table, hash[1] as number);
    table[at] = hash[0] as number;
    table[at + 1] = hash[1] as number;
    table[at + 2] = hash[2] as number;
    table[at + 3] = hash[3] as number;
    table[at + 4] = place;
    table[at + 5] = expirySeconds;
    this.#used[index] = (this.#used[index] as number) + 1;
  }

  #withRoom(index: number, nowSeconds: number): Int32Array {
    const table = this.#tables[index];
    if (table === undefined) {
      const slots = Math.round(FIRST_SLOTS * GROWTH ** (index / TABLES));
      const first = new Int32Array(slots * ENTRY_WORDS);
      this.#tables[index] = first;
      return first;
    }
    const slots = table.length / ENTRY_WORDS;
    if ((this.#used[index] as number) + 1 <= slots * LOAD_MAX) return table;
    let expired = 0;
    for (let at = 0; at < table.length; at += ENTRY_WORDS) if (isExpired(table, at, nowSeconds)) expired++;
    const purge = expired >= slots * EXPIRED_WORTH_PURGING;
    const next = new Int32Array((purge ? slots : Math.ceil(slots * GROWTH)) * ENTRY_WORDS);
    for (let at = 0; at < table.length; at += ENTRY_WORDS) {
      if (table[at + 4] === 0 || (purge && isExpired(table, at, nowSeconds))) continue;
      next.set(table.subarray(at, at + ENTRY_WORDS), freeSlot(next, table[at + 1] as number));
    }
    if (purge) this.#used[index] = (this.#used[index] as number) - expired;
    this.#tables[index] = next;
    return next;
  }

  /** Only for undoing: the entry must be there. */
  remove(hash: Int32Array, place: number): void {
    const index = (hash[0] as number) >>> 24;
    const table = this.#tables[index];
    assert(table !== undefined, 'a key that is removed was added');
    const end = table.length;
    const next = (at: number): number => (at + ENTRY_WORDS === end ? 0 : at + ENTRY_WORDS);
    const distance = (from: number, to: number): number => (to >= from ? to - from : to - from + end);
    let hole = homeOf(hash[1] as number, end);
    while ((table[hole + 4] as number) >>> 0 !== place) {
      assert(table[hole + 4] !== 0, 'a key that is removed was added');
      hole = next(hole);
    }
    // Entries behind the hole move up, unless that would put them before their own place.
    for (let at = next(hole); table[at + 4] !== 0; at = next(at)) {
      if (distance(homeOf(table[at + 1] as number, end), at) < distance(hole, at)) continue;
      table.copyWithin(hole, at, at + ENTRY_WORDS);
      hole = at;
    }
    table.fill(0, hole, hole + ENTRY_WORDS);
    this.#used[index] = (this.#used[index] as number) - 1;
  }

  /** Entries of one of the 256 tables, in order of (hash, place), five words each: hash and place. */
  sortedTable(index: number): Int32Array {
    const table = this.#tables[index];
    if (table === undefined) return new Int32Array(0);
    const starts: number[] = [];
    for (let at = 0; at < table.length; at += ENTRY_WORDS) if (table[at + 4] !== 0) starts.push(at);
    const word = (at: number): number => (table[at] as number) >>> 0;
    starts.sort((a, b) => {
      for (let i = 0; i < 5; i++) {
        const difference = word(a + i) - word(b + i);
        if (difference !== 0) return difference;
      }
      return 0;
    });
    const sorted = new Int32Array(starts.length * 5);
    starts.forEach((at, i) => {
      sorted.set(table.subarray(at, at + 5), i * 5);
    });
    return sorted;
  }
}

/** Multiplication in place of a remainder: sizes need not be powers of two. */
const homeOf = (h1: number, end: number): number =>
  Math.floor(((h1 >>> 0) / 4_294_967_296) * (end / ENTRY_WORDS)) * ENTRY_WORDS;

const isExpired = (table: Int32Array, at: number, nowSeconds: number): boolean =>
  table[at + 4] !== 0 && (table[at + 5] as number) >>> 0 <= nowSeconds;

function freeSlot(table: Int32Array, h1: number): number {
  const end = table.length;
  let at = homeOf(h1, end);
  while (table[at + 4] !== 0) {
    at += ENTRY_WORDS;
    if (at === end) at = 0;
  }
  return at;
}
