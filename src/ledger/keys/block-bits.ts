/** Bits in blocks of 64 bytes, for filters that ask for several of them and pay for one line of the cache. */
import { assert } from '../assert.js';

const BLOCK_WORDS = 16;
export const BLOCK_BITS = BLOCK_WORDS * 32;
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

  has(base: number, bit: number): boolean {
    return ((this.words[base + ((bit >>> 5) & (BLOCK_WORDS - 1))] as number) & (1 << bit)) !== 0;
  }
}
