/**
 * A Bloom filter before the keys that are in memory: "certainly not there" or "maybe". About 10 bits a key, all bits of a
 * key within one block of 64 bytes, so that a question costs one cache miss; about 1 % of strangers get "maybe", and cost a
 * look at one list.
 */
import { BlockBits, blocksFor } from './block-bits.js';

const BITS_PER_KEY = 10;

export class KeyFilter {
  readonly #bits: BlockBits;

  private constructor(blocks: number) {
    this.#bits = new BlockBits(blocks);
  }

  /** An empty one with room for this many keys. */
  static sized(keys: number): KeyFilter {
    return new KeyFilter(blocksFor(keys, BITS_PER_KEY));
  }

  get sizeBytes(): number {
    return this.#bits.words.byteLength;
  }

  /** Three words of a key's hash. */
  add(word1: number, word2: number, word3: number): void {
    this.#bits.setSeven(this.#bits.block(word1), word2, word3);
  }

  mayContain(word1: number, word2: number, word3: number): boolean {
    return this.#bits.seven(this.#bits.block(word1), word2, word3) !== 0;
  }

  /** Of those that a key's bits are in; reading it fetches all of them. */
  lineOf(word1: number): number {
    return this.#bits.lineOf(word1);
  }
}
