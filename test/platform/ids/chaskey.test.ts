import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chaskey } from '../../../src/platform/ids/chaskey.js';

const KEY = [0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39];
const key = new Uint8Array(Int32Array.from(KEY).buffer);

/** Of the authors' reference for 12 rounds: the MAC of the bytes 0, 1, 2, … by their number. */
const VECTORS: readonly (readonly [lengthBytes: number, mac: string])[] = [
  [0, '43cb1f41 51eba0c2 ff0a8ac3 7ee3f642'],
  [1, 'f9ac2067 9c35a846 441aad3d 777b7330'],
  [2, '57da70c5 2a873cb0 19ee8b2a 165cd82e'],
  [3, '8c5e6ab9 5035adfb bff69f98 965516d9'],
  [15, '03cfb44b 283c8163 fca71448 c40a0aea'],
  [16, '5dd0e2a9 fb5eac8c 633a392e 500c36f3'],
  [17, '8b5f6d5a 202314f6 22092368 9639e606'],
  [31, '1d3d30b1 01d74fca 3b2eb54c d8cd36b4'],
  [32, '77962784 07c647fa dd752c0f d2f5a799'],
  [33, 'd74bb867 2c0dfb3a b697e9cd 5658edda'],
  [46, 'a7aebc31 c10ad12e 85b25fa0 6dd54e7f'],
  [48, 'f36e748b 8f34677f 1e00ba1b dd7da46d'],
  [63, '2dd072e1 42b89efe fb26b615 049aa451'],
];

describe('Chaskey-12', () => {
  it.each(VECTORS)('gives the MAC of the reference for %i bytes', (length, mac) => {
    // Not at the beginning of the buffer, to see that the offset counts.
    const bytes = Uint8Array.from({ length: length + 3 }, (_, index) => index - 3);
    const tag = new Int32Array(4);
    new Chaskey(key).mac(bytes, 3, length, tag);
    expect([...new Uint32Array(tag.buffer)].map((word) => word.toString(16).padStart(8, '0')).join(' ')).toBe(mac);
  });

  it('decrypts what it encrypted, and only with its key', () => {
    const word = fc.integer();
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.uint8Array({ minLength: 16, maxLength: 16 }), (words, other) => {
        const block = Int32Array.from(words);
        new Chaskey(key).encrypt(block);
        const encrypted = Int32Array.from(block);
        new Chaskey(key).decrypt(block);
        expect([...block]).toEqual(words);
        new Chaskey(other).decrypt(encrypted);
        expect([...encrypted]).not.toEqual(words);
      }),
    );
  });

  it('takes keys of 16 bytes only', () => {
    expect(() => new Chaskey(new Uint8Array(15))).toThrow('16 bytes, not 15');
  });
});
