/** Skeleton: signatures, bodies follow. */
import type { Micros, Position } from '../record.js';
import type { KeyFilter } from './filter.js';

/** What {@link KeyWindow.find} answers when only a look-up in closed partitions can tell. */
export const MAYBE_ELSEWHERE = -1;

/** Sorted keys of a closed partition, for writing in bulk. */
export interface KeyBucket {
  readonly bucket: number;
  /** (hash as four big-endian words, position − first position of the partition as uint32 big-endian), sorted. */
  readonly entries: Uint8Array;
}
export interface KeyExport {
  readonly partition: number;
  readonly keys: number;
  /** A power of two; the bucket of a key is {@link bucketOf}. */
  readonly buckets: number;
  /** Keys by book. */
  readonly byBook: ReadonlyMap<number, number>;
  readonly lastExpiresAt: Micros;
  /** Filled while `chunks` is read to its end. */
  readonly filter: KeyFilter;
  /** Non-empty buckets in order; read it bit by bit, the partition does not change any more. */
  chunks(): IterableIterator<KeyBucket>;
}

export declare class KeyWindow {
  /** Keys that count against the bounds: resident ones and those behind filters. */
  get count(): number;
  get max(): number;
  /** Partition p holds positions p·N+1 … (p+1)·N. */
  partitionOf(position: Position): number;
  /** Resident generations, oldest first. */
  residentPartitions(): number[];
  /** Position of the outcome of the key, 0 for a new key, {@link MAYBE_ELSEWHERE}. */
  find(hash: Int32Array, now: Micros): Position | 0 | typeof MAYBE_ELSEWHERE;
  /** Closed partitions whose filter says maybe, newest first: where to look for a key. */
  partitionsToSearch(hash: Int32Array, now: Micros): number[];
  sortedEntries(partition: number): KeyExport;
  /** After its keys have been written: the filter stands for them. */
  retire(partition: number, filter: KeyFilter): void;
  /** At start: a partition whose keys were written before. */
  addFilter(partition: number, filter: KeyFilter, byBook: Iterable<readonly [book: number, keys: number]>, lastExpiresAt: Micros): void;
  /** Drops generations of which every key has expired; returns their partitions. */
  forget(now: Micros): number[];
}
