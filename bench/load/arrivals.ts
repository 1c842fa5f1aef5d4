/** When requests are meant to start. */

/** Mulberry32: the same seed gives the same arrivals. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A Poisson process: the times at which many independent clients would send. */
export class Arrivals {
  #next: number;

  /** @param perSecond more than 0 */
  constructor(
    readonly perSecond: number,
    fromMs: number,
    readonly random: () => number,
  ) {
    this.#next = fromMs;
    this.#step();
  }

  /** The next intended start, ms; it is taken. Negative: none before `untilMs`. */
  take(untilMs: number): number {
    const at = this.#next;
    if (at >= untilMs) return -1;
    this.#step();
    return at;
  }

  #step(): void {
    this.#next += (-Math.log(1 - this.random()) * 1000) / this.perSecond;
  }
}
