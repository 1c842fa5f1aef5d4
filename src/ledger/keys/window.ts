/**
 * The remembered idempotency keys of a shard: generations by partition of the log. The newest ones are tables in
 * memory; of older ones, whose keys have been written to the database, only a filter is kept. A table whose keys are
 * written is asked by that filter already, since those of many partitions are asked together (closed-filters.ts).
 *
 * Partition p holds the positions p·N+1 … (p+1)·N. A key is forgotten when its own time has come, judged in whole
 * seconds, never early; the bounds count it until then.
 */
import { assert } from '../assert.js';
import type { Micros, Position } from '../record.js';
import { bucketsFor, bucketsOf, type KeyBucket } from './bucket.js';
import { ClosedFilter } from './closed-filter.js';
import { ClosedFilters } from './closed-filters.js';
import { KeyQuota } from './quota.js';
import { KeyTable } from './table.js';

/** What {@link KeyWindow.find} answers when only a look-up in closed partitions can tell. */
export const MAYBE_ELSEWHERE = -1;

/** Sorted keys of a closed partition, for writing in bulk. */
export interface KeyExport {
  readonly partition: number;
  readonly keys: number;
  /** A power of two; the bucket of a key is that of `bucketOf`. */
  readonly buckets: number;
  /** How many keys of each book are forgotten when. */
  readonly slices: readonly KeySlice[];
  readonly lastExpiresAt: Micros;
  /** Complete once `chunks` has been read to its end. */
  readonly filter: ClosedFilter;
  /** Non-empty buckets in order; may be read bit by bit, the partition does not change any more. */
  chunks(): IterableIterator<KeyBucket>;
}

/** Keys that are forgotten at about the same time, as they are stored. Seconds since 1970. */
export interface KeySlice {
  readonly from: number;
  readonly until: number;
  readonly byBook: ReadonlyMap<number, number>;
}

/** Keys that are forgotten at about the same time, counted by book, so that the bounds follow the clock. */
interface Slice {
  readonly firstExpirySeconds: number;
  lastExpirySeconds: number;
  readonly byBook: Map<number, Counted>;
  /** The book counted last: postings of a book tend to come one after the other. */
  lastBook: number;
  last: Counted | undefined;
}

interface Counted {
  keys: number;
}

interface Generation {
  readonly partition: number;
  /** Null: its keys are in the database only. */
  table: KeyTable | null;
  /** Its keys are written, and behind a filter. */
  closed: boolean;
  readonly slices: Slice[];
}

interface OpenTable {
  readonly partition: number;
  readonly table: KeyTable;
}

const MICROS = 1_000_000;
/** A window of 7 days is counted in slices of about 10 hours. */
const SLICES_PER_WINDOW = 16;

export class KeyWindow {
  readonly #partitionRecords: number;
  /** In order of partition. */
  readonly #generations: Generation[] = [];
  /** Those of them that are behind no filter, newest first. */
  #open: readonly OpenTable[] = [];
  readonly #closed = new ClosedFilters();
  /** Partitions that were let go since {@link takeForgotten}. */
  #forgotten: number[] = [];
  readonly #quota = new KeyQuota();
  #sliceSeconds = 1;

  constructor(partitionRecords: number) {
    assert(Number.isInteger(partitionRecords) && partitionRecords > 0, 'a partition holds at least one record');
    assert(partitionRecords < 2 ** 32, 'places in a partition fit in 32 bits');
    this.#partitionRecords = partitionRecords;
  }

  /** Keys that count against the bounds: those in memory and those behind filters. */
  get count(): number {
    return this.#quota.total;
  }

  get max(): number {
    return this.#quota.max;
  }

  /** Bytes held for keys. */
  get sizeBytes(): number {
    return this.#generations.reduce((sum, { table }) => sum + (table?.sizeBytes ?? 0), this.#closed.sizeBytes);
  }

  countOf(book: number): number {
    return this.#quota.used(book);
  }

  configure(settings: { readonly keyWindow: Micros; readonly keysMax: number; readonly keysGuaranteed: number }): void {
    this.#quota.configure(settings.keysMax, settings.keysGuaranteed);
    this.#sliceSeconds = Math.max(1, Math.floor(settings.keyWindow / MICROS / SLICES_PER_WINDOW));
  }

  setBooks(books: number): void {
    this.#quota.setBooks(books);
  }

  /** Partition p holds positions p·N+1 … (p+1)·N. */
  partitionOf(position: Position): number {
    return Math.floor((position - 1) / this.#partitionRecords);
  }

  firstPositionOf(partition: number): Position {
    return partition * this.#partitionRecords + 1;
  }

  /** Those whose keys are in memory, oldest first. */
  residentPartitions(): number[] {
    return this.#generations.filter(({ table }) => table !== null).map(({ partition }) => partition);
  }

  /** The oldest partition whose keys are behind no filter yet. */
  get oldestOpen(): number | undefined {
    return this.#open[this.#open.length - 1]?.partition;
  }

  /** Whether the partition's keys are behind a filter, in memory or not. */
  isClosed(partition: number): boolean {
    return this.#generations.some((one) => one.partition === partition && one.closed);
  }

  /** Position of the key's outcome, 0 for a new key, or {@link MAYBE_ELSEWHERE}. */
  find(hash: Int32Array, now: Micros): Position {
    const nowSeconds = Math.floor(now / MICROS);
    for (let index = 0; index < this.#open.length; index++) {
      const { table, partition } = this.#open[index] as OpenTable;
      const place = table.find(hash, nowSeconds);
      if (place !== 0) return this.#positionOf(partition, place);
    }
    return this.#closed.mayContain(hash) ? this.#findClosed(hash, nowSeconds) : 0;
  }

  #positionOf(partition: number, place: number): Position {
    return partition * this.#partitionRecords + place;
  }

  #findClosed(hash: Int32Array, nowSeconds: number): Position {
    let isElsewhere = false;
    for (const { table, partition } of this.#maybeIn(hash, nowSeconds)) {
      if (table === null) isElsewhere = true;
      const place = table?.find(hash, nowSeconds) ?? 0;
      if (place !== 0) return this.#positionOf(partition, place);
    }
    return isElsewhere ? MAYBE_ELSEWHERE : 0;
  }

  /** Closed partitions whose filter says maybe and that are not over, newest first. */
  #maybeIn(hash: Int32Array, nowSeconds: number): Generation[] {
    const maybe = this.#closed.partitionsOf(hash);
    return this.#generations
      .filter(
        ({ partition, slices }) => maybe.has(partition) && slices.some((slice) => slice.lastExpirySeconds > nowSeconds),
      )
      .reverse();
  }

  /**
   * Reads what looking for keys that come next will read first, and remembering them: of the newest generation and of filters.
   * @param words the first of each key's hash
   * @returns a number that depends on all of it
   */
  fetch(words: Int32Array, count: number): number {
    return (this.fetchNewest(words, count) + this.#closed.fetch(words, count)) | 0;
  }

  /** As {@link fetch}, for keys that are only remembered. */
  fetchNewest(words: Int32Array, count: number): number {
    return this.#generations[this.#generations.length - 1]?.table?.fetch(words, count) ?? 0;
  }

  /** Partitions that are not in memory and whose filter says maybe, newest first: where a look-up has to look. */
  partitionsToSearch(hash: Int32Array, now: Micros): number[] {
    return this.#maybeIn(hash, Math.floor(now / MICROS))
      .filter(({ table }) => table === null)
      .map(({ partition }) => partition);
  }

  /** Whether the book may have one more key remembered. */
  hasRoom(book: number, now: Micros): boolean {
    if (this.#quota.hasRoom(book)) return true;
    this.forget(now);
    return this.#quota.hasRoom(book);
  }

  /** A key of a record. Where its partition is known by its filter only, there is nothing to add. */
  remember(hash: Int32Array, book: number, position: Position, recordedAt: Micros, expiresAt: Micros): void {
    const generation = this.#generationOf(this.partitionOf(position));
    // Its filter holds and counts the key already: a start whose fold lags behind the written keys comes here.
    if (generation.table === null) return;
    const expirySeconds = Math.ceil(expiresAt / MICROS);
    const place = position - generation.partition * this.#partitionRecords;
    generation.table.add(hash, place, expirySeconds, Math.floor(recordedAt / MICROS));
    this.#count(generation, book, expirySeconds);
  }

  #generationOf(partition: number): Generation {
    const last = this.#generations[this.#generations.length - 1];
    if (last?.partition === partition) return last;
    const known = this.#generations.find((one) => one.partition === partition);
    if (known !== undefined) return known;
    const generation = { partition, table: new KeyTable(), closed: false, slices: [] };
    this.#insert(generation);
    return generation;
  }

  #insert(generation: Generation): void {
    this.#generations.push(generation);
    this.#generations.sort((a, b) => a.partition - b.partition);
    this.#arrange();
  }

  #arrange(): void {
    this.#open = this.#generations
      .flatMap(({ partition, table, closed }) => (closed || table === null ? [] : [{ partition, table }]))
      .reverse();
  }

  #count(generation: Generation, book: number, expirySeconds: number): void {
    let slice = generation.slices[generation.slices.length - 1];
    if (slice === undefined || Math.abs(expirySeconds - slice.firstExpirySeconds) > this.#sliceSeconds) {
      slice = newSlice(expirySeconds);
      generation.slices.push(slice);
    }
    slice.lastExpirySeconds = Math.max(slice.lastExpirySeconds, expirySeconds);
    countOne(slice, book);
    this.#quota.add(book, 1);
  }

  /** Undoes the last {@link remember}. */
  undo(hash: Int32Array, book: number, position: Position): void {
    const generation = this.#generationOf(this.partitionOf(position));
    generation.table?.remove(hash, position - generation.partition * this.#partitionRecords);
    const slice = generation.slices[generation.slices.length - 1];
    const counted = slice?.byBook.get(book);
    assert(slice !== undefined && counted !== undefined, 'a key that is undone was counted');
    counted.keys--;
    if (counted.keys === 0) {
      slice.byBook.delete(book);
      slice.last = undefined;
    }
    if (slice.byBook.size === 0) generation.slices.pop();
    this.#quota.add(book, -1);
  }

  /** @throws InvariantError where the partition is not in memory */
  sortedEntries(partition: number): KeyExport {
    const generation = this.#generations.find((one) => one.partition === partition);
    const table = generation?.table;
    assert(generation !== undefined && table != null, 'a partition that is exported is in memory');
    const keys = table.count;
    // Not by how many keys there are: another owner may have written a part of them, and counts those that expired meanwhile or not.
    const buckets = bucketsFor(this.#partitionRecords);
    const filter = ClosedFilter.sized(keys);
    const slices = generation.slices.map(({ firstExpirySeconds, lastExpirySeconds, byBook }) => ({
      from: firstExpirySeconds,
      until: lastExpirySeconds,
      byBook: new Map([...byBook].map(([book, counted]) => [book, counted.keys] as const)),
    }));
    return {
      partition,
      keys,
      buckets,
      slices,
      lastExpiresAt: Math.max(0, ...slices.map(({ until }) => until)) * MICROS,
      filter,
      chunks: () => bucketsOf(table, buckets, (words, at) => filter.add(words, at)),
    };
  }

  /** After all keys of a partition have been written: from now on its filter is asked first. */
  close(partition: number, filter: ClosedFilter): void {
    const generation = this.#generations.find((one) => one.partition === partition);
    // Forgotten while it was written.
    if (generation === undefined) return;
    assert(!generation.closed, 'a partition is closed once');
    generation.closed = true;
    this.#closed.add(partition, filter);
    this.#arrange();
  }

  /** Lets the keys of a closed partition go from memory. */
  retire(partition: number): void {
    const generation = this.#generations.find((one) => one.partition === partition);
    assert(
      generation?.closed === true && generation.table !== null,
      'a partition is closed before it is retired, once',
    );
    generation.table = null;
  }

  /** Whether {@link sliceFilters} may have something to do. */
  get mayBeSliced(): boolean {
    return this.#closed.mayBeSliced;
  }

  /** Makes looking at many closed partitions cheaper, see {@link ClosedFilters.slice}. */
  sliceFilters(): Generator<boolean, void> {
    return this.#closed.slice();
  }

  /** At start: a partition whose keys were written before. Before any key of a later one. */
  addFilter(partition: number, filter: ClosedFilter, written: readonly KeySlice[]): void {
    assert(!this.#generations.some((one) => one.partition === partition), 'a partition is added once');
    const slices = written.map(({ from, until, byBook }) => {
      const slice = newSlice(from);
      slice.lastExpirySeconds = until;
      for (const [book, keys] of byBook) {
        slice.byBook.set(book, { keys });
        this.#quota.add(book, keys);
      }
      return slice;
    });
    this.#closed.add(partition, filter);
    this.#insert({ partition, table: null, closed: true, slices });
  }

  /** Drops what has expired; returns the partitions that are gone as a whole. The newest partition always stays. */
  forget(now: Micros): number[] {
    const nowSeconds = Math.floor(now / MICROS);
    const gone: number[] = [];
    for (let index = 0; index < this.#generations.length; index++) {
      const generation = this.#generations[index] as Generation;
      this.#forgetSlices(generation, nowSeconds);
      const newest = generation.table !== null && index === this.#generations.length - 1;
      if (generation.slices.length > 0 || newest) continue;
      gone.push(generation.partition);
      this.#generations.splice(index--, 1);
      this.#closed.forget(generation.partition);
    }
    if (gone.length > 0) this.#arrange();
    this.#forgotten.push(...gone);
    return gone;
  }

  /** Partitions that are gone since this was asked last: whoever has written their keys need not keep them. */
  takeForgotten(): readonly number[] {
    const forgotten = this.#forgotten;
    this.#forgotten = [];
    return forgotten;
  }

  #forgetSlices(generation: Generation, nowSeconds: number): void {
    const { slices } = generation;
    for (let index = 0; index < slices.length; index++) {
      const slice = slices[index] as Slice;
      if (slice.lastExpirySeconds > nowSeconds) continue;
      for (const [book, counted] of slice.byBook) this.#quota.add(book, -counted.keys);
      slices.splice(index--, 1);
    }
  }
}

const newSlice = (expirySeconds: number): Slice => ({
  firstExpirySeconds: expirySeconds,
  lastExpirySeconds: expirySeconds,
  byBook: new Map(),
  lastBook: 0,
  last: undefined,
});

function countOne(slice: Slice, book: number): void {
  if (slice.last === undefined || slice.lastBook !== book) {
    slice.last = slice.byBook.get(book) ?? { keys: 0 };
    slice.byBook.set(book, slice.last);
    slice.lastBook = book;
  }
  slice.last.keys++;
}
