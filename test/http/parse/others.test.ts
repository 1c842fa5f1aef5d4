import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from '../../../src/http/body/json.js';
import { parseAccount, parseAccountPatch, parseAccounts } from '../../../src/http/parse/account.js';
import { parseAction } from '../../../src/http/parse/action.js';
import { parseIdempotencyKey, parseIfMatch } from '../../../src/http/parse/headers.js';
import { accountNameFault, parseAccountSegment } from '../../../src/http/parse/name.js';
import {
  parseAccountQuery,
  parseAccountsQuery,
  parseEntriesQuery,
  parseNoQuery,
  parseTransactionsQuery,
} from '../../../src/http/parse/query.js';
import { parseTime } from '../../../src/http/parse/time.js';
import { formatTime } from '../../../src/http/render/time.js';
import type { BodyValue } from '../../../src/http/types.js';
import { problemOf } from '../body/support.js';

const context = { currency: (code: string) => (code === 'EUR' ? 978 : undefined) };
const read = (body: unknown): BodyValue => readJson(Buffer.from(JSON.stringify(body)));
const fault = (call: () => unknown) => {
  const { code, param } = problemOf(call);
  return [code, param];
};

describe('actions', () => {
  it('need no body where the whole rest is meant', () => {
    expect(parseAction('capture', null)).toMatchObject({
      type: 'capture',
      amount: 0n,
      legs: [],
      final: false,
      force: false,
    });
    expect(parseAction('void', read({}))).toMatchObject({ type: 'void', amount: 0n });
  });
  it('take an amount, or amounts by leg', () => {
    expect(parseAction('capture', read({ amount: '5', final: true }))).toMatchObject({ amount: 5n, final: true });
    expect(parseAction('reverse', read({ legs: [{ leg: 1, amount: 5 }], force: true }))).toMatchObject({
      legs: [{ leg: 1, amount: 5n }],
      force: true,
    });
  });
  it.each<['capture' | 'void' | 'increment' | 'reverse', unknown, string, string]>([
    ['increment', {}, 'missing_field', '/amount'],
    ['increment', null, 'missing_field', '/amount'],
    ['capture', { force: true }, 'unknown_field', '/force'],
    ['void', { force: true }, 'unknown_field', '/force'],
    ['void', { final: true }, 'unknown_field', '/final'],
    ['reverse', { final: true }, 'unknown_field', '/final'],
    ['capture', { amount: 0 }, 'invalid_field', '/amount'],
    ['capture', { amount: 1, legs: [{ leg: 0, amount: 1 }] }, 'invalid_field', '/legs'],
    [
      'capture',
      {
        legs: [
          { leg: 0, amount: 1 },
          { leg: 0, amount: 1 },
        ],
      },
      'invalid_field',
      '/legs/1/leg',
    ],
    ['capture', { legs: [{ leg: 64, amount: 1 }] }, 'invalid_field', '/legs/0/leg'],
    ['capture', { legs: [{ leg: 0 }] }, 'missing_field', '/legs/0/amount'],
    ['capture', [], 'invalid_field', ''],
  ])('%s %j is refused: %s at %j', (type, body, code, param) => {
    expect(fault(() => parseAction(type, read(body)))).toEqual([code, param]);
  });
});

describe('accounts', () => {
  it('are opened with settings, limits as bigints and metadata as text', () => {
    const body = {
      name: 'a/b',
      currency: 'EUR',
      min_balance: '-9223372036854775808',
      max_balance: null,
      metadata: { x: 1 },
    };
    expect(parseAccount(read(body), context)).toEqual({
      type: 'open_accounts',
      accounts: [{ name: 'a/b', currency: 978, min_balance: -(2n ** 63n), max_balance: null, metadata: '{"x":1}' }],
      batch: false,
    });
    expect(parseAccounts(read({ accounts: [body] }), context)).toMatchObject({
      batch: true,
      accounts: [{ name: 'a/b' }],
    });
  });
  it('are refused with the place of the fault', () => {
    const account = { name: 'a', currency: 'EUR' };
    expect(fault(() => parseAccount(read({ currency: 'EUR' }), context))).toEqual(['missing_field', '/name']);
    expect(fault(() => parseAccount(read({ ...account, currency: 'XXQ' }), context))).toEqual([
      'unknown_currency',
      '/currency',
    ]);
    expect(fault(() => parseAccount(read({ ...account, min_balance: 1.5 }), context))).toEqual([
      'invalid_field',
      '/min_balance',
    ]);
    expect(fault(() => parseAccounts(read({ accounts: [account, account] }), context))).toEqual([
      'invalid_field',
      '/accounts/1/name',
    ]);
    expect(fault(() => parseAccounts(read({ accounts: [account, { ...account, x: 1 }] }), context))).toEqual([
      'unknown_field',
      '/accounts/1/x',
    ]);
  });
  it('are changed in the named fields only; null means no limit', () => {
    expect(parseAccountPatch(read({ min_balance: null }))).toEqual({ min_balance: null });
    expect(parseAccountPatch(read({ max_balance: 5, metadata: null }))).toEqual({ max_balance: 5n, metadata: null });
    expect(fault(() => parseAccountPatch(read({})))).toEqual(['invalid_field', '']);
    expect(fault(() => parseAccountPatch(read({ currency: 'EUR' })))).toEqual(['unknown_field', '/currency']);
  });
});

describe('names of accounts', () => {
  it.each(['a', 'customer/42/wallet', 'a.b', '.a', '...', 'a:b@c+d-e_f', 'x'.repeat(128)])('%j is one', (name) =>
    expect(accountNameFault(name)).toBeNull(),
  );
  it.each(['', '/', '/a', 'a/', 'a//b', '.', '..', 'a/.', './a', 'a/../b', 'a b', 'é', 'a\0', 'a%2F', 'x'.repeat(129)])(
    '%j is none',
    (name) => expect(accountNameFault(name)).not.toBeNull(),
  );
  it('stand in paths percent-encoded; what cannot be one is not found', () => {
    expect(parseAccountSegment('customer%2F42')).toBe('customer/42');
    for (const segment of ['%', '%zz', '%ff', 'a%20b', 'a%2F', '%2e'])
      expect(fault(() => parseAccountSegment(segment))[0]).toBe('unknown_account');
  });
});

describe('idempotency keys', () => {
  it('are the same quoted and bare', () => {
    expect(parseIdempotencyKey('"order-1001"')).toBe('order-1001');
    expect(parseIdempotencyKey('order-1001')).toBe('order-1001');
    expect(parseIdempotencyKey(String.raw`"a\"b\\c"`)).toBe(String.raw`a"b\c`);
    expect(parseIdempotencyKey(String.raw`a"b\c`)).toBe(String.raw`a"b\c`);
    expect(parseIdempotencyKey('x'.repeat(255))).toHaveLength(255);
  });
  it('are refused where missing, empty, too long or not printable', () => {
    for (const header of [undefined, '']) expect(fault(() => parseIdempotencyKey(header))[0]).toBe('key_missing');
    for (const header of [
      '""',
      '"a',
      '"',
      '"a"b"',
      '"a";p=1',
      String.raw`"a\b"`,
      'é',
      'a\tb',
      'a\x7f',
      'x'.repeat(256),
      `"${'x'.repeat(256)}"`,
    ]) {
      expect(fault(() => parseIdempotencyKey(header))[0]).toBe('key_invalid');
    }
  });
});

describe('If-Match', () => {
  it('names a config_version, quoted or bare', () => {
    expect([parseIfMatch('"7"'), parseIfMatch('7'), parseIfMatch('*'), parseIfMatch('')]).toEqual([
      7,
      7,
      undefined,
      undefined,
    ]);
    for (const header of ['W/"7"', '"7", "8"', 'x', '-1'])
      expect(fault(() => parseIfMatch(header))[0]).toBe('invalid_field');
  });
});

describe('times', () => {
  it('come back as they went out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(2254, 11, 31) * 1000 }), (micros) => {
        expect(parseTime(formatTime(micros))).toBe(micros);
        expect(formatTime(micros).slice(0, 23)).toBe(new Date(Math.floor(micros / 1000)).toISOString().slice(0, 23));
      }),
    );
  });
  it('are taken with an offset and up to six digits', () => {
    const base = Date.UTC(2026, 10, 21, 10, 17, 3) * 1000;
    expect(parseTime('2026-11-21T10:17:03Z')).toBe(base);
    expect(parseTime('2026-11-21T11:17:03.1+01:00')).toBe(base + 100_000);
    expect(parseTime('2026-11-21t05:47:03.000001-04:30')).toBe(base + 1);
    expect(parseTime('2024-02-29T00:00:00Z')).not.toBeNull();
  });
  it.each([
    '',
    '2026-11-21',
    '2026-11-21T10:17:03',
    '2026-11-21 10:17:03Z',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-32T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:60Z',
    '2026-01-01T00:00:00.1234567Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00+24:00',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+01:00',
    '2255-01-01T00:00:00Z',
    '２026-01-01T00:00:00Z',
  ])('%j is none', (text) => expect(parseTime(text)).toBeNull());
});

describe('queries', () => {
  const page = { limit: 50, cursor: null };
  it('are read with their defaults', () => {
    expect(parseTransactionsQuery('')).toEqual({
      account: null,
      reference: null,
      status: null,
      metadata: null,
      from: null,
      to: null,
      ...page,
    });
    expect(parseAccountsQuery('prefix=customer%2F&limit=1000&cursor=c1.x')).toEqual({
      prefix: 'customer/',
      limit: 1000,
      cursor: 'c1.x',
    });
    expect(parseEntriesQuery('kind=posted')).toMatchObject({ kind: 'posted' });
    expect(parseAccountQuery('at=2026-11-21T10:17:03+01:00').at).toBe(Date.UTC(2026, 10, 21, 9, 17, 3) * 1000);
  });
  it('decode free text as forms do, and leave "+" in names', () => {
    expect(
      parseTransactionsQuery('account=a+b&reference=a+b%2Bc&status=posted&metadata%5Border+id%5D=x+y'),
    ).toMatchObject({
      account: 'a+b',
      reference: 'a b+c',
      status: 'posted',
      metadata: { key: 'order id', value: 'x y' },
    });
    expect(parseTransactionsQuery('metadata[k]=v').metadata).toEqual({ key: 'k', value: 'v' });
  });
  it.each([
    'x=1',
    'limit=0',
    'limit=1001',
    'limit=1.0',
    'limit=',
    'limit=1&limit=1',
    'status=open',
    'account=a//b',
    'cursor=',
    'from=now',
    '%',
    'reference=%00',
    'metadata[a]=1&metadata[b]=2',
    'metadata[]=1',
    'metadata=1',
    '&',
    'account=a&',
  ])('refuses ?%s', (query) => expect(fault(() => parseTransactionsQuery(query))[0]).toBe('invalid_query'));
  it('refuses both at and as_of, and any where none is taken', () => {
    expect(fault(() => parseAccountQuery('at=2026-01-01T00:00:00Z&as_of=2026-01-01T00:00:00Z'))[0]).toBe(
      'invalid_query',
    );
    expect(fault(() => parseNoQuery('a=1'))[0]).toBe('invalid_query');
    parseNoQuery('');
  });
});
