import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from '../../../src/http/body/json.js';
import { RequestProblem } from '../../../src/http/types.js';
import { plain, problemOf } from './support.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string): unknown => plain(readJson(bytes(text)));
const refused = (text: string): RequestProblem => problemOf(() => readJson(bytes(text)));

describe('documents that are taken', () => {
  it('gives what JSON.parse gives, for any document of allowed values', () => {
    const value = fc.jsonValue({ maxDepth: 4 }).map(allowed);
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2, '\t'), (document, space) => {
        const text = JSON.stringify(document, null, space);
        expect(read(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it('takes every escape, pairs of surrogates and characters of any length', () => {
    expect(read(String.raw`"\"\\\/\b\f\n\r\té\ud83d\ude00"`)).toBe('"\\/\b\f\n\r\té😀');
    expect(read('"aé€😀\u2028\u007f"')).toBe('aé€😀\u2028\u007f');
  });

  it('takes the integers that a double holds exactly', () => {
    for (const text of ['0', '-1', '9007199254740991', '-9007199254740991', '1000000000000000']) {
      expect(read(text)).toBe(Number(text));
    }
  });

  it('keeps quotes and backslashes that are escaped apart from the end of a string', () => {
    for (const text of ['"', '\\', '\\"', '"\\', 'a\n\\\\"b', '\\u0041', '\\\\u0000'])
      expect(read(JSON.stringify(text))).toBe(text);
  });

  it('keeps fields in their order, also those that look like numbers', () => {
    expect([...(readJson(bytes('{"b":1,"2":2,"1":3}')) as ReadonlyMap<string, unknown>).keys()]).toEqual([
      'b',
      '2',
      '1',
    ]);
  });
});

describe('documents that are not JSON', () => {
  it.each([
    '',
    ' ',
    '{',
    '}',
    '[',
    ']',
    '[1',
    '[1,',
    '[1,]',
    '[,]',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{,}',
    '{1:1}',
    '{a:1}',
    "{'a':1}",
    '"',
    '"a',
    '"\\',
    '"\\x"',
    '"\\u12"',
    '"\\u12g4"',
    '"\n"',
    '"\t"',
    '"\0"',
    'tru',
    'truee',
    'nul',
    'NaN',
    'Infinity',
    '-',
    '+1',
    '01',
    '-01',
    '00',
    '1.',
    '.5',
    '1e',
    '1e+',
    '1 2',
    '{} x',
    '[] []',
    '\ufeff{}',
    '/**/1',
    '{"a" 1}',
    '\u00a01',
    '"a" "b"',
    '--1',
  ])('refuses %j', (text) => {
    expect(refused(text).code).toBe('malformed_body');
  });

  it('refuses bytes that are not UTF-8', () => {
    for (const tail of [[0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xff], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      const body = new Uint8Array([0x22, ...tail, 0x22]);
      expect(problemOf(() => readJson(body)).code).toBe('malformed_body');
    }
  });

  it('refuses a second field of the same name and names it', () => {
    expect(refused('{"a":{"b":1,"\\u0062":1}}')).toMatchObject({ code: 'malformed_body', param: '/a/b' });
  });

  it('takes eight objects and arrays inside each other and refuses nine', () => {
    expect(read(`${'['.repeat(8)}1${']'.repeat(8)}`)).toEqual([[[[[[[[1]]]]]]]]);
    expect(refused(`${'['.repeat(9)}${']'.repeat(9)}`)).toMatchObject({
      code: 'malformed_body',
      param: '/0/0/0/0/0/0/0/0',
    });
    expect(refused('['.repeat(1_000_000)).code).toBe('malformed_body');
    expect(refused('{"a":'.repeat(1_000_000)).code).toBe('malformed_body');
  });

  it('bounds what an object and a body can hold', () => {
    const fields = Array.from({ length: 1025 }, (_, i) => `"${i}":0`).join(',');
    expect(refused(`{${fields}}`).code).toBe('malformed_body');
    expect(refused(`[${'[],'.repeat(300_000)}[]]`).code).toBe('malformed_body');
    expect(refused(`[${'0,'.repeat(1_100_000)}0]`).code).toBe('malformed_body');
  });
});

describe('values that are never allowed', () => {
  it.each([
    '1.0',
    '1.5',
    '1e3',
    '1E-2',
    '-0',
    '9007199254740992',
    '-9007199254740992',
    '9007199254740993',
    '12345678901234567',
    '99999999999999999999999',
  ])('refuses the number %s with its pointer, never rounded', (number) => {
    expect(refused(`{"legs":[{"amount":${number}}]}`)).toMatchObject({
      code: 'invalid_field',
      param: '/legs/0/amount',
    });
  });

  it.each([
    String.raw`"\u0000"`,
    String.raw`"a\ud800"`,
    String.raw`"\udc00"`,
    String.raw`"\ud800\ud800"`,
    String.raw`"\ud800a"`,
    String.raw`"\ude00\ud83d"`,
  ])('refuses the string %s with its pointer', (text) => {
    expect(refused(`{"a/b":[${text}]}`)).toMatchObject({ code: 'invalid_field', param: '/a~1b/0' });
  });

  it('refuses __proto__ as a field at any depth', () => {
    expect(refused('{"metadata":{"__proto__":{"admin":true}}}')).toMatchObject({
      code: 'unknown_field',
      param: '/metadata/__proto__',
    });
    expect(refused(String.raw`{"__pr\u006fto__":1}`)).toMatchObject({ code: 'unknown_field', param: '/__proto__' });
  });

  it('says that a document is malformed before it says anything of its values', () => {
    expect(refused('{"a":1.5').code).toBe('malformed_body');
    expect(refused('{"a":1.5,"__proto__":1}')).toMatchObject({ code: 'unknown_field' });
  });
});

describe('any bytes', () => {
  it('are read or refused by a problem, and what is read JSON.parse reads too', () => {
    const seed = bytes(
      '{"legs":[{"debit":"a","credit":"b\\u00e9","amount":12500,"currency":"EUR"}],"x":{"y":[true,null,-1]},"é":"😀"}',
    );
    const mutation = fc.record({
      at: fc.nat(seed.length - 1),
      byte: fc.oneof(fc.constantFrom(...bytes('{}[]",:\\u0-.e \0')), fc.nat(255)),
      cut: fc.nat(seed.length),
    });
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 3 }), fc.boolean(), (mutations, cutting) => {
        const body = seed.slice();
        for (const { at, byte } of mutations) body[at] = byte;
        readOrRefuse(body.subarray(0, cutting ? (mutations[0]?.cut ?? body.length) : body.length));
      }),
      { numRuns: 3000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), readOrRefuse), { numRuns: 2000 });
  });
});

function readOrRefuse(body: Uint8Array): void {
  let value: unknown;
  try {
    value = plain(readJson(body));
  } catch (error) {
    expect(error).toBeInstanceOf(RequestProblem);
    return;
  }
  expect(value).toEqual(JSON.parse(new TextDecoder().decode(body)));
}

/** Turns a JSON value into one that is allowed: integers, well-formed strings without NUL. */
function allowed(value: unknown): unknown {
  if (typeof value === 'number') return Math.trunc(value % 2 ** 53) || 0;
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map(allowed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== '__proto__')
      .map(([key, member]) => [clean(key), allowed(member)]),
  );
}

function clean(text: string): string {
  return Buffer.from(text.replaceAll('\0', '')).toString();
}
