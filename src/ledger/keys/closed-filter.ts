/**
 * A Bloom filter for the keys of one closed partition, which are in the database: "certainly not there" or "maybe". As a
 * "maybe" costs a look-up in SQL, during which commands of the merchant queue, and as every new key is asked of every
 * partition within the window, it must be rare: 28 bits a key and eleven of them set, all within one block of 64 bytes, and
 * five of them within one word of it, so that sixteen filters can be asked for those by one line (sliced-filters.ts). Of a
 * hundred thousand strangers some three get "maybe", so of a hundred partitions one in three hundred; by the first five bits
 * eleven in a thousand do.
 */
import { BLOCK_BITS, BlockBits, blocksFor, firstWordOf, fiveBits } from './block-bits.js';

const BITS_PER_KEY = 28;
/** Digits of a size, in binary: that of a full partition of 2^20 keys has no more, and none grows by more than a quarter. */
const SIZE_BITS = 3;
/** First byte of the stored form; 1 was a filter of ten bits a key, 2 one with no bits in one word. */
const FORMAT = 3;
const HEADER_BYTES = 4;
const BLOCK_BYTES = BLOCK_BITS / 8;

export class ClosedFilter {
  readonly #bits: BlockBits;

  private constructor(blocks: number) {
    this.#bits = new BlockBits(blocks);
  }

  /** An empty one with room for this many keys. Sizes are few, since only filters of one size can be asked together. */
  static sized(keys: number): ClosedFilter {
    const blocks = blocksFor(keys, BITS_PER_KEY);
    const step = 2 ** Math.max(0, Math.ceil(Math.log2(blocks)) - SIZE_BITS);
    return new ClosedFilter(Math.ceil(blocks / step) * step);
  }

  /** @param hashes four words a key */
  static build(hashes: Int32Array): ClosedFilter {
    const filter = ClosedFilter.sized(hashes.length / 4);
    for (let at = 0; at < hashes.length; at += 4) filter.add(hashes, at);
    return filter;
  }

  /** The stored form; little-endian whatever the machine. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(HEADER_BYTES + this.sizeBytes);
    bytes[0] = FORMAT;
    bytes.set(bytesOf(this.#bits.words), HEADER_BYTES);
    if (!IS_LITTLE_ENDIAN) swapWords(bytes);
    return bytes;
  }

  /** @throws where the bytes are not those of {@link toBytes} */
  static fromBytes(stored: Uint8Array): ClosedFilter {
    const blocks = (stored.length - HEADER_BYTES) / BLOCK_BYTES;
    if (stored[0] !== FORMAT || blocks < 1 || !Number.isInteger(blocks)) {
      throw new Error(`not a key filter: ${stored.length} bytes, format ${stored[0]}`);
    }
    const filter = new ClosedFilter(blocks);
    const bytes = IS_LITTLE_ENDIAN ? stored : swapWords(stored.slice());
    bytesOf(filter.#bits.words).set(bytes.subarray(HEADER_BYTES));
    return filter;
  }

  get blocks(): number {
    return this.#bits.blocks;
  }

  /** All bits, those of a block together; not to be written to. */
  get words(): Int32Array {
    return this.#bits.words;
  }

  get sizeBytes(): number {
    return this.#bits.words.byteLength;
  }

  /**
   * Four words of a key's hash stand at `at`. The first says which block and which word of it, the third which five bits of
   * that word; three bits each by the second and the last are anywhere in the block.
   */
  add(hash: Int32Array, at = 0): void {
    const bits = this.#bits;
    const word0 = hash[at] as number;
    const base = bits.block(word0);
    const first = base + firstWordOf(word0);
    bits.words[first] = (bits.words[first] as number) | fiveBits(hash[at + 2] as number);
    bits.setSix(base, hash[at + 1] as number, hash[at + 3] as number);
  }

  mayContain(hash: Int32Array): boolean {
    const bits = this.#bits;
    const word0 = hash[0] as number;
    const base = bits.block(word0);
    const five = fiveBits(hash[2] as number);
    // One stranger in ninety gets further: a branch that the processor guesses right.
    if (((bits.words[base + firstWordOf(word0)] as number) & five) !== five) return false;
    return (bits.six(base, hash[1] as number, hash[3] as number) & 1) !== 0;
  }

  /** Of those that a key's bits are in; reading it fetches all of them. */
  lineOf(word0: number): number {
    return this.#bits.lineOf(word0);
  }
}

const IS_LITTLE_ENDIAN = new Uint8Array(Int32Array.of(1).buffer)[0] === 1;

const bytesOf = (words: Int32Array): Uint8Array => new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

/** The bytes of every word behind the header the other way round, in place. */
function swapWords(bytes: Uint8Array): Uint8Array {
  for (let at = HEADER_BYTES; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  return bytes;
}
