/**
 * The rest between two commits of a shard under load. A commit costs the machine most of what it costs whether it has
 * one record or fifty (an fsync above all). While there are many the next one waits until as many commands have come as
 * were just answered, or about twice as long as the last commit took: more records a commit, and the processor for
 * those who ask. Where there are few, or commits are quick, it does not wait at all.
 */

/** A commit of fewer records is followed at once by the next one: then nobody waits for anything but the disk. */
const RECORDS_MIN = 8;
const TIMES_THE_COMMIT = 2;
/** Timers count whole milliseconds, so one that is waited for in vain is taken off beforehand. */
const SLICE_MS = 1;
const REST_MS_MAX = 6;

export class Pacing {
  #timer: NodeJS.Timeout | null = null;
  #endSlice: (() => void) | null = null;
  #ended = false;

  /**
   * Resolves when the next commit may begin; at once after a small or a quick one.
   * @param records of the last commit
   * @param tookMs how long it took
   * @param gathered takes what has come meanwhile; how many records it made so far
   */
  async rest(records: number, tookMs: number, gathered: () => number): Promise<void> {
    if (records < RECORDS_MIN) return;
    const restMs = Math.min(tookMs * TIMES_THE_COMMIT - SLICE_MS, REST_MS_MAX);
    this.#ended = false;
    for (let restedMs = SLICE_MS; restedMs <= restMs && !this.#ended && gathered() < records; restedMs += SLICE_MS) {
      await new Promise<void>((resolve) => {
        this.#endSlice = resolve;
        this.#timer = setTimeout(resolve, SLICE_MS);
      });
    }
  }

  /** The batch that gathers is full, or nothing more will come. */
  end(): void {
    this.#ended = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#endSlice?.();
  }
}
