/**
 * When to start a dead thread again: at once the first time, later and later while it keeps dying, with jitter so that
 * several do not return in step. A thread that lived for a while is forgiven.
 */
const FIRST_MS = 50;
const LONGEST_MS = 5_000;
const FORGIVEN_AFTER_MS = 30_000;

export class Restarts {
  #inARow = 0;
  #lastStartMs = 0;

  /** To be called at each start. `nowMs` is monotonic. */
  started(nowMs: number): void {
    this.#lastStartMs = nowMs;
  }

  /** To be called at each death. @returns milliseconds to wait */
  delayMs(nowMs: number): number {
    if (nowMs - this.#lastStartMs > FORGIVEN_AFTER_MS) this.#inARow = 0;
    const base = this.#inARow === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#inARow);
    this.#inARow++;
    return Math.round(base * (0.5 + Math.random() / 2));
  }
}
