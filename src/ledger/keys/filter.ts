/**
 * A Bloom filter for the keys of one closed partition: "certainly not there" or "maybe". About 10 bits a key, all bits
 * of a key within one block of 64 bytes, so that a question costs one cache miss; about 1 % of strangers get "maybe".
 */
import { assert } from '../assert.js';

const BITS_PER_KEY = 10;
const BLOCK_WORDS = 16;
/** Memory of this size begins 16 bytes behind a page where the C library has its own note there: then blocks are lines. */
const ALIGNMENT = 48;
/** First byte of the stored form. */
const FORMAT = 1;
const HEADER_BYTES = 4;

export class KeyFilter {
  readonly #words: Int32Array;
  readonly #blocks: number;

  private constructor(words: Int32Array) {
    this.#words = words;
    this.#blocks = words.length / BLOCK_WORDS;
  }

  /** An empty one with room for this many keys. */
  static sized(keys: number): KeyFilter {
    const blocks = Math.max(1, Math.ceil((keys * BITS_PER_KEY) / (BLOCK_WORDS * 32)));
    const words = blocks * BLOCK_WORDS;
    return new KeyFilter(new Int32Array(new ArrayBuffer(ALIGNMENT + words * 4), ALIGNMENT, words));
  }

  /** @param hashes four words a key */
  static build(hashes: Int32Array): KeyFilter {
    const filter = KeyFilter.sized(hashes.length / 4);
    for (let at = 0; at < hashes.length; at += 4) {
      filter.add(hashes[at + 1] as number, hashes[at + 2] as number, hashes[at + 3] as number);
    }
    return filter;
  }

  /** The stored form; little-endian whatever the machine. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(HEADER_BYTES + this.#words.length * 4);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, FORMAT);
    this.#words.forEach((word, index) => {
      view.setInt32(HEADER_BYTES + index * 4, word, true);
    });
    return bytes;
  }

  /** @throws where the bytes are not those of {@link toBytes} */
  static fromBytes(bytes: Uint8Array): KeyFilter {
    const words = (bytes.length - HEADER_BYTES) / 4;
    if (bytes[0] !== FORMAT || words < BLOCK_WORDS || words % BLOCK_WORDS !== 0) {
      throw new Error(`not a key filter: ${bytes.length} bytes, format ${bytes[0]}`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new KeyFilter(
      Int32Array.from({ length: words }, (_, index) => view.getInt32(HEADER_BYTES + index * 4, true)),
    );
  }

  get sizeBytes(): number {
    return this.#words.byteLength;
  }

  /** Words 1 to 3 of a key's hash; word 0 chooses among buckets elsewhere. Seven bits: nine times seven of 64. */
  add(word1: number, word2: number, word3: number): void {
    const base = this.#block(word1);
    this.#set(base, word2);
    this.#set(base, word2 >>> 9);
    this.#set(base, word2 >>> 18);
    this.#set(base, word3);
    this.#set(base, word3 >>> 9);
    this.#set(base, word3 >>> 18);
    this.#set(base, (word2 >>> 27) | ((word3 >>> 27) << 5));
  }

  mayContain(word1: number, word2: number, word3: number): boolean {
    const base = this.#block(word1);
    return (
      this.#has(base, word2) &&
      this.#has(base, word2 >>> 9) &&
      this.#has(base, word2 >>> 18) &&
      this.#has(base, word3) &&
      this.#has(base, word3 >>> 9) &&
      this.#has(base, word3 >>> 18) &&
      this.#has(base, (word2 >>> 27) | ((word3 >>> 27) << 5))
    );
  }

  /** Of the block in which a key's bits are. */
  firstWord(word1: number): number {
    return this.#words[this.#block(word1)] as number;
  }

  /** The lowest nine bits say which of a block's. */
  #set(base: number, bit: number): void {
    const at = base + ((bit >>> 5) & (BLOCK_WORDS - 1));
    this.#words[at] = (this.#words[at] as number) | (1 << bit);
  }

  #has(base: number, bit: number): boolean {
    return ((this.#words[base + ((bit >>> 5) & (BLOCK_WORDS - 1))] as number) & (1 << bit)) !== 0;
  }

  #block(word1: number): number {
    const block = Math.floor(((word1 >>> 0) * this.#blocks) / 4_294_967_296);
    assert(block < this.#blocks, 'a block lies within its filter');
    return block * BLOCK_WORDS;
  }
}
