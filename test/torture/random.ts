/** Random numbers that a seed gives again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 ≤ x < 1 */
  next(): number {
    // Mulberry32: enough for choosing faults.
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** min ≤ x ≤ max, whole */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.between(0, from.length - 1)] as T; // the index is within
  }

  shuffled<T>(from: readonly T[]): T[] {
    const items = [...from];
    for (let at = items.length - 1; at > 0; at--) {
      const other = this.between(0, at);
      [items[at], items[other]] = [items[other] as T, items[at] as T]; // both are within
    }
    return items;
  }

  /** Another one, for somebody whose turns come at times that no seed decides. */
  fork(): Random {
    return new Random(this.between(0, 0xffffffff));
  }
}
