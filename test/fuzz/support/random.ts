/** Numbers that look random and are the same for the same seed, on every machine. */

export class Random {
  #state: number;

  /** Any texts and numbers, which together are the seed. */
  constructor(...seed: readonly (string | number)[]) {
    // FNV-1a over the text: near seeds give far states.
    let hash = 0x811c9dc5;
    for (const character of seed.join(':')) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
    this.#state = hash >>> 0;
  }

  /** mulberry32. @returns from 0 up to, not including, 1 */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From 0 up to, not including, `end`. */
  below(end: number): number {
    return Math.floor(this.fraction() * end);
  }

  chance(share: number): boolean {
    return this.fraction() < share;
  }

  pick<T>(values: readonly T[]): T {
    // Callers give at least one.
    return values[this.below(values.length)] as T;
  }

  /** Each function stands for a choice; its weight is how often it is taken. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: () => T])[]): T {
    let at = this.fraction() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, choice] of choices) {
      at -= weight;
      if (at < 0) return choice();
    }
    return (choices[0] as readonly [number, () => T])[1]();
  }
}
