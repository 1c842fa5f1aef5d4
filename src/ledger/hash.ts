/**
 * HalfSipHash: a keyed hash of 32-bit operations only, so that JavaScript computes it without BigInt or allocation.
 * A caller who does not know the key cannot aim collisions.
 *
 * {@link KeyedHash} makes of it what the engine needs: 64-bit fingerprints of requests, 128-bit hashes of idempotency
 * keys and 32-bit hashes of names, with one round a word and three at the end, as hash tables commonly use this family:
 * nobody is ever shown a value. Those of fingerprints and keys are stored (in the log, in look-ups), so they never change.
 */
import { restBefore, viewOf } from './words.js';

const INIT_2 = 0x6c796765;
const INIT_3 = 0x74656462;

function sipRounds(v: Int32Array, count: number): void {
  let v0 = v[0] as number;
  let v1 = v[1] as number;
  let v2 = v[2] as number;
  let v3 = v[3] as number;
  for (let round = 0; round < count; round++) {
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
  v[0] = v0;
  v[1] = v1;
  v[2] = v2;
  v[3] = v3;
}

/**
 * The hash itself, for a key of two little-endian words: one word of output, or two where `wide`. Plain rather than
 * fast: the hot ones below are checked against it.
 */
export function halfSipHash(
  k0: number,
  k1: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  wide: boolean,
  into: Int32Array,
  wordRounds = 2,
  lastRounds = 4,
): void {
  const words = viewOf(bytes);
  const v = Int32Array.of(k0, wide ? k1 ^ 0xee : k1, INIT_2 ^ k0, INIT_3 ^ k1);
  const end = offset + (length & ~3);
  for (let at = offset; at <= end; at += 4) {
    const word = at < end ? words.getInt32(at, true) : restBefore(bytes, offset + length, length & 3) | (length << 24);
    v[3] = (v[3] as number) ^ word;
    sipRounds(v, wordRounds);
    v[0] = (v[0] as number) ^ word;
  }
  v[2] = (v[2] as number) ^ (wide ? 0xee : 0xff);
  sipRounds(v, lastRounds);
  into[0] = (v[1] as number) ^ (v[3] as number);
  if (!wide) return;
  v[1] = (v[1] as number) ^ 0xdd;
  sipRounds(v, lastRounds);
  into[1] = (v[1] as number) ^ (v[3] as number);
}

/** Purposes have keys of their own, so that a value of one says nothing about a value of another. */
const Purpose = { fingerprint: 1, keyLow: 2, keyHigh: 3, name: 4 } as const;

/**
 * Hashes under one secret of 16 bytes. Not shared between threads: each makes its own of the same secret.
 *
 * Rounds stand in line below: a helper would have to return four words, which allocates, and with a number of rounds
 * that the compiler knows the words stay in registers.
 */
export class KeyedHash {
  readonly #keys = new Int32Array(10);

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
    const k0 = this.#keys[Purpose.fingerprint * 2] as number;
    const k1 = this.#keys[Purpose.fingerprint * 2 + 1] as number;
    const words = viewOf(bytes);
    let v0 = k0;
    let v1 = k1 ^ 0xee;
    let v2 = INIT_2 ^ k0;
    let v3 = INIT_3 ^ k1;
    const end = offset + (length & ~3);
    for (let at = offset; at <= end; at += 4) {
      const word =
        at < end ? words.getInt32(at, true) : restBefore(bytes, offset + length, length & 3) | (length << 24);
      v3 ^= word;
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
      v0 ^= word;
    }
    v2 ^= 0xee;
    for (let half = 0; half < 2; half++) {
      if (half === 1) v1 ^= 0xdd;
      for (let round = 0; round < 3; round++) {
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
      into[half] = v1 ^ v3;
    }
  }

  /**
   * 128 bits as four int32 of a 32-bit prefix (the book) and the bytes, for idempotency keys: two hashes of 64 bits with
   * keys of their own, side by side, so that one's steps fill the processor while the other's wait for each other.
   */
  hash128(prefix32: number, bytes: Uint8Array, offset: number, length: number, into: Int32Array): void {
    const j0 = this.#keys[Purpose.keyLow * 2] as number;
    const j1 = this.#keys[Purpose.keyLow * 2 + 1] as number;
    const k0 = this.#keys[Purpose.keyHigh * 2] as number;
    const k1 = this.#keys[Purpose.keyHigh * 2 + 1] as number;
    const words = viewOf(bytes);
    let u0 = j0;
    let u1 = j1 ^ 0xee;
    let u2 = INIT_2 ^ j0;
    let u3 = INIT_3 ^ j1;
    let v0 = k0;
    let v1 = k1 ^ 0xee;
    let v2 = INIT_2 ^ k0;
    let v3 = INIT_3 ^ k1;
    const end = offset + (length & ~3);
    let word = prefix32 | 0;
    for (let at = offset; ; at += 4) {
      u3 ^= word;
      v3 ^= word;
      u0 = (u0 + u1) | 0;
      v0 = (v0 + v1) | 0;
      u1 = ((u1 << 5) | (u1 >>> 27)) ^ u0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      u0 = (u0 << 16) | (u0 >>> 16);
      v0 = (v0 << 16) | (v0 >>> 16);
      u2 = (u2 + u3) | 0;
      v2 = (v2 + v3) | 0;
      u3 = ((u3 << 8) | (u3 >>> 24)) ^ u2;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      u0 = (u0 + u3) | 0;
      v0 = (v0 + v3) | 0;
      u3 = ((u3 << 7) | (u3 >>> 25)) ^ u0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      u2 = (u2 + u1) | 0;
      v2 = (v2 + v1) | 0;
      u1 = ((u1 << 13) | (u1 >>> 19)) ^ u2;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      u2 = (u2 << 16) | (u2 >>> 16);
      v2 = (v2 << 16) | (v2 >>> 16);
      u0 ^= word;
      v0 ^= word;
      if (at > end) break;
      word =
        at < end ? words.getInt32(at, true) : restBefore(bytes, offset + length, length & 3) | ((length + 4) << 24);
    }
    u2 ^= 0xee;
    v2 ^= 0xee;
    for (let half = 0; half < 2; half++) {
      if (half === 1) {
        u1 ^= 0xdd;
        v1 ^= 0xdd;
      }
      for (let round = 0; round < 3; round++) {
        u0 = (u0 + u1) | 0;
        v0 = (v0 + v1) | 0;
        u1 = ((u1 << 5) | (u1 >>> 27)) ^ u0;
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
        u0 = (u0 << 16) | (u0 >>> 16);
        v0 = (v0 << 16) | (v0 >>> 16);
        u2 = (u2 + u3) | 0;
        v2 = (v2 + v3) | 0;
        u3 = ((u3 << 8) | (u3 >>> 24)) ^ u2;
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
        u0 = (u0 + u3) | 0;
        v0 = (v0 + v3) | 0;
        u3 = ((u3 << 7) | (u3 >>> 25)) ^ u0;
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
        u2 = (u2 + u1) | 0;
        v2 = (v2 + v1) | 0;
        u1 = ((u1 << 13) | (u1 >>> 19)) ^ u2;
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
        u2 = (u2 << 16) | (u2 >>> 16);
        v2 = (v2 << 16) | (v2 >>> 16);
      }
      into[half] = u1 ^ u3;
      into[half + 2] = v1 ^ v3;
    }
  }

  /** 32 bits of a prefix (the book) and the bytes, given as whole words with zeros behind the last byte. */
  hash32(prefix32: number, words: Int32Array, lengthBytes: number): number {
    const k0 = this.#keys[Purpose.name * 2] as number;
    const k1 = this.#keys[Purpose.name * 2 + 1] as number;
    let v0 = k0;
    let v1 = k1;
    let v2 = INIT_2 ^ k0;
    let v3 = INIT_3 ^ k1;
    const end = lengthBytes >>> 2;
    let word = prefix32 | 0;
    for (let at = 0; ; at++) {
      v3 ^= word;
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
      v0 ^= word;
      if (at > end) break;
      word = words[at] as number;
      // Where the bytes end within a word, or with one, HalfSipHash puts their number into its top byte.
      if (at === end) word = ((lengthBytes & 3) === 0 ? 0 : word) | ((lengthBytes + 4) << 24);
    }
    v2 ^= 0xff;
    for (let round = 0; round < 3; round++) {
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
    return v1 ^ v3;
  }
}
