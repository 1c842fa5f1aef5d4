/**
 * Keys of one partition of the log, in memory. Nearly every key that comes is new, so what has to be cheap is to say "not
 * there" and to take it in, without touching memory all over the place: a filter says so by one cache line, which is
 * still near when the key is added; all else is written at ends that stay near.
 *
 * Behind the filter stand entries in the order in which they came, and 1,024 lists of them by the top bits of the hash.
 * Where the filter says "maybe" (a key that is known, or one stranger in a hundred) one list is walked: about a thousand
 * numbers where there are a million keys, which takes half a microsecond. Memory stays below 39 bytes a key.
 */
import { assert } from '../assert.js';
import { KeyFilter } from './filter.js';

const LISTS = 1024;
const LIST_SHIFT = 22;
/** Parts in which keys are given out sorted. */
const PARTS = 256;
/** Word 1 of the hash, and the number of the entry from 1. */
const ITEM_WORDS = 2;
const FIRST_ITEMS = 4;
const EXPIRED_WORTH_PURGING = 0.25;
const FILTER_KEYS_FIRST = 4096;

const SEGMENT_BITS = 10;
const SEGMENT_ENTRIES = 1 << SEGMENT_BITS;
/** Words 0, 2 and 3 of the hash, place in the partition from 1, second from which the key is forgotten. */
const ENTRY_WORDS = 5;
const PLACE = 3;
const EXPIRY = 4;
const SEGMENT_BYTES = SEGMENT_ENTRIES * ENTRY_WORDS * 4;
const TWO_21 = 2 ** 21;

interface Segment {
  readonly words: Int32Array;
  /** All of its keys are forgotten by this second. */
  lastExpirySeconds: number;
}

export class KeyTable {
  readonly #lists: (Int32Array | undefined)[] = new Array<Int32Array | undefined>(LISTS).fill(undefined);
  /** Keys in each of the lists. */
  readonly #used = new Int32Array(LISTS);
  /** Of words 0, 2 and 3 of all keys, and of some that were there: for at most so many. */
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
    return this.#used.reduce((sum, used) => sum + used, 0);
  }

  get sizeBytes(): number {
    const lists = this.#lists.reduce((sum, list) => sum + (list?.byteLength ?? 0), 0);
    return lists + (this.#segments.length - this.#oldest) * SEGMENT_BYTES + this.#filter.sizeBytes;
  }

  /** Reads what {@link find} and {@link add} begin with. @returns a number that depends on all of it */
  fetch(words: Int32Array, count: number): number {
    let seen = 0;
    for (let at = 0; at < count; at++) seen += this.#filter.lineOf(words[at] as number);
    for (let at = 0; at < count; at++) {
      const index = (words[at] as number) >>> LIST_SHIFT;
      seen += (this.#lists[index]?.[(this.#used[index] as number) * ITEM_WORDS] ?? 0) as number;
    }
    return seen | 0;
  }

  /** Place of a key that is still remembered at `nowSeconds`, or 0. */
  find(hash: Int32Array, nowSeconds: number): number {
    const maybe = this.#filter.mayContain(hash[0] as number, hash[2] as number, hash[3] as number);
    return maybe ? this.#findListed(hash, nowSeconds) : 0;
  }

  #findListed(hash: Int32Array, nowSeconds: number): number {
    const index = (hash[0] as number) >>> LIST_SHIFT;
    const list = this.#lists[index];
    if (list === undefined) return 0;
    const h1 = hash[1] as number;
    for (let at = ((this.#used[index] as number) - 1) * ITEM_WORDS; at >= 0; at -= ITEM_WORDS) {
      if (list[at] !== h1) continue;
      const place = this.#placeIn((list[at + 1] as number) >>> 0, hash, nowSeconds);
      if (place !== 0) return place;
    }
    return 0;
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
    const h0 = hash[0] as number;
    const h2 = hash[2] as number;
    const h3 = hash[3] as number;
    const segment = this.#segmentFor(this.#entries, nowSeconds);
    const { words } = segment;
    const at = (this.#entries & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS;
    words[at] = h0;
    words[at + 1] = h2;
    words[at + 2] = h3;
    words[at + PLACE] = place;
    words[at + EXPIRY] = expirySeconds;
    if (expirySeconds > segment.lastExpirySeconds) segment.lastExpirySeconds = expirySeconds;
    this.#entries++;
    const index = h0 >>> LIST_SHIFT;
    const list = this.#listWithRoom(index, nowSeconds);
    const used = this.#used[index] as number;
    list[used * ITEM_WORDS] = hash[1] as number;
    list[used * ITEM_WORDS + 1] = this.#entries;
    this.#used[index] = used + 1;
    if (this.#filtered === this.#filterMax) this.#renewFilter();
    else this.#filter.add(h0, h2, h3);
    this.#filtered++;
  }

  /** With room for more keys than there are; those that were forgotten stay behind. */
  #renewFilter(): void {
    const keys = this.#entries - this.#oldest * SEGMENT_ENTRIES;
    this.#filterMax = FILTER_KEYS_FIRST;
    while (this.#filterMax * 0.75 < keys) this.#filterMax *= 2;
    this.#filtered = keys - 1;
    this.#filter = KeyFilter.sized(this.#filterMax);
    for (let entry = this.#oldest * SEGMENT_ENTRIES; entry < this.#entries; entry++) {
      const { words } = this.#segments[entry >>> SEGMENT_BITS] as Segment;
      const from = (entry & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS;
      this.#filter.add(words[from] as number, words[from + 1] as number, words[from + 2] as number);
    }
  }

  #segmentFor(entry: number, nowSeconds: number): Segment {
    const index = entry >>> SEGMENT_BITS;
    const known = this.#segments[index];
    if (known !== undefined) return known;
    // Once a segment: those that have been forgotten as a whole go. Items that name them count as expired from then on.
    while (this.#oldest < index && this.#isForgotten(this.#oldest, nowSeconds)) {
      this.#segments[this.#oldest++] = undefined;
    }
    const segment = { words: new Int32Array(SEGMENT_ENTRIES * ENTRY_WORDS), lastExpirySeconds: 0 };
    this.#segments[index] = segment;
    return segment;
  }

  #isForgotten(segment: number, nowSeconds: number): boolean {
    return (this.#segments[segment]?.lastExpirySeconds ?? 0) <= nowSeconds;
  }

  #listWithRoom(index: number, nowSeconds: number): Int32Array {
    const list = this.#lists[index];
    if (list === undefined) {
      const first = new Int32Array(FIRST_ITEMS * ITEM_WORDS);
      this.#lists[index] = first;
      return first;
    }
    const used = this.#used[index] as number;
    if (used * ITEM_WORDS < list.length) return list;
    // The oldest stand first. By segment, so that the entries themselves are not touched.
    let expired = 0;
    while (expired < used && this.#isExpired(list, expired, nowSeconds)) expired++;
    const purges = expired > 0 && expired >= used * EXPIRED_WORTH_PURGING;
    const next = purges ? list : new Int32Array(list.length * 2);
    if (purges) list.copyWithin(0, expired * ITEM_WORDS);
    else next.set(list);
    if (purges) this.#used[index] = used - expired;
    this.#lists[index] = next;
    return next;
  }

  #isExpired(list: Int32Array, item: number, nowSeconds: number): boolean {
    const number = (list[item * ITEM_WORDS + 1] as number) >>> 0;
    return this.#isForgotten((number - 1) >>> SEGMENT_BITS, nowSeconds);
  }

  /** Only for undoing: the key that was added last. */
  remove(hash: Int32Array, place: number): void {
    const index = (hash[0] as number) >>> LIST_SHIFT;
    const last = (this.#used[index] as number) - 1;
    const number = this.#entries;
    const words = this.#segments[(number - 1) >>> SEGMENT_BITS]?.words;
    assert(
      words !== undefined &&
        ((this.#lists[index]?.[last * ITEM_WORDS + 1] ?? 0) as number) >>> 0 === number &&
        (words[((number - 1) & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS + PLACE] as number) >>> 0 === place,
      'the key that is removed was added last',
    );
    this.#used[index] = last;
    this.#entries = number - 1;
  }

  /** Entries of one of 256 parts by the top bits, in order of (hash, place), five words each: hash and place. */
  sortedTable(part: number): Int32Array {
    const items = this.#itemsOf(part);
    const order = this.#byWord0(items);
    const sorted = new Int32Array(order.length * 5);
    for (let i = 0; i < order.length; i++) {
      const key = order[i] as number;
      const item = key - Math.floor(key / TWO_21) * TWO_21;
      this.#readEntry(items, item * ITEM_WORDS, sorted, i * 5);
    }
    settleTies(sorted);
    return sorted;
  }

  #itemsOf(part: number): Int32Array {
    const first = (part * LISTS) / PARTS;
    const lists = this.#lists.slice(first, first + LISTS / PARTS);
    const lengths = lists.map((_, i) => (this.#used[first + i] as number) * ITEM_WORDS);
    const items = new Int32Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const [i, list] of lists.entries()) {
      const length = lengths[i] as number;
      if (list !== undefined) items.set(list.subarray(0, length), at);
      at += length;
    }
    return items;
  }

  /** Items in order of word 0, as word 0 · 2^21 + item: numbers sort many times faster than by a function. */
  #byWord0(items: Int32Array): Float64Array {
    assert(items.length / ITEM_WORDS < TWO_21, 'an item has 21 bits');
    const keys = new Float64Array(items.length / ITEM_WORDS);
    let count = 0;
    for (let item = 0; item < keys.length; item++) {
      const number = (items[item * ITEM_WORDS + 1] as number) >>> 0;
      const words = this.#segments[(number - 1) >>> SEGMENT_BITS]?.words;
      if (words === undefined) continue;
      const word0 = words[((number - 1) & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS] as number;
      keys[count++] = (word0 >>> 0) * TWO_21 + item;
    }
    return keys.subarray(0, count).sort();
  }

  #readEntry(items: Int32Array, at: number, into: Int32Array, offset: number): void {
    const number = (items[at + 1] as number) >>> 0;
    const { words } = this.#segments[(number - 1) >>> SEGMENT_BITS] as Segment;
    const from = ((number - 1) & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS;
    into[offset] = words[from] as number;
    into[offset + 1] = items[at] as number;
    into[offset + 2] = words[from + 1] as number;
    into[offset + 3] = words[from + 2] as number;
    into[offset + 4] = words[from + PLACE] as number;
  }
}

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
