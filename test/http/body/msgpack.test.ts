import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { readJson } from '../../../src/http/body/json.js';
import { readMsgpack } from '../../../src/http/body/msgpack.js';
import { RequestProblem } from '../../../src/http/types.js';
import { plain, problemOf } from './support.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });
const pack = (value: unknown): Uint8Array => new Uint8Array(packr.pack(value));
const raw = (...bytes: number[]): Uint8Array => new Uint8Array(bytes);
const refused = (body: Uint8Array): RequestProblem => problemOf(() => readMsgpack(body));

/** Values that both formats can hold; wide integers as bigints, which the packer writes as integers. */
const text = fc.string({ unit: 'binary' }).map((s) => Buffer.from(s.replaceAll('\0', '')).toString());
const integer = fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n));
const document = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    integer,
    text,
    fc.boolean(),
    fc.constant(null),
    tie('list'),
    tie('map'),
  ),
  list: fc.array(tie('value'), { maxLength: 20 }),
  map: fc.dictionary(
    text.filter((key) => key !== '__proto__'),
    tie('value'),
    { maxKeys: 20 },
  ),
})).value;

function wide(value: unknown): unknown {
  if (typeof value === 'number') return Math.abs(value) > 0x7fffffff ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(wide);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, wide(member)]));
}

describe('documents that are taken', () => {
  it('JSON and msgpack of the same value are read as the same', () => {
    fc.assert(
      fc.property(document, (value) => {
        expect(plain(readMsgpack(pack(wide(value))))).toEqual(plain(readJson(Buffer.from(JSON.stringify(value)))));
      }),
      { numRuns: 500 },
    );
  });

  it('takes integers, strings, arrays and maps of every width', () => {
    expect(readMsgpack(raw(0xd3, 0, 0, 0, 0, 0, 0, 0, 5))).toBe(5);
    expect(readMsgpack(raw(0xcf, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))).toBe(Number.MAX_SAFE_INTEGER);
    expect(readMsgpack(raw(0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 1))).toBe(-Number.MAX_SAFE_INTEGER);
    expect(readMsgpack(raw(0xd0, 0xff))).toBe(-1);
    expect(readMsgpack(raw(0xd1, 0xff, 0xfe))).toBe(-2);
    expect(readMsgpack(raw(0xd2, 0xff, 0xff, 0xff, 0xfd))).toBe(-3);
    expect(readMsgpack(raw(0xdb, 0, 0, 0, 1, 0x61))).toBe('a');
    expect(readMsgpack(raw(0xdd, 0, 0, 0, 1, 0xc0))).toEqual([null]);
    expect(readMsgpack(raw(0xdf, 0, 0, 0, 1, 0xa1, 0x61, 0xc3))).toEqual(new Map([['a', true]]));
  });
});

describe('documents that are refused', () => {
  it.each([
    ['nothing', []],
    ['a second document', [0x01, 0x02]],
    ['0xc1', [0xc1]],
    ['binary', [0xc4, 0x01, 0x61]],
    ['a fixed extension', [0xd4, 0x01, 0x00]],
    ['an extension with a length', [0xc7, 0x01, 0x01, 0x00]],
    ['a timestamp', [0xd6, 0xff, 0, 0, 0, 0]],
    ['a record of msgpackr', [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01]],
    ['a reference of msgpackr', [0xd6, 0x70, 0, 0, 0, 1]],
    ['a string that is cut', [0xa3, 0x61]],
    ['a string with a hostile length', [0xdb, 0xff, 0xff, 0xff, 0xff, 0x61]],
    ['an array with a hostile length', [0xdd, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['a map with a hostile length', [0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, 0x61, 0x01]],
    ['a length that is cut', [0xdc, 0x00]],
    ['an integer that is cut', [0xcf, 0x00]],
    ['a float that is cut', [0xcb, 0x00]],
    ['a key that is an integer', [0x81, 0x01, 0x01]],
    ['a key that is a map', [0x81, 0x80, 0x01]],
    ['a key that is binary', [0x81, 0xc4, 0x01, 0x61, 0x01]],
    ['a key twice', [0x82, 0xa1, 0x61, 0x01, 0xd9, 0x01, 0x61, 0x02]],
    ['UTF-8 that is not', [0xa2, 0xc3, 0x28]],
    ['a surrogate in UTF-8', [0xa3, 0xed, 0xa0, 0x80]],
  ])('%s', (_, body) => {
    expect(refused(raw(...body)).code).toBe('malformed_body');
  });

  it.each([
    ['a float', [0xca, 0x3f, 0x80, 0, 0]],
    ['a float that is whole', [0xcb, 0x40, 0xc3, 0x88, 0, 0, 0, 0, 0]],
    ['2^53', [0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0]],
    ['2^63−1', [0xd3, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['−2^53', [0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 0]],
    ['NUL', [0xa1, 0x00]],
  ])('%s, with its pointer', (_, value) => {
    expect(refused(raw(0x81, 0xa1, 0x61, 0x91, ...value))).toMatchObject({ code: 'invalid_field', param: '/a/0' });
  });

  it('__proto__ as a key', () => {
    const body = raw(0x81, 0xa9, ...Buffer.from('__proto__'), 0x80);
    expect(refused(body)).toMatchObject({ code: 'unknown_field', param: '/__proto__' });
  });

  it('more than eight deep, at once also where a million are', () => {
    expect(plain(readMsgpack(raw(...Array<number>(7).fill(0x91), 0x90)))).toEqual([[[[[[[[]]]]]]]]);
    expect(refused(raw(...Array<number>(8).fill(0x91), 0x90)).code).toBe('malformed_body');
    expect(refused(new Uint8Array(1_000_000).fill(0x91)).code).toBe('malformed_body');
    expect(refused(new Uint8Array(1_000_000).fill(0x81)).code).toBe('malformed_body');
  });

  it('a bomb of empty maps', () => {
    const body = new Uint8Array(1_000_005).fill(0x80);
    body.set([0xdd, 0x00, 0x0f, 0x42, 0x40]);
    expect(refused(body).code).toBe('malformed_body');
  });
});

describe('any bytes', () => {
  it('are read or refused by a problem', () => {
    const seed = pack({
      legs: [{ debit: 'a', credit: 'bé', amount: 12500, currency: 'EUR' }],
      x: [true, null, -1, 70_000, 'long enough to have a length byte of its own'],
    });
    const mutation = fc.record({ at: fc.nat(seed.length - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(
        fc.array(mutation, { maxLength: 4 }),
        fc.nat(seed.length),
        fc.boolean(),
        (mutations, cut, cutting) => {
          const body = seed.slice();
          for (const { at, byte } of mutations) body[at] = byte;
          readOrRefuse(cutting ? body.subarray(0, cut) : body);
        },
      ),
      { numRuns: 3000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), readOrRefuse), { numRuns: 2000 });
  });
});

function readOrRefuse(body: Uint8Array): void {
  try {
    readMsgpack(body);
  } catch (error) {
    expect(error).toBeInstanceOf(RequestProblem);
  }
}
