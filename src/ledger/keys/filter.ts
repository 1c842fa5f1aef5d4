/**
 * A Bloom filter before the keys that are in memory: "certainly not there" or "maybe". About 10 bits a key, all bits of a
 * key within one block of 64 bytes, so that a question costs one cache miss; about 1 % of strangers get "maybe", and cost a
 * look at one list.
 */
import { BLOCK_BITS, BlockBits } from './block-bits.js';

const BITS_PER_KEY = 10;

export class KeyFilter {
  readonly #bits: BlockBits;

  private constructor(blocks: number) {
    this.#bits = new BlockBits(blocks);
  }

  /** An empty one with room for this many keys. */
  static sized(keys: number): KeyFilter {
    return new KeyFilter(Math.max(1, Math.ceil((keys * BITS_PER_KEY) / BLOCK_BITS)));
  }

  get sizeBytes(): number {
    return this.#bits.words.byteLength;
  }

  /** Three words of a key's hash. Seven bits: nine times seven of the 64 of the last two words. */
  add(word1: number, word2: number, word3: number): void {
    const bits = this.#bits;
    const base = bits.block(word1);
    bits.set(base, word2);
    bits.set(base, word2 >>> 9);
    bits.set(base, word2 >>> 18);
    bits.set(base, word3);
    bits.set(base, word3 >>> 9);
    bits.set(base, word3 >>> 18);
    bits.set(base, (word2 >>> 27) | ((word3 >>> 27) << 5));
  }

  mayContain(word1: number, word2: number, word3: number): boolean {
    const bits = this.#bits;
    const base = bits.block(word1);
    return (
      bits.has(base, word2) &&
      bits.has(base, word2 >>> 9) &&
      bits.has(base, word2 >>> 18) &&
      bits.has(base, word3) &&
      bits.has(base, word3 >>> 9) &&
      bits.has(base, word3 >>> 18) &&
      bits.has(base, (word2 >>> 27) | ((word3 >>> 27) << 5))
    );
  }

  /** Of the block in which a key's bits are. */
  firstWord(word1: number): number {
    return this.#bits.words[this.#bits.block(word1)] as number;
  }
}
