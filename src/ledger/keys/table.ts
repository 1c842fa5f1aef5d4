/**
 * Keys of one partition of the log, in memory. Nearly every key that comes is new, so a look-up has to say "not there"
 * without touching memory far away: the newest keys are in a small table, of all older ones a filter says so.
 *
 * Behind them stand an index, and entries in the order in which they came, which are read only where the index has the
 * same 32 bits of a hash. Keys go over to the index a thousand at a time: its slots are all over memory, and many that
 * are written one after the other are waited for together.
 *
 * The index is 256 tables by the top bits of the hash, each growing twofold on its own when it is 75 % full. Their first
 * sizes are staggered over one such step, so they do not grow at the same time: memory stays near 37 bytes a key whatever
 * the number of keys, and no growth takes long.
 */
import { assert } from '../assert.js';
import { KeyFilter } from './filter.js';

const TABLES = 256;
/** Word 1 of the hash, and the number of the entry from 1 (0: empty slot). */
const SLOT_WORDS = 2;
const FIRST_SLOTS = 16;
const GROWTH = 2;
const LOAD_MAX = 0.75;
const EXPIRED_WORTH_PURGING = 0.25;

const RECENT_MAX = 1024;
/** A power of two, at least twice as many as keys: chains stay short. */
const RECENT_SLOTS = 2048;
const FILTER_KEYS_FIRST = 4096;

const SEGMENT_BITS = 10;
const SEGMENT_ENTRIES = 1 << SEGMENT_BITS;
/** Words 0, 2 and 3 of the hash, place in the partition from 1, second from which the key is forgotten. */
const ENTRY_WORDS = 5;
const PLACE = 3;
const EXPIRY = 4;
const SEGMENT_BYTES = SEGMENT_ENTRIES * ENTRY_WORDS * 4;

interface Segment {
  readonly words: Int32Array;
  /** All of its keys are forgotten by this second. */
  lastExpirySeconds: number;
}

export class KeyTable {
  readonly #tables: (Int32Array | undefined)[] = new Array<Int32Array | undefined>(TABLES).fill(undefined);
  /** Keys in each of the tables. */
  readonly #used = new Int32Array(TABLES);
  /** Slots like those of the index, for keys that are not in it yet: the last `#entries` − `#indexed`. */
  readonly #recent = new Int32Array(RECENT_SLOTS * SLOT_WORDS);
  #indexed = 0;
  /** Of words 0, 2 and 3 of all keys in the index, and of some that were there: for at most so many. */
  #filter = KeyFilter.sized(FILTER_KEYS_FIRST);
  #filterMax = FILTER_KEYS_FIRST;
  #filtered = 0;
  /** Entries in order; undefined where all of a segment's keys were forgotten. */
  readonly #segments: (Segment | undefined)[] = [];
  #entries = 0;
  /** The first segment that is still there. */
  #oldest = 0;

  /** Keys, expired ones that have not been purged included. */
  get count(): number {
    return this.#used.reduce((sum, used) => sum + used, this.#entries - this.#indexed);
  }

  get sizeBytes(): number {
    const index = this.#tables.reduce((sum, table) => sum + (table?.byteLength ?? 0), 0);
    const segments = (this.#segments.length - this.#oldest) * SEGMENT_BYTES;
    return index + segments + this.#recent.byteLength + this.#filter.sizeBytes;
  }

  /** Place of a key that is still remembered at `nowSeconds`, or 0. */
  find(hash: Int32Array, nowSeconds: number): number {
    const h1 = hash[1] as number;
    const recent = this.#recent;
    for (let slot = h1 & (RECENT_SLOTS - 1); ; slot = (slot + 1) & (RECENT_SLOTS - 1)) {
      const number = recent[slot * SLOT_WORDS + 1] as number;
      if (number === 0) break;
      if (recent[slot * SLOT_WORDS] !== h1) continue;
      const place = this.#placeIn(number >>> 0, hash, nowSeconds);
      if (place !== 0) return place;
    }
    if (!this.#filter.mayContain(hash[0] as number, hash[2] as number, hash[3] as number)) return 0;
    return this.#findIndexed(hash, nowSeconds);
  }

  #findIndexed(hash: Int32Array, nowSeconds: number): number {
    const table = this.#tables[(hash[0] as number) >>> 24];
    if (table === undefined) return 0;
    const h1 = hash[1] as number;
    const end = table.length;
    for (let at = homeOf(h1, end); ; ) {
      const number = table[at + 1] as number;
      if (number === 0) return 0;
      if (table[at] === h1) {
        const place = this.#placeIn(number >>> 0, hash, nowSeconds);
        if (place !== 0) return place;
      }
      at += SLOT_WORDS;
      if (at === end) at = 0;
    }
  }

  /** Place of an entry if it has this hash and is remembered, else 0. */
  #placeIn(number: number, hash: Int32Array, nowSeconds: number): number {
    const segment = this.#segments[(number - 1) >>> SEGMENT_BITS];
    if (segment === undefined) return 0;
    const { words } = segment;
    const at = ((number - 1) & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS;
    const same = words[at] === hash[0] && words[at + 1] === hash[2] && words[at + 2] === hash[3];
    return same && (words[at + EXPIRY] as number) >>> 0 > nowSeconds ? (words[at + PLACE] as number) >>> 0 : 0;
  }

  /** @param place from 1 to 2^32−1 */
  add(hash: Int32Array, place: number, expirySeconds: number, nowSeconds: number): void {
    assert(place > 0 && place < 2 ** 32, 'a place in a partition fits in 32 bits');
    if (this.#entries - this.#indexed === RECENT_MAX) this.#index(nowSeconds);
    const segment = this.#segmentFor(this.#entries, nowSeconds);
    const { words } = segment;
    const at = (this.#entries & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS;
    const h1 = hash[1] as number;
    words[at] = hash[0] as number;
    words[at + 1] = hash[2] as number;
    words[at + 2] = hash[3] as number;
    words[at + PLACE] = place;
    words[at + EXPIRY] = expirySeconds;
    if (expirySeconds > segment.lastExpirySeconds) segment.lastExpirySeconds = expirySeconds;
    this.#entries++;
    const recent = this.#recent;
    let slot = h1 & (RECENT_SLOTS - 1);
    while (recent[slot * SLOT_WORDS + 1] !== 0) slot = (slot + 1) & (RECENT_SLOTS - 1);
    recent[slot * SLOT_WORDS] = h1;
    recent[slot * SLOT_WORDS + 1] = this.#entries;
  }

  /** Takes the recent keys over into the index and the filter. */
  #index(nowSeconds: number): void {
    this.#filtered += this.#entries - this.#indexed;
    if (this.#filtered > this.#filterMax) this.#renewFilter();
    this.#touchSlots();
    const recent = this.#recent;
    for (let at = 0; at < recent.length; at += SLOT_WORDS) {
      const number = (recent[at + 1] as number) >>> 0;
      if (number === 0) continue;
      const { words } = this.#segments[(number - 1) >>> SEGMENT_BITS] as Segment;
      const from = ((number - 1) & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS;
      const index = (words[from] as number) >>> 24;
      put(this.#withRoom(index, nowSeconds), recent[at] as number, number);
      this.#used[index] = (this.#used[index] as number) + 1;
      this.#filter.add(words[from] as number, words[from + 1] as number, words[from + 2] as number);
    }
    recent.fill(0);
    this.#indexed = this.#entries;
  }

  /**
   * Reads the slot that each recent key begins with. No step here depends on what is read, so the processor waits for
   * many of them at a time; when they are written, one depends on the other, and they are near by then.
   * @returns nothing of use: what is returned is not left out
   */
  #touchSlots(): number {
    const recent = this.#recent;
    let touched = 0;
    for (let at = 0; at < recent.length; at += SLOT_WORDS) {
      const number = (recent[at + 1] as number) >>> 0;
      if (number === 0) continue;
      const { words } = this.#segments[(number - 1) >>> SEGMENT_BITS] as Segment;
      const table = this.#tables[(words[((number - 1) & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS] as number) >>> 24];
      if (table !== undefined) touched ^= table[homeOf(recent[at] as number, table.length)] as number;
    }
    return touched;
  }

  /** With room for more keys than there are; those that were forgotten stay behind. */
  #renewFilter(): void {
    const keys = this.#entries - this.#oldest * SEGMENT_ENTRIES;
    this.#filterMax = FILTER_KEYS_FIRST;
    while (this.#filterMax * 0.75 < keys) this.#filterMax *= 2;
    this.#filtered = keys;
    this.#filter = KeyFilter.sized(this.#filterMax);
    for (let entry = this.#oldest * SEGMENT_ENTRIES; entry < this.#indexed; entry++) {
      const { words } = this.#segments[entry >>> SEGMENT_BITS] as Segment;
      const from = (entry & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS;
      this.#filter.add(words[from] as number, words[from + 1] as number, words[from + 2] as number);
    }
  }

  #segmentFor(entry: number, nowSeconds: number): Segment {
    const index = entry >>> SEGMENT_BITS;
    const known = this.#segments[index];
    if (known !== undefined) return known;
    // Once a segment: those that have been forgotten as a whole go. Slots that name them count as expired from then on.
    while (this.#oldest < this.#indexed >>> SEGMENT_BITS && this.#isForgotten(this.#oldest, nowSeconds)) {
      this.#segments[this.#oldest++] = undefined;
    }
    const segment = { words: new Int32Array(SEGMENT_ENTRIES * ENTRY_WORDS), lastExpirySeconds: 0 };
    this.#segments[index] = segment;
    return segment;
  }

  #isForgotten(segment: number, nowSeconds: number): boolean {
    return (this.#segments[segment]?.lastExpirySeconds ?? 0) <= nowSeconds;
  }

  #withRoom(index: number, nowSeconds: number): Int32Array {
    const table = this.#tables[index];
    if (table === undefined) {
      const slots = Math.round(FIRST_SLOTS * GROWTH ** (index / TABLES));
      const first = new Int32Array(slots * SLOT_WORDS);
      this.#tables[index] = first;
      return first;
    }
    const slots = table.length / SLOT_WORDS;
    const used = this.#used[index] as number;
    if (used + 1 <= slots * LOAD_MAX) return table;
    let expired = 0;
    for (let at = 0; at < table.length; at += SLOT_WORDS) if (this.#isExpired(table, at, nowSeconds)) expired++;
    const purge = expired >= slots * EXPIRED_WORTH_PURGING;
    const next = new Int32Array((purge ? slots : Math.ceil(slots * GROWTH)) * SLOT_WORDS);
    for (let at = 0; at < table.length; at += SLOT_WORDS) {
      if (table[at + 1] === 0 || (purge && this.#isExpired(table, at, nowSeconds))) continue;
      put(next, table[at] as number, table[at + 1] as number);
    }
    if (purge) this.#used[index] = used - expired;
    this.#tables[index] = next;
    return next;
  }

  /** By segment: the entries themselves are not touched. */
  #isExpired(table: Int32Array, at: number, nowSeconds: number): boolean {
    const number = (table[at + 1] as number) >>> 0;
    return number !== 0 && this.#isForgotten((number - 1) >>> SEGMENT_BITS, nowSeconds);
  }

  /** Only for undoing: the entry that was added last. It is always among the recent ones. */
  remove(hash: Int32Array, place: number): void {
    const last = this.#entries - 1;
    const words = this.#segments[last >>> SEGMENT_BITS]?.words;
    assert(
      last >= this.#indexed &&
        words !== undefined &&
        (words[(last & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS + PLACE] as number) >>> 0 === place,
      'the key that is removed was added last',
    );
    const recent = this.#recent;
    let slot = (hash[1] as number) & (RECENT_SLOTS - 1);
    while ((recent[slot * SLOT_WORDS + 1] as number) >>> 0 !== this.#entries) slot = (slot + 1) & (RECENT_SLOTS - 1);
    // Nothing was added after it, so the way to no other key leads over its slot.
    recent[slot * SLOT_WORDS] = 0;
    recent[slot * SLOT_WORDS + 1] = 0;
    this.#entries = last;
  }

  /** Entries of one of the 256 tables, in order of (hash, place), five words each: hash and place. */
  sortedTable(index: number): Int32Array {
    if (this.#indexed !== this.#entries) this.#index(0);
    const table = this.#tables[index];
    if (table === undefined) return new Int32Array(0);
    const order = this.#byWord0(table);
    const sorted = new Int32Array(order.length * 5);
    order.forEach((key, i) => {
      const slot = key - Math.floor(key / TWO_21) * TWO_21;
      this.#readEntry(table, slot * SLOT_WORDS, sorted, i * 5);
    });
    settleTies(sorted);
    return sorted;
  }

  /** Slots in order of word 0, as word 0 · 2^21 + slot: numbers sort many times faster than by a function. */
  #byWord0(table: Int32Array): Float64Array {
    assert(table.length / SLOT_WORDS < TWO_21, 'a slot has 21 bits');
    const keys = new Float64Array(table.length / SLOT_WORDS);
    let count = 0;
    for (let slot = 0; slot < keys.length; slot++) {
      const number = (table[slot * SLOT_WORDS + 1] as number) >>> 0;
      const words = number === 0 ? undefined : this.#segments[(number - 1) >>> SEGMENT_BITS]?.words;
      if (words === undefined) continue;
      const word0 = words[((number - 1) & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS] as number;
      keys[count++] = (word0 >>> 0) * TWO_21 + slot;
    }
    return keys.subarray(0, count).sort();
  }

  #readEntry(table: Int32Array, at: number, into: Int32Array, offset: number): void {
    const number = (table[at + 1] as number) >>> 0;
    const { words } = this.#segments[(number - 1) >>> SEGMENT_BITS] as Segment;
    const from = ((number - 1) & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS;
    into[offset] = words[from] as number;
    into[offset + 1] = table[at] as number;
    into[offset + 2] = words[from + 1] as number;
    into[offset + 3] = words[from + 2] as number;
    into[offset + 4] = words[from + PLACE] as number;
  }
}

const TWO_21 = 2 ** 21;

/** Entries in order of word 0 come in order of all five: equal first words are few and stand side by side. */
function settleTies(sorted: Int32Array): void {
  for (let end = 5; end < sorted.length; end += 5) {
    for (let at = end; at > 0 && sorted[at] === sorted[at - 5] && compare(sorted, at - 5, at) > 0; at -= 5) {
      for (let word = 0; word < 5; word++) {
        const before = sorted[at - 5 + word] as number;
        sorted[at - 5 + word] = sorted[at + word] as number;
        sorted[at + word] = before;
      }
    }
  }
}

function compare(words: Int32Array, a: number, b: number): number {
  for (let word = 0; word < 5; word++) {
    const difference = ((words[a + word] as number) >>> 0) - ((words[b + word] as number) >>> 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Multiplication in place of a remainder: sizes need not be powers of two. */
const homeOf = (h1: number, end: number): number =>
  Math.floor(((h1 >>> 0) / 4_294_967_296) * (end / SLOT_WORDS)) * SLOT_WORDS;

function put(table: Int32Array, h1: number, number: number): void {
  const end = table.length;
  let at = homeOf(h1, end);
  while (table[at + 1] !== 0) {
    at += SLOT_WORDS;
    if (at === end) at = 0;
  }
  table[at] = h1;
  table[at + 1] = number;
}
