import { describe, expect, it } from 'vitest';
import { readJson } from '../../../src/http/body/json.js';
import { parseBatch } from '../../../src/http/parse/batch.js';
import { problemOf } from '../body/support.js';

const context = { currency: (code: string) => (code === 'EUR' ? 978 : undefined) };
const parse = (body: unknown) => parseBatch(readJson(Buffer.from(JSON.stringify(body))), context);
const refused = (body: unknown) => {
  const { code, param } = problemOf(() => parse(body));
  return [code, param];
};
const posting = { legs: [{ debit: 'a', credit: 'b', amount: 1, currency: 'EUR' }] };
const item = (key: unknown, more: object = {}) => ({ idempotency_key: key, ...posting, ...more });

describe('an independent batch', () => {
  it('gives each item its request or its own problem, with a pointer into the item', () => {
    const batch = parse({ transactions: [item('k1'), item('k2', { color: 1 }), item('k3', { dry_run: true })] });
    expect(batch).toMatchObject({
      atomic: false,
      items: [
        { key: 'k1', request: { legs: [{ debit: 'a', credit: 'b', amount: 1 }] } },
        { key: 'k2', problem: { code: 'unknown_field', param: '/color' } },
        { key: 'k3', problem: { code: 'unknown_field', param: '/dry_run' } },
      ],
    });
  });

  it.each([false, true])('takes no item from the beginning of 1970 for one without a time (atomic: %s)', (atomic) => {
    const more = { effective_at: '1970-01-01T00:00:00Z' };
    if (atomic) {
      const body = { atomic, transactions: [posting, { ...posting, ...more }] };
      expect(refused(body)).toEqual(['invalid_field', '/transactions/1/effective_at']);
    } else {
      expect(parse({ transactions: [item('k', more)] }).items).toMatchObject([
        { key: 'k', problem: { code: 'invalid_field', param: '/effective_at' } },
      ]);
    }
  });

  it('takes a key twice with the same payload, also written differently', () => {
    const same = { legs: [{ currency: 'EUR', amount: '1', credit: 'b', debit: 'a' }] };
    const batch = parse({ transactions: [item('k'), { ...same, idempotency_key: 'k' }, item('k')], atomic: false });
    expect(batch.items).toHaveLength(3);
  });

  it.each<[string, unknown, string, string]>([
    [
      'a key twice with different payloads',
      { transactions: [item('k'), item('k', { reference: 'x' })] },
      'invalid_field',
      '/transactions/1/idempotency_key',
    ],
    [
      'a key with a sound and a faulty payload',
      { transactions: [item('k'), item('k', { x: 1 })] },
      'invalid_field',
      '/transactions/1/idempotency_key',
    ],
    ['a missing key', { transactions: [item('k'), posting] }, 'missing_field', '/transactions/1/idempotency_key'],
    ['a key that is none', { transactions: [item('')] }, 'key_invalid', '/transactions/0/idempotency_key'],
    ['a key that is a number', { transactions: [item(5)] }, 'key_invalid', '/transactions/0/idempotency_key'],
    ['an item that is no object', { transactions: [item('k'), 5] }, 'invalid_field', '/transactions/1'],
    ['no items', { transactions: [] }, 'invalid_field', '/transactions'],
    [
      '8,193 items',
      { transactions: Array.from({ length: 8193 }, (_, i) => item(`k${i}`)) },
      'invalid_field',
      '/transactions',
    ],
    ['nothing', {}, 'missing_field', '/transactions'],
    ['an array', [], 'invalid_field', ''],
    ['dry_run', { transactions: [item('k')], dry_run: true }, 'unknown_field', '/dry_run'],
    ['an unknown field', { transactions: [item('k')], x: 1 }, 'unknown_field', '/x'],
  ])('is refused as a whole for %s', (_, body, code, param) => {
    expect(refused(body)).toEqual([code, param]);
  });

  it('takes 8,192 items', () => {
    expect(parse({ transactions: Array.from({ length: 8192 }, (_, i) => item(`k${i}`)) }).items).toHaveLength(8192);
  });
});

describe('an atomic batch', () => {
  it('is its items, and may be a dry run', () => {
    expect(parse({ atomic: true, transactions: [posting, posting], dry_run: true })).toMatchObject({
      atomic: true,
      dryRun: true,
      items: [{}, {}],
    });
  });

  it.each<[string, unknown, string, string]>([
    [
      'a fault in an item',
      { atomic: true, transactions: [posting, { ...posting, color: 1 }] },
      'unknown_field',
      '/transactions/1/color',
    ],
    [
      'a fault deep in an item',
      { atomic: true, transactions: [posting, { legs: [{ ...posting.legs[0], amount: 0 }] }] },
      'invalid_field',
      '/transactions/1/legs/0/amount',
    ],
    [
      'a key in an item',
      { atomic: true, transactions: [item('k')] },
      'unknown_field',
      '/transactions/0/idempotency_key',
    ],
    ['an item that is no object', { atomic: true, transactions: [null] }, 'invalid_field', '/transactions/0'],
  ])('is refused as a whole for %s', (_, body, code, param) => {
    expect(refused(body)).toEqual([code, param]);
  });
});
