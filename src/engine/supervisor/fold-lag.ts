/**
 * How far the folds of a shard are behind its log, put together from the two who know: the folds say where they are, now
 * and then (a step over many records takes a while, and so does the rest after it), and the shard where its log ends, twice
 * a second. So the lag that is shown is never older than that, whatever the folds are at.
 */

export interface Lag {
  readonly records: number;
  /** For how long the oldest of them has been there; 0 where there is none. To half a second. */
  readonly ms: number;
}

/** Times are those of one clock, ms. */
export class LagMeter {
  /** Everything up to here is folded; null until the folds have said so. */
  #folded: number | null = null;
  #committed = 0;
  /** When the first record that is not folded came; null where there is none. */
  #since: number | null = null;

  /** @param lagMs age of the first record that is not folded; 0 where all are */
  folded(position: number, lagMs: number, nowMs: number): void {
    this.#folded = position;
    this.#since = lagMs > 0 ? nowMs - lagMs : null;
    this.#look(nowMs);
  }

  committed(position: number, nowMs: number): void {
    this.#committed = Math.max(this.#committed, position);
    this.#look(nowMs);
  }

  /** null: nobody knows yet. */
  at(nowMs: number): Lag | null {
    if (this.#folded === null) return null;
    const records = Math.max(this.#committed - this.#folded, 0);
    return { records, ms: records === 0 || this.#since === null ? 0 : Math.max(Math.round(nowMs - this.#since), 0) };
  }

  /** What the folds have said, as they would say it now; null before they did. */
  place(nowMs: number): { readonly position: number; readonly lagMs: number } | null {
    if (this.#folded === null) return null;
    return { position: this.#folded, lagMs: this.#since === null ? 0 : nowMs - this.#since };
  }

  #look(nowMs: number): void {
    if (this.#folded !== null && this.#committed > this.#folded) this.#since ??= nowMs;
  }
}
