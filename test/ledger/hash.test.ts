import { describe, expect, test } from 'vitest';
import { halfSipHash, KeyedHash } from '../../src/ledger/hash.js';

/** Of the reference implementation: key 00 01 … 07, message of the first 0, 1, 2, … bytes 00 01 02 …, as bytes in hex. */
const VECTORS_32 =
  'a9359f5b 27475ab8 fa62a603 8afee704 2a6e4689 c5fab669 5863fc23 8bcf63c5 d0b8848f f806e779 94b07934 08083050 57f0872f 77e663ff d6fff87c 74fe2b97 d9b5ac84'.split(
    ' ',
  );
const VECTORS_64 =
  '218d1f59b9b83cc8 be552412f8387315 064f39ef7c50eb57 ce0f1a45f7060679 d5e78a175be52ea1 cb9d7c3f2f3db580 ce3e91358aa2bc25 ff202728b07bc684 edfee820bce4858c 5b51cccc13888307 95b0469f06a6f2ee ae26333994ddcd48 7bc71f9faef5c799'.split(
    ' ',
  );
const MESSAGE = Uint8Array.from({ length: 64 }, (_, index) => index);
const K0 = 0x03020100;
const K1 = 0x07060504;

function hex(words: Int32Array): string {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of words.entries()) view.setInt32(index * 4, word, true);
  return Buffer.from(bytes).toString('hex');
}

describe('HalfSipHash-2-4', () => {
  test('gives the reference values of 32 bits', () => {
    const got = VECTORS_32.map((_, length) => {
      const into = new Int32Array(1);
      halfSipHash(K0, K1, MESSAGE, 0, length, false, into);
      return hex(into);
    });
    expect(got).toEqual(VECTORS_32);
  });

  test('gives the reference values of 64 bits, at any offset', () => {
    for (const offset of [0, 1, 2, 3]) {
      const shifted = new Uint8Array(80);
      shifted.set(MESSAGE, offset);
      const got = VECTORS_64.map((_, length) => {
        const into = new Int32Array(2);
        halfSipHash(K0, K1, shifted, offset, length, true, into);
        return hex(into);
      });
      expect(got).toEqual(VECTORS_64);
    }
  });
});

describe('KeyedHash', () => {
  const secret = Uint8Array.from({ length: 16 }, (_, index) => index * 7);
  const bytes = new TextEncoder().encode('order-1001');

  test('depends on every byte of the secret, on the book and on the bytes', () => {
    const seen = new Set<string>();
    const add = (key: Uint8Array, book: number, text: Uint8Array): void => {
      const into = new Int32Array(4);
      new KeyedHash(key).hash128(book, text, 0, text.length, into);
      seen.add(hex(into));
    };
    add(secret, 1, bytes);
    add(secret, 1, bytes);
    expect(seen.size).toBe(1);
    add(secret, 2, bytes);
    add(secret, 1, bytes.slice(1));
    for (let index = 0; index < 16; index++)
      add(
        secret.map((byte, at) => (at === index ? byte + 1 : byte)),
        1,
        bytes,
      );
    expect(seen.size).toBe(19);
  });

  test('takes the prefix as four bytes before the slice', () => {
    const [a, b] = [new Int32Array(2), new Int32Array(4)];
    const hash = new KeyedHash(secret);
    hash.hash64(bytes, 2, 4, a);
    hash.hash64(bytes.slice(2, 6), 0, 4, b);
    expect([...a]).toEqual([...b.subarray(0, 2)]);
    expect(hash.hash32(1, bytes, 0, 5)).toBe(hash.hash32(1, bytes.slice(0, 5), 0, 5));
    expect(hash.hash32(1, bytes, 0, 5)).not.toBe(hash.hash32(2, bytes, 0, 5));
  });

  test('refuses a secret of another size', () => {
    expect(() => new KeyedHash(new Uint8Array(8))).toThrow(/16 bytes/);
  });
});
