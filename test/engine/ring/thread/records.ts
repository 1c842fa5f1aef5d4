/** The records of a long run: the sequence alone says how long each is and what stands in it. */

/** A stream of lengths, the same for both sides. Words, so that making and checking them is cheap. */
export class Lengths {
  #state: number;

  constructor(
    seed: number,
    private readonly wordsMax: number,
  ) {
    this.#state = seed | 1;
  }

  /** Payload in bytes: 8 to 4 × wordsMax. */
  next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return 8 + ((this.#state >>> 8) % (this.wordsMax - 1)) * 4;
  }
}

/** Sequence, then words made of it, then their checksum. */
export function write(words: Int32Array, offset: number, length: number, sequence: number): void {
  const first = offset >> 2;
  const last = first + (length >> 2) - 1;
  words[first] = sequence;
  let sum = sequence;
  for (let word = first + 1; word < last; word++) {
    const value = Math.imul(sequence ^ (word - first), 0x9e3779b1);
    words[word] = value;
    sum = Math.imul(sum ^ value, 0x85ebca6b);
  }
  words[last] = ~sum;
}

export function isWhole(words: Int32Array, offset: number, length: number, sequence: number): boolean {
  const first = offset >> 2;
  const last = first + (length >> 2) - 1;
  if (words[first] !== sequence) return false;
  let sum = sequence;
  for (let word = first + 1; word < last; word++) sum = Math.imul(sum ^ (words[word] ?? 0), 0x85ebca6b);
  return words[last] === ~sum;
}
