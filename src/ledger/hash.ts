/**
 * HalfSipHash-2-4: a keyed hash of 32-bit operations only, so that JavaScript computes it without BigInt or allocation.
 * A caller who does not know the key cannot aim collisions.
 *
 * {@link KeyedHash} makes of it what the engine needs: 64-bit fingerprints of requests and 128-bit hashes of
 * idempotency keys. Their values are stored (fingerprints in the log, key hashes in look-ups), so they never change.
 */

const INIT_2 = 0x6c796765;
const INIT_3 = 0x74656462;

/** `prefix` counts as four little-endian bytes before the slice; used where `hasPrefix`. */
function run(
  k0: number,
  k1: number,
  hasPrefix: boolean,
  prefix: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  wide: boolean,
  into: Int32Array,
  at: number,
  wordRounds: number,
  lastRounds: number,
): void {
  let v0 = k0;
  let v1 = wide ? k1 ^ 0xee : k1;
  let v2 = INIT_2 ^ k0;
  let v3 = INIT_3 ^ k1;
  const end = offset + (length & ~3);
  const total = hasPrefix ? length + 4 : length;
  let position = hasPrefix ? offset - 4 : offset;
  for (;;) {
    let word: number;
    const last = position >= end;
    if (position < offset) word = prefix;
    else if (last) {
      word = total << 24;
      const left = length & 3;
      if (left > 2) word |= (bytes[end + 2] as number) << 16;
      if (left > 1) word |= (bytes[end + 1] as number) << 8;
      if (left > 0) word |= bytes[end] as number;
    } else {
      word =
        (bytes[position] as number) |
        ((bytes[position + 1] as number) << 8) |
        ((bytes[position + 2] as number) << 16) |
        ((bytes[position + 3] as number) << 24);
    }
    position += 4;
    v3 ^= word;
    // Rounds stand in line: a helper would have to return four words, which allocates.
    for (let round = 0; round < wordRounds; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
    if (last) break;
  }
  v2 ^= wide ? 0xee : 0xff;
  for (let word = 0; word < (wide ? 2 : 1); word++) {
    if (word === 1) v1 ^= 0xdd;
    for (let round = 0; round < lastRounds; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    into[at + word] = v1 ^ v3;
  }
}

/** The hash itself, for a key of two little-endian words: one word of output, or two where `wide`. */
export function halfSipHash(
  k0: number,
  k1: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  wide: boolean,
  into: Int32Array,
): void {
  run(k0, k1, false, 0, bytes, offset, length, wide, into, 0, 2, 4);
}

/** Purposes have keys of their own, so that a value of one says nothing about a value of another. */
const Purpose = { fingerprint: 1, keyLow: 2, keyHigh: 3, name: 4 } as const;

/** Hashes under one secret of 16 bytes. Not shared between threads: each makes its own of the same secret. */
export class KeyedHash {
  readonly #keys = new Int32Array(10);
  readonly #word = new Int32Array(1);

  /** @param key16 16 secret bytes; equal bytes give equal hashes in every process */
  constructor(key16: Uint8Array) {
    if (key16.length !== 16) throw new Error(`a hash key has 16 bytes, not ${key16.length}`);
    const secret = new DataView(key16.buffer, key16.byteOffset, 16);
    const left = new Int32Array(2);
    const right = new Int32Array(2);
    for (const purpose of Object.values(Purpose)) {
      const label = Uint8Array.of(purpose);
      halfSipHash(secret.getInt32(0, true), secret.getInt32(4, true), label, 0, 1, true, left);
      halfSipHash(secret.getInt32(8, true), secret.getInt32(12, true), label, 0, 1, true, right);
      this.#keys[purpose * 2] = (left[0] as number) ^ (right[0] as number);
      this.#keys[purpose * 2 + 1] = (left[1] as number) ^ (right[1] as number);
    }
  }

  /** 64 bits as two int32, for fingerprints of requests. */
  hash64(bytes: Uint8Array, offset: number, length: number, into: Int32Array): void {
    this.#wide(Purpose.fingerprint, false, 0, bytes, offset, length, into, 0);
  }

  /** 128 bits as four int32 of a 32-bit prefix (the book) and the bytes, for idempotency keys. */
  hash128(prefix32: number, bytes: Uint8Array, offset: number, length: number, into: Int32Array): void {
    this.#wide(Purpose.keyLow, true, prefix32, bytes, offset, length, into, 0);
    this.#wide(Purpose.keyHigh, true, prefix32, bytes, offset, length, into, 2);
  }

  /**
   * 32 bits of a prefix (the book) and the bytes, for tables in memory only. One round a word and three at the end: a
   * table needs that collisions cannot be aimed, not that a value proves anything.
   */
  hash32(prefix32: number, bytes: Uint8Array, offset: number, length: number): number {
    const k0 = this.#keys[Purpose.name * 2] as number;
    const k1 = this.#keys[Purpose.name * 2 + 1] as number;
    run(k0, k1, true, prefix32, bytes, offset, length, false, this.#word, 0, 1, 3);
    return this.#word[0] as number;
  }

  #wide(
    purpose: number,
    hasPrefix: boolean,
    prefix: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    into: Int32Array,
    at: number,
  ): void {
    const k0 = this.#keys[purpose * 2] as number;
    const k1 = this.#keys[purpose * 2 + 1] as number;
    run(k0, k1, hasPrefix, prefix, bytes, offset, length, true, into, at, 2, 4);
  }
}
