/** Chance by a seed: the same seed gives the same numbers on every machine. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  /** @param name tells apart the streams of one seed, so that a choice more in one changes nothing in the others */
  constructor(seed: number, name: string) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    let mixed = 0x9e3779b9 | 0;
    for (let index = 0; index < name.length; index++) mixed = Math.imul(mixed ^ name.charCodeAt(index), 0x01000193);
    this.#c = mixed;
    for (let round = 0; round < 15; round++) this.next32();
  }

  /** 0 to 2^32−1 (the generator known as sfc32). */
  next32(): number {
    const result = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** 0 to below 1. */
  fraction(): number {
    return this.next32() / 2 ** 32;
  }

  /** `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.fraction() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.fraction() * from.length)] as T; // callers give lists that are not empty
  }

  /** By weights. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let sum = 0;
    for (const choice of choices) sum += choice[0];
    let left = this.fraction() * sum;
    for (const choice of choices) {
      left -= choice[0];
      if (left < 0) return choice[1];
    }
    return (choices.at(-1) as readonly [number, T])[1]; // rounding; callers give lists that are not empty
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.next32() & 0xff);
  }
}
