/**
 * Keys of a closed partition as they are stored: buckets by the top bits of the hash, each a run of entries of 20 bytes
 * (hash as four big-endian words, position minus the partition's first position as a big-endian uint32), sorted.
 */
import type { Position } from '../record.js';
import type { KeyTable } from './table.js';

export const ENTRY_BYTES = 20;
const KEYS_PER_BUCKET = 256;
const TABLES = 256;

export interface KeyBucket {
  readonly bucket: number;
  readonly entries: Uint8Array;
}

/** A power of two, at least 256. */
export function bucketsFor(keys: number): number {
  let buckets = TABLES;
  while (buckets * KEYS_PER_BUCKET < keys) buckets *= 2;
  return buckets;
}

export const bucketOf = (hash0: number, buckets: number): number => (hash0 >>> 0) >>> (32 - Math.log2(buckets));

/** Non-empty buckets in order. `onKey` sees every hash: four words at a place. */
export function* bucketsOf(
  table: KeyTable,
  buckets: number,
  onKey: (words: Int32Array, at: number) => void,
): Generator<KeyBucket> {
  for (let index = 0; index < TABLES; index++) {
    const sorted = table.sortedTable(index);
    for (let from = 0; from < sorted.length; ) {
      const bucket = bucketOf(sorted[from] as number, buckets);
      let to = from;
      while (to < sorted.length && bucketOf(sorted[to] as number, buckets) === bucket) {
        onKey(sorted, to);
        to += 5;
      }
      yield { bucket, entries: encoded(sorted.subarray(from, to)) };
      from = to;
    }
  }
}

function encoded(words: Int32Array): Uint8Array {
  const entries = new Uint8Array((words.length / 5) * ENTRY_BYTES);
  const view = new DataView(entries.buffer);
  for (let at = 0; at < words.length; at += 5) {
    view.setInt32(at * 4, words[at] as number);
    view.setInt32(at * 4 + 4, words[at + 1] as number);
    view.setInt32(at * 4 + 8, words[at + 2] as number);
    view.setInt32(at * 4 + 12, words[at + 3] as number);
    // In memory places begin with 1, because 0 marks an empty slot.
    view.setInt32(at * 4 + 16, (words[at + 4] as number) - 1);
  }
  return entries;
}

/**
 * Position of a key in a stored bucket, 0 where it is not there; the latest, where a key came again after its window.
 * @param firstPosition of the partition
 */
export function findInBucket(entries: Uint8Array, hash: Int32Array, firstPosition: Position): Position {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  let low = 0;
  let high = entries.length / ENTRY_BYTES;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(view, middle, hash) <= 0) low = middle + 1;
    else high = middle;
  }
  if (low === 0 || compare(view, low - 1, hash) !== 0) return 0;
  return firstPosition + view.getUint32((low - 1) * ENTRY_BYTES + 16);
}

function compare(view: DataView, entry: number, hash: Int32Array): number {
  for (let word = 0; word < 4; word++) {
    const difference = view.getUint32(entry * ENTRY_BYTES + word * 4) - ((hash[word] as number) >>> 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
