/** Bits in blocks of 64 bytes, for filters that ask for several of them and pay for one line of the cache. */
import { assert } from '../assert.js';

const BLOCK_WORDS = 16;
export const BLOCK_BITS = BLOCK_WORDS * 32;

/** Blocks with room for so many keys. */
export const blocksFor = (keys: number, bitsPerKey: number): number =>
  Math.max(1, Math.ceil((keys * bitsPerKey) / BLOCK_BITS));

/** Memory of this size begins 16 bytes behind a page where the C library has its own note there: then blocks are lines. */
const ALIGNMENT = 48;

export class BlockBits {
  readonly words: Int32Array;
  readonly #blocks: number;

  /** All of them 0. */
  constructor(blocks: number) {
    const words = blocks * BLOCK_WORDS;
    this.words = new Int32Array(new ArrayBuffer(ALIGNMENT + words * 4), ALIGNMENT, words);
    this.#blocks = blocks;
  }

  /** Where the block of a hash's word begins. */
  block(word: number): number {
    const block = Math.floor(((word >>> 0) * this.#blocks) / 4_294_967_296);
    assert(block < this.#blocks, 'a block lies within its filter');
    return block * BLOCK_WORDS;
  }

  /** The lowest nine bits of `bit` say which of a block's. */
  set(base: number, bit: number): void {
    const at = base + ((bit >>> 5) & (BLOCK_WORDS - 1));
    this.words[at] = (this.words[at] as number) | (1 << bit);
  }

  /** Seven bits of a key: nine times seven of the 64 of two words of its hash. */
  setSeven(base: number, word2: number, word3: number): void {
    this.set(base, word2);
    this.set(base, word2 >>> 9);
    this.set(base, word2 >>> 18);
    this.set(base, word3);
    this.set(base, word3 >>> 9);
    this.set(base, word3 >>> 18);
    this.set(base, (word2 >>> 27) | ((word3 >>> 27) << 5));
  }

  hasSeven(base: number, word2: number, word3: number): boolean {
    return (
      this.has(base, word2) &&
      this.has(base, word2 >>> 9) &&
      this.has(base, word2 >>> 18) &&
      this.has(base, word3) &&
      this.has(base, word3 >>> 9) &&
      this.has(base, word3 >>> 18) &&
      this.has(base, (word2 >>> 27) | ((word3 >>> 27) << 5))
    );
  }

  has(base: number, bit: number): boolean {
    return ((this.words[base + ((bit >>> 5) & (BLOCK_WORDS - 1))] as number) & (1 << bit)) !== 0;
  }
}
