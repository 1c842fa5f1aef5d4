/**
 * The rest between two commits of a shard under load. A commit costs the machine most of what it costs whether it has
 * one record or fifty (an fsync above all), so while there are many the next one waits twice as long as the last one
 * took: more records a commit, and the processor for those who ask. Where there are few it does not wait at all.
 */

/** A commit of fewer records is followed at once by the next one: then nobody waits for anything but the disk. */
const RECORDS_MIN = 32;
const TIMES_THE_COMMIT = 2;
const REST_MS_MAX = 6;

export class Pacing {
  #timer: NodeJS.Timeout | null = null;
  #over: (() => void) | null = null;

  /** Resolves when the next commit may begin; at once after a small one. */
  async rest(records: number, tookMs: number): Promise<void> {
    const restMs = Math.min(tookMs * TIMES_THE_COMMIT, REST_MS_MAX);
    // Timers count whole milliseconds.
    if (records < RECORDS_MIN || restMs < 1) return;
    await new Promise<void>((resolve) => {
      this.#over = resolve;
      this.#timer = setTimeout(() => this.end(), restMs);
    });
  }

  /** The batch that gathers is full, or nothing more will come. */
  end(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#over?.();
  }
}
