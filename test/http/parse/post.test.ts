import { describe, expect, it } from 'vitest';
import { PlainPosts } from '../../../src/engine/wire/plain-post.js';
import { readFastMsgpack } from '../../../src/http/body/fast-msgpack.js';
import { readFastPost } from '../../../src/http/body/fast-post.js';
import { readJson } from '../../../src/http/body/json.js';
import { readMsgpack } from '../../../src/http/body/msgpack.js';
import { parsePost } from '../../../src/http/parse/post.js';
import { packr } from '../body/postings.js';
import { problemOf } from '../body/support.js';

const context = { currency: (code: string) => (code === 'EUR' ? 978 : undefined) };
const parse = (body: unknown) => parsePost(readJson(Buffer.from(JSON.stringify(body))), context);
const refused = (body: unknown) => {
  const { code, param } = problemOf(() => parse(body));
  return [code, param];
};
const leg = { debit: 'external/card', credit: 'customer/42/wallet', amount: 12500, currency: 'EUR' };

describe('a posting', () => {
  it('is parsed with all of its fields', () => {
    const body = {
      legs: [leg, { ...leg, amount: '9223372036854775807' }],
      pending: true,
      expires_in: 60,
      effective_at: '2026-11-21T11:17:03.5+01:00',
      open_accounts: { 'external/card': { min_balance: null, normal_balance: 'debit', metadata: { a: [1, null] } } },
      reference: 'order-1001',
      description: '',
      metadata: { b: 'é', a: { c: true } },
      if: { 'customer/42/wallet': { available: { gte: '-5' }, version: 7 } },
      dry_run: true,
    };
    const request = parse(body);
    expect({ ...request, extras: null }).toEqual({
      legs: [
        { debit: 'external/card', credit: 'customer/42/wallet', amount: 12500, currency: 978, currencyCode: 'EUR' },
        {
          debit: 'external/card',
          credit: 'customer/42/wallet',
          amount: 2n ** 63n - 1n,
          currency: 978,
          currencyCode: 'EUR',
        },
      ],
      pending: true,
      expiresIn: 60_000_000,
      effectiveAt: Date.UTC(2026, 10, 21, 10, 17, 3, 500) * 1000,
      openAccounts: false,
      dryRun: true,
      reference: 'order-1001',
      description: '',
      metadata: '{"b":"é","a":{"c":true}}',
      extras: null,
    });
    expect(request.extras?.if).toEqual([{ account: 'customer/42/wallet', available: { gte: -5n }, version: 7 }]);
    expect({ ...request.extras?.open }).toEqual({
      'external/card': { min_balance: null, normal_balance: 'debit', metadata: '{"a":[1,null]}' },
    });
  });

  it('takes 5, "5" and the same beyond 15 digits as the same amount', () => {
    expect(parse({ legs: [{ ...leg, amount: '12500' }] })).toEqual(parse({ legs: [leg] }));
    expect(parse({ legs: [{ ...leg, amount: '9007199254740991' }] }).legs[0]?.amount).toBe(9007199254740991);
    expect(parse({ legs: [{ ...leg, amount: '9007199254740992' }] }).legs[0]?.amount).toBe(9007199254740992n);
  });
});

describe('a posting with faults is refused with the first by the error table', () => {
  it.each<[unknown, string, string]>([
    [[], 'invalid_field', ''],
    [{}, 'missing_field', '/legs'],
    [{ legs: [] }, 'invalid_field', '/legs'],
    [{ legs: Array(65).fill(leg) }, 'invalid_field', '/legs'],
    [{ legs: {} }, 'invalid_field', '/legs'],
    [{ legs: [1] }, 'invalid_field', '/legs/0'],
    [{ legs: [leg, { ...leg, amount: undefined }] }, 'missing_field', '/legs/1/amount'],
    [{ legs: [{ ...leg, fee: 1 }] }, 'unknown_field', '/legs/0/fee'],
    [{ legs: [leg], 'a/b~c': 1 }, 'unknown_field', '/a~1b~0c'],
    [{ legs: [leg], idempotency_key: 'k' }, 'unknown_field', '/idempotency_key'],
    [{ legs: [leg], force: true }, 'unknown_field', '/force'],
    ...[0, -1, '0', '05', '1.0', '1e3', '+1', '-1', ' 1', '9223372036854775808', '', true, null, []].map(
      (amount): [unknown, string, string] => [{ legs: [{ ...leg, amount }] }, 'invalid_field', '/legs/0/amount'],
    ),
    [{ legs: [{ ...leg, credit: leg.debit }] }, 'invalid_field', '/legs/0/credit'],
    [{ legs: [{ ...leg, debit: 'a//b' }] }, 'invalid_field', '/legs/0/debit'],
    [{ legs: [{ ...leg, currency: 'XXQ' }] }, 'unknown_currency', '/legs/0/currency'],
    [{ legs: [{ ...leg, currency: 978 }] }, 'invalid_field', '/legs/0/currency'],
    [{ legs: [leg], expires_in: 60 }, 'invalid_field', '/expires_in'],
    [{ legs: [leg], pending: true, expires_in: 0 }, 'invalid_field', '/expires_in'],
    [{ legs: [leg], pending: true, expires_in: 31_536_001 }, 'invalid_field', '/expires_in'],
    [{ legs: [leg], pending: 'yes' }, 'invalid_field', '/pending'],
    [{ legs: [leg], effective_at: 'yesterday' }, 'invalid_field', '/effective_at'],
    [{ legs: [leg], reference: '' }, 'invalid_field', '/reference'],
    [{ legs: [leg], reference: 'x'.repeat(256) }, 'invalid_field', '/reference'],
    [{ legs: [leg], metadata: [] }, 'invalid_field', '/metadata'],
    [{ legs: [leg], metadata: { a: 'x'.repeat(4089) } }, 'invalid_field', '/metadata'],
    [{ legs: [leg], open_accounts: { other: {} } }, 'invalid_field', '/open_accounts/other'],
    [
      { legs: [leg], open_accounts: { 'external/card': { color: 1 } } },
      'unknown_field',
      '/open_accounts/external~1card/color',
    ],
    [
      { legs: [leg], open_accounts: { 'external/card': { min_balance: 5, max_balance: 4 } } },
      'invalid_field',
      '/open_accounts/external~1card/max_balance',
    ],
    [{ legs: [leg], if: { 'a b': { version: 1 } } }, 'invalid_field', '/if/a b'],
    [{ legs: [leg], if: { a: {} } }, 'invalid_field', '/if/a'],
    [{ legs: [leg], if: { a: { available: { ge: 1 } } } }, 'unknown_field', '/if/a/available/ge'],
    // Several at once: missing before unknown before invalid before an unknown currency, then by place.
    [{ reference: '', x: 1 }, 'missing_field', '/legs'],
    [{ reference: '', legs: [{ ...leg, currency: 'XXQ' }], x: 1 }, 'unknown_field', '/x'],
    [{ reference: '', legs: [{ ...leg, currency: 'XXQ' }] }, 'invalid_field', '/reference'],
    [
      {
        legs: [
          { ...leg, amount: 0 },
          { ...leg, amount: 0 },
        ],
        reference: '',
      },
      'invalid_field',
      '/legs/0/amount',
    ],
  ])('%j: %s at %j', (body, code, param) => {
    expect(refused(body)).toEqual([code, param]);
  });

  it('takes metadata of exactly 4 KiB', () => {
    const metadata = { a: 'x'.repeat(4088) };
    expect(parse({ legs: [leg], metadata }).metadata).toHaveLength(4096);
  });

  // To the engine 0 says that the posting counts from when it is recorded.
  it.each([
    '1970-01-01T00:00:00Z',
    '1970-01-01T00:00:00.000000-00:00',
    '1970-01-01T05:30:00+05:30',
    '1970-01-01T00:00:00+00:01',
    '1969-12-31T23:59:59Z',
    '2255-01-01T00:00:00Z',
    0,
  ])('does not take effective_at %j for none, and says from when to when it may be', (effective_at) => {
    const problem = problemOf(() => parse({ legs: [leg], effective_at }));
    expect([problem.code, problem.param]).toEqual(['invalid_field', '/effective_at']);
    expect(problem.detail).toContain('after 1970-01-01T00:00:00Z and before 2255');
  });

  it('has its time read by nobody but the strict parser, also in msgpack', () => {
    const body = { legs: [leg], effective_at: '1970-01-01T00:00:00Z' };
    const [json, msgpack] = [Buffer.from(JSON.stringify(body)), packr.pack(body)];
    expect(readFastPost(json, context, new PlainPosts())).toBe(false);
    expect(readFastMsgpack(msgpack, context, new PlainPosts())).toBe(false);
    expect(problemOf(() => parsePost(readMsgpack(msgpack), context)).param).toBe('/effective_at');
  });

  it('takes the first and the last microsecond that may be told', () => {
    expect(parse({ legs: [leg], effective_at: '1970-01-01T00:00:00.000001Z' }).effectiveAt).toBe(1);
    expect(parse({ legs: [leg], effective_at: '2254-12-31T23:59:59.999999Z' }).effectiveAt).toBe(
      Date.UTC(2255, 0) * 1000 - 1,
    );
  });
});
