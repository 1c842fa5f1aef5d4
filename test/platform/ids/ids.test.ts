import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ID_LENGTH, IdCodec } from '../../../src/platform/ids/id-codec.js';

const key = Uint8Array.from({ length: 16 }, (_, index) => index * 7);
const codec = new IdCodec(key);
const place = fc.record({ logId: fc.nat(2 ** 31 - 1), position: fc.maxSafeNat() });

describe('the id of a transaction', () => {
  it('leads back to its place, for every log and position', () => {
    fc.assert(
      fc.property(place, ({ logId, position }) => {
        const id = codec.encode(logId, position);
        expect(id).toMatch(/^txn_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
        expect(codec.decode(id)).toEqual({ logId, position });
      }),
      { numRuns: 1000 },
    );
    const largest = { logId: 2 ** 31 - 1, position: 2 ** 53 - 1 };
    expect(codec.decode(codec.encode(largest.logId, largest.position))).toEqual(largest);
  });

  it('is the same where it is written into bytes, and nothing around it changes', () => {
    fc.assert(
      fc.property(place, fc.nat(9), ({ logId, position }, offset) => {
        const bytes = new Uint8Array(48).fill(0x2e);
        expect(codec.encodeInto(logId, position, bytes, offset)).toBe(offset + ID_LENGTH);
        const text = Buffer.from(bytes).toString();
        expect(text).toBe('.'.repeat(offset) + codec.encode(logId, position) + '.'.repeat(48 - ID_LENGTH - offset));
      }),
      { numRuns: 1000 },
    );
  });

  it('is never that of a record which a restore took away, and stays what it was before the restored point', () => {
    const lost = new IdCodec(key);
    const restored = new IdCodec(key, [{ incarnation: 7, after: 100 }]);
    const twice = new IdCodec(key, [
      { incarnation: 7, after: 100 },
      { incarnation: 9, after: 100 },
      { incarnation: 2 ** 31 - 1, after: 150 },
    ]);
    const codecs = [lost, restored, twice];
    for (const position of [1, 99, 100]) {
      for (const one of codecs) expect(one.encode(1, position)).toBe(lost.encode(1, position));
    }
    for (const position of [101, 150, 151, Number.MAX_SAFE_INTEGER]) {
      const ids = codecs.map((one) => one.encode(1, position));
      for (const [index, one] of codecs.entries()) {
        const found = ids.map((id) => one.decode(id)?.position ?? null);
        expect(found).toEqual(ids.map((_, other) => (other === index ? position : null)));
      }
    }
  });

  it('is like no other', () => {
    const ids = new Set<string>();
    for (let position = 0; position < 20_000; position++) {
      ids.add(codec.encode(1, position));
      ids.add(codec.encode(2, position));
      ids.add(codec.encode(1, position + 2 ** 32));
    }
    expect(ids.size).toBe(60_000);
  });

  it('stays the same for ever', () => {
    expect(codec.encode(1, 1)).toBe('txn_09pt115df5tnxbymfxxgryzfhc');
  });

  it('with any character changed leads nowhere', () => {
    const character = fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHJ_- .é');
    fc.assert(
      fc.property(place, fc.nat(29), character, ({ logId, position }, index, replacement) => {
        const id = codec.encode(logId, position);
        fc.pre(id[index] !== replacement);
        expect(codec.decode(id.slice(0, index) + replacement + id.slice(index + 1))).toBeNull();
      }),
      { numRuns: 2000 },
    );
  });

  it('of another key or another shape leads nowhere', () => {
    const id = codec.encode(1, 1);
    expect(new IdCodec(new Uint8Array(16)).decode(id)).toBeNull();
    for (const text of [
      '',
      'txn_',
      id.slice(4),
      id.toUpperCase(),
      `${id}0`,
      id.slice(0, -1),
      ` ${id}`,
      `txn_8${id.slice(5)}`,
    ]) {
      expect(codec.decode(text)).toBeNull();
    }
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => codec.decode(text) === null));
  });
});
