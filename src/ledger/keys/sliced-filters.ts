/**
 * Filters of some closed partitions, laid across: for each bit of a filter one word, with a bit for each partition. A key has
 * the same bits in every filter, so that one after the other they cost a line of the cache for each partition. Here its first
 * five bits of all sixteen are one line, since they were in one word of each filter; and in four cases of five no partition is
 * left by then. ("Bit slices" of signature files: C. Faloutsos and S. Christodoulakis, "Signature files: an access method for
 * documents and its analytical performance evaluation", 1984.)
 */
import { assert } from '../assert.js';
import { BLOCK_BITS, blockOf, firstWordOf, ofLines } from './block-bits.js';
import type { ClosedFilter } from './closed-filter.js';

const LANES = 16;
const BIT = BLOCK_BITS - 1;
/** Bits of a word, which are next to one another here too. */
const WORD = 31;
/** Words of a filter that are laid across at a time: less than a millisecond. */
const WORDS_A_STEP = 8192;

export class SlicedFilters {
  readonly #blocks: number;
  readonly #words: Uint16Array;
  /** By lane; a lane is given once. */
  readonly #partitions: number[] = [];
  /** Lanes that answer: complete, and not forgotten. */
  #asked = 0;
  #adding = false;

  /** @param blocks of each filter */
  constructor(blocks: number) {
    this.#blocks = blocks;
    this.#words = ofLines(Uint16Array, blocks * BLOCK_BITS);
  }

  /** Whether one more filter of so many blocks can be taken. */
  takes(blocks: number): boolean {
    return blocks === this.#blocks && this.#partitions.length < LANES && !this.#adding;
  }

  /** No partition in it is remembered any more, and none is on its way in. */
  get isOver(): boolean {
    return this.#asked === 0 && !this.#adding;
  }

  get sizeBytes(): number {
    return this.#words.byteLength;
  }

  /** Takes a filter in steps; it answers here when the last of them is done, and must be asked itself until then. */
  *add(partition: number, filter: ClosedFilter): Generator<void, void> {
    assert(this.takes(filter.blocks), 'a filter goes among those of its size, while there is a lane');
    const lane = 1 << this.#partitions.length;
    this.#partitions.push(partition);
    this.#adding = true;
    try {
      const { words } = filter;
      for (let from = 0; from < words.length; from += WORDS_A_STEP) {
        this.#lay(words, from, Math.min(words.length, from + WORDS_A_STEP), lane);
        yield;
      }
      this.#asked |= lane;
    } finally {
      this.#adding = false;
    }
  }

  #lay(words: Int32Array, from: number, to: number, lane: number): void {
    for (let at = from; at < to; at++) {
      for (let left = words[at] as number; left !== 0; left &= left - 1) {
        const bit = at * 32 + (31 - Math.clz32(left & -left));
        this.#words[bit] = (this.#words[bit] as number) | lane;
      }
    }
  }

  /** A bit for each lane whose filter says maybe. The bits are those of `ClosedFilter.add`. */
  lanesOf(hash: Int32Array): number {
    const words = this.#words;
    const word0 = hash[0] as number;
    const word2 = hash[2] as number;
    const base = blockOf(word0, this.#blocks) * BLOCK_BITS;
    const line = base + firstWordOf(word0) * (WORD + 1);
    const five =
      this.#asked &
      (words[line + (word2 & WORD)] as number) &
      (words[line + ((word2 >>> 5) & WORD)] as number) &
      (words[line + ((word2 >>> 10) & WORD)] as number) &
      (words[line + ((word2 >>> 15) & WORD)] as number) &
      (words[line + ((word2 >>> 20) & WORD)] as number);
    if (five === 0) return 0;
    const word1 = hash[1] as number;
    const word3 = hash[3] as number;
    return (
      five &
      (words[base + (word1 & BIT)] as number) &
      (words[base + ((word1 >>> 9) & BIT)] as number) &
      (words[base + ((word1 >>> 18) & BIT)] as number) &
      (words[base + (word3 & BIT)] as number) &
      (words[base + ((word3 >>> 9) & BIT)] as number) &
      (words[base + ((word3 >>> 18) & BIT)] as number)
    );
  }

  /** Of the line that {@link lanesOf} begins with. */
  lineOf(word0: number): number {
    return this.#words[blockOf(word0, this.#blocks) * BLOCK_BITS + firstWordOf(word0) * (WORD + 1)] as number;
  }

  /** The partitions of these lanes. */
  partitionsOf(lanes: number): number[] {
    return this.#partitions.filter((_, lane) => (lanes & (1 << lane)) !== 0);
  }

  /** The partition's keys are remembered no longer. */
  forget(partition: number): void {
    for (const [lane, other] of this.#partitions.entries()) if (other === partition) this.#asked &= ~(1 << lane);
  }
}
