/**
 * Chaskey-12 (ISO/IEC 29192-6): a MAC and a block cipher of 128 bits made of 32-bit additions, rotations and
 * exclusive-ors only, which JavaScript runs as fast as any language. `node:crypto` would take over a microsecond for
 * one short message, most of it in the call.
 */

const ROUNDS = 12;
const BLOCK_BYTES = 16;

export class Chaskey {
  readonly #key = new Int32Array(4);
  /** The key doubled once and twice in GF(2^128): for last blocks that are whole, and for padded ones. */
  readonly #keyWhole = new Int32Array(4);
  readonly #keyPadded = new Int32Array(4);
  readonly #state = new Int32Array(4);

  /** @param key 16 secret bytes */
  constructor(key: Uint8Array) {
    if (key.length !== BLOCK_BYTES) throw new RangeError(`a key has 16 bytes, not ${key.length}`);
    xorBytes(this.#key, key, 0, BLOCK_BYTES);
    double(this.#key, this.#keyWhole);
    double(this.#keyWhole, this.#keyPadded);
  }

  /** Writes the MAC of the bytes to `tag`, four words. */
  mac(bytes: Uint8Array, offset: number, length: number, tag: Int32Array): void {
    tag.set(this.#key);
    const end = offset + length;
    let at = offset;
    for (; end - at > BLOCK_BYTES; at += BLOCK_BYTES) {
      xorBytes(tag, bytes, at, BLOCK_BYTES);
      permute(tag);
    }
    const rest = end - at;
    const lastKey = rest === BLOCK_BYTES ? this.#keyWhole : this.#keyPadded;
    xorBytes(tag, bytes, at, rest);
    if (rest < BLOCK_BYTES) xorByte(tag, rest, 1);
    xorWords(tag, lastKey);
    permute(tag);
    xorWords(tag, lastKey);
  }

  /** Replaces a message of one whole block, as little-endian words, by its MAC. */
  macBlock(block: Int32Array): void {
    xorWords(block, this.#key);
    xorWords(block, this.#keyWhole);
    permute(block);
    xorWords(block, this.#keyWhole);
  }

  /** Replaces a block of four words by its image under the keyed permutation. */
  encrypt(block: Int32Array): void {
    xorWords(block, this.#key);
    permute(block);
    xorWords(block, this.#key);
  }

  decrypt(block: Int32Array): void {
    xorWords(block, this.#key);
    unpermute(block);
    xorWords(block, this.#key);
  }

  /** A key for one purpose: keys of different labels tell nothing about each other. */
  derive(label: string): Uint8Array {
    const bytes = new TextEncoder().encode(label);
    this.mac(bytes, 0, bytes.length, this.#state);
    return new Uint8Array(this.#state.buffer.slice(0));
  }
}

/** As array elements the words would be stored and loaded at each step; as locals they stay in registers. */
function permute(v: Int32Array): void {
  let v0 = v[0] ?? 0;
  let v1 = v[1] ?? 0;
  let v2 = v[2] ?? 0;
  let v3 = v[3] ?? 0;
  for (let round = 0; round < ROUNDS; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 13) | (v3 >>> 19)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 7) | (v1 >>> 25)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  v[0] = v0;
  v[1] = v1;
  v[2] = v2;
  v[3] = v3;
}

/** The steps of `permute`, each undone, last first. */
function unpermute(v: Int32Array): void {
  let v0 = v[0] ?? 0;
  let v1 = v[1] ?? 0;
  let v2 = v[2] ?? 0;
  let v3 = v[3] ?? 0;
  for (let round = 0; round < ROUNDS; round++) {
    v2 = (v2 << 16) | (v2 >>> 16);
    v1 ^= v2;
    v1 = (v1 >>> 7) | (v1 << 25);
    v2 = (v2 - v1) | 0;
    v3 ^= v0;
    v3 = (v3 >>> 13) | (v3 << 19);
    v0 = (v0 - v3) | 0;
    v3 ^= v2;
    v3 = (v3 >>> 8) | (v3 << 24);
    v2 = (v2 - v3) | 0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v1 ^= v0;
    v1 = (v1 >>> 5) | (v1 << 27);
    v0 = (v0 - v1) | 0;
  }
  v[0] = v0;
  v[1] = v1;
  v[2] = v2;
  v[3] = v3;
}

function xorWords(into: Int32Array, words: Int32Array): void {
  for (let word = 0; word < 4; word++) into[word] = (into[word] ?? 0) ^ (words[word] ?? 0);
}

function xorByte(into: Int32Array, index: number, value: number): void {
  into[index >> 2] = (into[index >> 2] ?? 0) ^ (value << ((index & 3) * 8));
}

/** Little-endian, whatever the machine. */
function xorBytes(into: Int32Array, bytes: Uint8Array, offset: number, length: number): void {
  for (let index = 0; index < length; index++) xorByte(into, index, bytes[offset + index] ?? 0);
}

/** Times x in GF(2^128) with the polynomial x^128 + x^7 + x^2 + x + 1. */
function double(from: Int32Array, into: Int32Array): void {
  const [a = 0, b = 0, c = 0, d = 0] = from;
  into[0] = (a << 1) ^ (d < 0 ? 0x87 : 0);
  into[1] = (b << 1) | (a >>> 31);
  into[2] = (c << 1) | (b >>> 31);
  into[3] = (d << 1) | (c >>> 31);
}
