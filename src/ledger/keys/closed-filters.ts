/**
 * The filters of a shard's closed partitions. Every new key is asked of all of them, so where many have come together they are
 * laid across (sliced-filters.ts).
 */
import type { ClosedFilter } from './closed-filter.js';
import { SlicedFilters } from './sliced-filters.js';

/** Filters of one size from which on they are laid across: that takes the memory of sixteen, however many there are. */
const SLICED_FROM = 4;

interface Single {
  readonly partition: number;
  readonly filter: ClosedFilter;
}

export class ClosedFilters {
  /** Asked one by one. */
  readonly #single: Single[] = [];
  #sliced: SlicedFilters[] = [];
  /** Something was added since {@link slice} has come to its end. */
  #added = false;

  /** Whether {@link slice} may have something to do. */
  get mayBeSliced(): boolean {
    return this.#added;
  }

  get sizeBytes(): number {
    const sizes = [...this.#single.map(({ filter }) => filter), ...this.#sliced].map(({ sizeBytes }) => sizeBytes);
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  add(partition: number, filter: ClosedFilter): void {
    this.#single.push({ partition, filter });
    this.#added = true;
  }

  forget(partition: number): void {
    const index = this.#single.findIndex((one) => one.partition === partition);
    if (index !== -1) this.#single.splice(index, 1);
    for (const filters of this.#sliced) filters.forget(partition);
    this.#sliced = this.#sliced.filter(({ isOver }) => !isOver);
  }

  /** Reads what {@link mayContain} begins with. @returns a number that depends on all of it */
  fetch(words: Int32Array, count: number): number {
    let seen = 0;
    for (let index = 0; index < this.#single.length; index++) {
      const { filter } = this.#single[index] as Single;
      for (let at = 0; at < count; at++) seen += filter.lineOf(words[at] as number);
    }
    for (let index = 0; index < this.#sliced.length; index++) {
      const filters = this.#sliced[index] as SlicedFilters;
      for (let at = 0; at < count; at++) seen += filters.lineOf(words[at] as number);
    }
    return seen | 0;
  }

  /** False: in none of the partitions. True: perhaps in one of {@link partitionsOf}. */
  mayContain(hash: Int32Array): boolean {
    for (let index = 0; index < this.#single.length; index++) {
      if ((this.#single[index] as Single).filter.mayContain(hash)) return true;
    }
    for (let index = 0; index < this.#sliced.length; index++) {
      if ((this.#sliced[index] as SlicedFilters).lanesOf(hash) !== 0) return true;
    }
    return false;
  }

  /** The partitions whose filters say maybe, in no particular order. */
  partitionsOf(hash: Int32Array): Set<number> {
    return new Set([
      ...this.#single.filter(({ filter }) => filter.mayContain(hash)).map(({ partition }) => partition),
      ...this.#sliced.flatMap((filters) => filters.partitionsOf(filters.lanesOf(hash))),
    ]);
  }

  /**
   * Lays filters across where many of one size are asked one by one; in short steps, and all others may be called between
   * them. Yields true after the last step of a filter, which is the time to leave off: a filter half laid wastes its lane.
   */
  *slice(): Generator<boolean, void> {
    for (let next = this.#nextToSlice(); next !== null; next = this.#nextToSlice()) {
      const { single, filters } = next;
      for (const _step of filters.add(single.partition, single.filter)) yield false;
      const index = this.#single.indexOf(single);
      if (index === -1) filters.forget(single.partition);
      else this.#single.splice(index, 1);
      yield true;
    }
    this.#added = false;
  }

  /** A filter for whose size there is a lane, or of which there are many. */
  #nextToSlice() {
    for (const single of this.#single) {
      const { blocks } = single.filter;
      const open = this.#sliced.find((filters) => filters.takes(blocks));
      if (open !== undefined) return { single, filters: open };
      if (this.#single.filter(({ filter }) => filter.blocks === blocks).length < SLICED_FROM) continue;
      const filters = new SlicedFilters(blocks);
      this.#sliced.push(filters);
      return { single, filters };
    }
    return null;
  }
}
