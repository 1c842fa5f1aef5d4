/** Bits in blocks of 64 bytes, for filters that ask for several of them and pay for one line of the cache. */
import { assert } from '../assert.js';

const BLOCK_WORDS = 16;
export const BLOCK_BITS = BLOCK_WORDS * 32;

/** Blocks with room for so many keys. */
export const blocksFor = (keys: number, bitsPerKey: number): number =>
  Math.max(1, Math.ceil((keys * bitsPerKey) / BLOCK_BITS));

/** Which of so many blocks is that of a hash's word. */
export function blockOf(word: number, blocks: number): number {
  const block = Math.floor(((word >>> 0) * blocks) / 4_294_967_296);
  assert(block < blocks, 'a block lies within its filter');
  return block;
}

/** The seventh bit of a key: what two words of its hash have left when three times nine bits of each are taken. */
const seventhBit = (word2: number, word3: number): number =>
  ((word2 >>> 27) | ((word3 >>> 27) << 5)) & (BLOCK_BITS - 1);

/** The word of a block that holds the first bits of a key, all five of them: laid across (sliced-filters.ts) that is one line. */
export const firstWordOf = (word0: number): number => word0 & (BLOCK_WORDS - 1);

/** Five bits of one word, by five times five of the bits of a hash's word. */
export const fiveBits = (word: number): number =>
  (1 << word) | (1 << (word >>> 5)) | (1 << (word >>> 10)) | (1 << (word >>> 15)) | (1 << (word >>> 20));

/** Memory of this size begins 16 bytes behind a page where the C library has its own note there: then blocks are lines. */
const ALIGNMENT = 48;

/** Memory for so many numbers of this kind that begins where a line of the cache does. */
export const ofLines = <T>(
  Numbers: { new (memory: ArrayBuffer, offset: number, length: number): T; readonly BYTES_PER_ELEMENT: number },
  length: number,
): T => new Numbers(new ArrayBuffer(ALIGNMENT + length * Numbers.BYTES_PER_ELEMENT), ALIGNMENT, length);

export class BlockBits {
  readonly words: Int32Array;
  readonly blocks: number;

  /** All of them 0. */
  constructor(blocks: number) {
    this.words = ofLines(Int32Array, blocks * BLOCK_WORDS);
    this.blocks = blocks;
  }

  /** Where the block of a hash's word begins. */
  block(word: number): number {
    return blockOf(word, this.blocks) * BLOCK_WORDS;
  }

  /** Of the line that the block of a hash's word is: reading it fetches all of them. */
  lineOf(word: number): number {
    return this.words[this.block(word)] as number;
  }

  /** The lowest nine bits of `bit` say which of a block's. */
  set(base: number, bit: number): void {
    const at = base + ((bit >>> 5) & (BLOCK_WORDS - 1));
    this.words[at] = (this.words[at] as number) | (1 << bit);
  }

  /** Three bits anywhere in the block by each of two words of a key's hash. */
  setSix(base: number, one: number, other: number): void {
    this.set(base, one);
    this.set(base, one >>> 9);
    this.set(base, one >>> 18);
    this.set(base, other);
    this.set(base, other >>> 9);
    this.set(base, other >>> 18);
  }

  /** All six of a key are set if the lowest place is. Without branches: see {@link at}. */
  six(base: number, one: number, other: number): number {
    return (
      this.at(base, one) &
      this.at(base, one >>> 9) &
      this.at(base, one >>> 18) &
      this.at(base, other) &
      this.at(base, other >>> 9) &
      this.at(base, other >>> 18)
    );
  }

  /** Seven bits of a key: nine times seven of the 64 of two words of its hash. */
  setSeven(base: number, word2: number, word3: number): void {
    this.setSix(base, word2, word3);
    this.set(base, seventhBit(word2, word3));
  }

  /** Not 0 if all seven of a key are set, at the lowest place. */
  seven(base: number, word2: number, word3: number): number {
    return this.six(base, word2, word3) & this.at(base, seventhBit(word2, word3)) & 1;
  }

  /**
   * The bit at the lowest place, others above it. A question that looks at one bit after the other and stops at the first
   * that is not set is right to go on three times in ten: the processor guesses wrong, and only sees it when the line has come from
   * memory. Where all bits are taken together, it is at the next filter's line long before.
   */
  at(base: number, bit: number): number {
    return (this.words[base + ((bit >>> 5) & (BLOCK_WORDS - 1))] as number) >>> bit;
  }
}
