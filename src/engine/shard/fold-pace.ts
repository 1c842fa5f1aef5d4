/**
 * Commits slow down where the folds cannot follow. What is not folded is read again at the next start, so without a bound a
 * shard that has been busy for an hour would be away for minutes after a crash.
 *
 * From half of the bound on, records pass at a rate with which the rest of the way would take {@link REST_OF_THE_WAY_MS} at
 * least: the nearer the bound the slower, and never beyond it. So the rate settles at what the folds do, without a measure
 * of that, which comes in lumps. Folds that stand still slow a shard to {@link RATE_MIN} and do not stop it: that is for the
 * operator to see.
 */
import type { Position } from '../../ledger/record.js';

/** Longer than most steps of the folds take, so that a lump of theirs is no jolt here. */
const REST_OF_THE_WAY_MS = 10_000;
/** Records a millisecond. */
const RATE_MIN = 1;
/** A batch takes no more than passes in this time, so that nobody waits longer behind it. */
const REST_MS_MAX = 1_000;
/** Who has not seen the folds for so long knows nothing of them. */
const STALE_MS = 5_000;
const TOLD_EVERY_MS = 60_000;

export class FoldPace {
  readonly #lagMax: number;
  readonly #onBehind: (records: number) => void;
  #folded: Position = 0;
  #seenMs = Number.NEGATIVE_INFINITY;
  #toldMs = Number.NEGATIVE_INFINITY;
  /** When the next commit may begin, by performance.now(). */
  #nextMs = 0;
  #recordsMax = Number.POSITIVE_INFINITY;
  #lastMs = 0;
  #allMs = 0;
  #isHurrying = false;
  #end: (() => void) | null = null;

  /**
   * @param lagMax records that the folds may be behind
   * @param onBehind told with the records when commits are slowed, once a minute
   */
  constructor(lagMax: number, onBehind: (records: number) => void) {
    this.#lagMax = lagMax;
    this.#onBehind = onBehind;
  }

  saw(folded: Position): void {
    this.#folded = folded;
    this.#seenMs = performance.now();
  }

  /** A commit of so many records begins, which ends the log at `last`. */
  begins(records: number, last: Position): void {
    const nowMs = performance.now();
    const rate = this.#rateAt(last - this.#folded, nowMs);
    const begunMs = Math.max(this.#nextMs, nowMs);
    // Only one command of many records is more than that. The rest of its debt is forgiven.
    this.#nextMs = Math.min(begunMs + records / rate, nowMs + REST_MS_MAX);
    this.#recordsMax = rate * REST_MS_MAX;
  }

  /** So many the next batch may take. */
  get recordsMax(): number {
    return this.#recordsMax;
  }

  /** Resolves when the next commit may begin; null: at once. */
  rest(): Promise<void> | null {
    const begunMs = performance.now();
    const restMs = this.#nextMs - begunMs;
    // Less than a timer can do is owed, and comes together with the next.
    this.#lastMs = this.#isHurrying || restMs < 1 ? 0 : restMs;
    if (this.#lastMs === 0) return null;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end?.(), restMs);
      this.#end = () => {
        clearTimeout(timer);
        this.#end = null;
        this.#allMs += performance.now() - begunMs;
        resolve();
      };
    });
  }

  /** From here on nothing rests, and a rest under way ends. */
  hurry(): void {
    this.#isHurrying = true;
    this.#end?.();
  }

  get isResting(): boolean {
    return this.#end !== null;
  }

  /** The last rest, ms; 0 where the last commit needed none. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** Of all rests, ms. */
  get allMs(): number {
    return this.#allMs;
  }

  /** Records a millisecond. */
  #rateAt(lag: number, nowMs: number): number {
    if (lag * 2 <= this.#lagMax || nowMs - this.#seenMs > STALE_MS) return Number.POSITIVE_INFINITY;
    if (nowMs - this.#toldMs > TOLD_EVERY_MS) {
      this.#toldMs = nowMs;
      this.#onBehind(lag);
    }
    return Math.max((this.#lagMax - lag) / REST_OF_THE_WAY_MS, RATE_MIN);
  }
}
