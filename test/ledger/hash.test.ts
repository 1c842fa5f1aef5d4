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
/** Of HalfSipHash-1-3, with the same key and messages, as words. */
const VECTORS_1_3 = [
  0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6, 0x577999b1,
  0xc839caed,
];
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

test('HalfSipHash-1-3 gives the reference values of 32 bits', () => {
  const got = VECTORS_1_3.map((_, length) => {
    const into = new Int32Array(1);
    halfSipHash(K0, K1, MESSAGE, 0, length, false, into, 1, 3);
    return (into[0] as number) >>> 0;
  });
  expect(got).toEqual(VECTORS_1_3);
});

describe('KeyedHash', () => {
  const secret = Uint8Array.from({ length: 16 }, (_, index) => index * 7);

  /** The key that it makes of its secret for a purpose. */
  function keyFor(purpose: number): Int32Array {
    const words = new DataView(secret.buffer);
    const [left, right] = [new Int32Array(2), new Int32Array(2)];
    const label = Uint8Array.of(purpose);
    halfSipHash(words.getInt32(0, true), words.getInt32(4, true), label, 0, 1, true, left);
    halfSipHash(words.getInt32(8, true), words.getInt32(12, true), label, 0, 1, true, right);
    return left.map((word, index) => word ^ (right[index] as number));
  }

  function plain(purpose: number, bytes: Uint8Array, wide: boolean): number[] {
    const [k0 = 0, k1 = 0] = keyFor(purpose);
    const into = new Int32Array(wide ? 2 : 1);
    halfSipHash(k0, k1, bytes, 0, bytes.length, wide, into, 1, 3);
    return [...into];
  }

  test('is HalfSipHash-1-3 at every length and offset', () => {
    const hash = new KeyedHash(secret);
    for (let length = 0; length <= 40; length++) {
      const offset = length % 5;
      const slice = MESSAGE.slice(offset, offset + length);
      const prefixed = Uint8Array.of(0x44, 0x33, 0x22, 0x11, ...slice);
      const two = new Int32Array(2);
      hash.hash64(MESSAGE, offset, length, two);
      expect([...two]).toEqual(plain(1, slice, true));
      const four = new Int32Array(4);
      hash.hash128(0x11223344, MESSAGE, offset, length, four);
      expect([...four]).toEqual([...plain(2, prefixed, true), ...plain(3, prefixed, true)]);
      const words = new Int32Array(11).fill(-1);
      const padded = new Uint8Array((length + 4) & ~3);
      padded.set(slice);
      const view = new DataView(padded.buffer);
      for (let word = 0; word * 4 < padded.length; word++) words[word] = view.getInt32(word * 4, true);
      expect([hash.hash32(0x11223344, words, length)]).toEqual(plain(4, prefixed, false));
    }
  });
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

  test('refuses a secret of another size', () => {
    expect(() => new KeyedHash(new Uint8Array(8))).toThrow(/16 bytes/);
  });
});
