/**
 * Commits slow down where the folds cannot follow. What is not folded is read again at the next start, so without a bound a
 * shard that has been busy for an hour would be away for minutes after a crash.
 *
 * Beyond the bound each commit is followed by a rest in proportion to what it took and to how far beyond it is: so the rate
 * settles at that of the folds without stops. Nothing is refused for this; fronts see what the shard is worth now, and let
 * in as much (admission). Folds that do not work at all slow a shard down and do not stop it: that is for the operator to see.
 */
import type { Position } from '../../ledger/record.js';

/** Of what a commit took, at twice the bound. */
const REST_SHARE = 4;
/** So a shard whose folds stand still commits four batches a second. */
const REST_MS_MAX = 250;

export class FoldPace {
  readonly #lagMax: number;
  readonly #onBehind: (records: number) => void;
  /** null: nobody has looked yet. */
  #folded: Position | null = null;
  #isTold = false;
  #restedMs = 0;

  /**
   * @param lagMax records that the folds may be behind
   * @param onBehind told with the records when the bound is passed, and again only after half of it was reached in between
   */
  constructor(lagMax: number, onBehind: (records: number) => void) {
    this.#lagMax = lagMax;
    this.#onBehind = onBehind;
  }

  /** Milliseconds that commits have rested since the start. */
  get restedMs(): number {
    return this.#restedMs;
  }

  folded(position: Position): void {
    this.#folded = position;
  }

  /**
   * @param committed end of the log
   * @param tookMs the commit that brought it there
   * @returns how long the next commit has to wait, ms
   */
  restMs(committed: Position, tookMs: number): number {
    if (this.#folded === null) return 0;
    const lag = committed - this.#folded;
    if (lag * 2 <= this.#lagMax) this.#isTold = false;
    if (lag <= this.#lagMax) return 0;
    if (!this.#isTold) this.#onBehind(lag);
    this.#isTold = true;
    const beyond = (lag - this.#lagMax) / this.#lagMax;
    const restMs = beyond < 1 ? Math.min(tookMs * REST_SHARE * beyond, REST_MS_MAX) : REST_MS_MAX;
    this.#restedMs += restMs;
    return restMs;
  }
}
