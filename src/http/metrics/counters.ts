/**
 * What the fronts count, in memory that all of them see: whichever is asked for the metrics answers for all. Each front
 * writes a row of its own and nobody else's, so nothing is locked; a sum may miss what was added this very moment.
 */

const FIRST_STATUS = 100;
const STATUSES = 500;
/** Behind the statuses: requests under way, and the share of the last second that the thread was busy. */
const IN_FLIGHT = STATUSES;
const BUSY = STATUSES + 1;
const COLUMNS = STATUSES + 2;

/** Zeroes for so many fronts. A front that is started again goes on with the row of the one before: counts never fall. */
export const newFrontCounters = (fronts: number): SharedArrayBuffer =>
  new SharedArrayBuffer(fronts * COLUMNS * Float64Array.BYTES_PER_ELEMENT);

export class FrontCounters {
  readonly #all: Float64Array;
  readonly #own: Float64Array;

  constructor(shared: SharedArrayBuffer, front: number) {
    this.#all = new Float64Array(shared);
    this.#own = this.#all.subarray(front * COLUMNS, (front + 1) * COLUMNS);
  }

  /** A request was answered. On the hot path: an addition, nothing else. */
  answered(status: number): void {
    const column = status - FIRST_STATUS;
    this.#own[column] = (this.#own[column] ?? 0) + 1;
  }

  /** How this thread is. @param busy share of the time, 0 to 1 */
  note(inFlight: number, busy: number): void {
    this.#own[IN_FLIGHT] = inFlight;
    this.#own[BUSY] = busy;
  }

  /** Answers so far by status, over all fronts; statuses that were never given are left out. */
  byStatus(): ReadonlyMap<number, number> {
    const sums = new Map<number, number>();
    for (const row of this.#rows()) {
      for (let column = 0; column < STATUSES; column++) {
        const count = row[column] ?? 0;
        if (count > 0) sums.set(column + FIRST_STATUS, (sums.get(column + FIRST_STATUS) ?? 0) + count);
      }
    }
    return sums;
  }

  /** By front. */
  threads(): readonly { readonly inFlight: number; readonly busy: number }[] {
    return this.#rows().map((row) => ({ inFlight: row[IN_FLIGHT] ?? 0, busy: row[BUSY] ?? 0 }));
  }

  #rows(): Float64Array[] {
    return Array.from({ length: this.#all.length / COLUMNS }, (_, front) =>
      this.#all.subarray(front * COLUMNS, (front + 1) * COLUMNS),
    );
  }
}
