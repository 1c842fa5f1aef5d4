/** How merchants and accounts are chosen. */

/** From 0 to below `count`, each as likely. */
export const uniform = (random: () => number, count: number): number => Math.floor(random() * count);

/** Ranks 0 to `count` − 1: rank r with a probability in proportion to 1 / (r + 1)^exponent. */
export class Zipf {
  /** Probability of this rank or one below it. */
  readonly #upTo: Float64Array;

  /** @param count from 1 */
  constructor(
    count: number,
    exponent: number,
    readonly random: () => number,
  ) {
    this.#upTo = new Float64Array(count);
    let sum = 0;
    for (let rank = 0; rank < count; rank++) {
      sum += (rank + 1) ** -exponent;
      this.#upTo[rank] = sum;
    }
    for (let rank = 0; rank < count; rank++) this.#upTo[rank] = (this.#upTo[rank] ?? 0) / sum;
  }

  next(): number {
    const drawn = this.random();
    let low = 0;
    let high = this.#upTo.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#upTo[middle] ?? 1) > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Two that differ. @param count from 2 */
export function pairOf(next: () => number): readonly [number, number] {
  const first = next();
  for (;;) {
    const second = next();
    if (second !== first) return [first, second];
  }
}
