import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import type { PostRequest } from '../../../src/engine/wire/messages.js';
import { renderPosted, renderRecord, renderTransaction } from '../../../src/http/render/transaction.js';
import { type Body, SCHEMAS } from '../../../src/http/schemas/index.js';
import { RecordKind } from '../../../src/ledger/record.js';
import type { LegState, LegView, RecordView } from '../../../src/ledger/view.js';

const AT = Date.UTC(2026, 10, 21, 10, 17, 3) * 1000 + 123_456;

const base: RecordView = {
  position: 9,
  book: 1,
  sequence: 1843,
  kind: RecordKind.posted,
  recordedAt: AT,
  flags: 0,
  code: 0,
  parent: 0,
  effectiveAt: AT,
  expiresAt: 0,
  legs: [],
  details: null,
  key: null,
  reference: null,
  description: null,
  metadata: null,
  fingerprint: null,
};
const leg = (index: number, amount: bigint, currency = 'EUR', released = 0n): LegView => ({
  leg: index,
  debit: 'external/card',
  credit: 'customer/42/wallet',
  currency,
  amount,
  released,
});
const state = (captured: bigint, remaining: bigint, released: bigint, reversed: bigint): LegState => ({
  captured,
  remaining,
  released,
  reversed,
});
const parentState = (status: string, byCurrency: Readonly<Record<string, string>>): string =>
  JSON.stringify({
    parent_state: { status, captured: byCurrency, remaining: byCurrency, released: byCurrency, reversed: byCurrency },
  });
const valid = <N extends 'Transaction' | 'Action'>(schema: N, text: string): Body<N> => {
  const body = JSON.parse(text) as Body<N>;
  expect([...Compile(SCHEMAS[schema]).Errors(body)]).toEqual([]);
  return body;
};

/** The record that the ledger makes of a request, as it is read back. */
function recordOf(
  request: PostRequest,
  facts: { sequence: number; recordedAt: number; expiresAt: number },
): RecordView {
  return {
    ...base,
    ...facts,
    kind: request.pending ? RecordKind.pending : RecordKind.posted,
    effectiveAt: request.effectiveAt === 0 ? facts.recordedAt : request.effectiveAt,
    legs: request.legs.map(({ debit, credit, amount, currencyCode }, index) => ({
      leg: index,
      debit,
      credit,
      currency: currencyCode,
      amount: BigInt(amount),
      released: 0n,
    })),
    reference: request.reference,
    description: request.description,
    metadata: request.metadata,
  };
}

describe('a fresh posting', () => {
  it('is rendered as the API shows it', () => {
    const request: PostRequest = {
      legs: [
        { debit: 'external/card', credit: 'customer/42/wallet', amount: 12500, currency: 978, currencyCode: 'EUR' },
      ],
      pending: false,
      expiresIn: 0,
      effectiveAt: 0,
      openAccounts: true,
      dryRun: false,
      reference: 'order-1001',
      description: null,
      metadata: null,
      extras: null,
    };
    const text = renderPosted(request, { sequence: 1843, recordedAt: AT, expiresAt: 0 }, 'txn_x');
    expect(text).toBe(
      '{"id":"txn_x","kind":"transaction","status":"posted","legs":[{"debit":"external/card","credit":"customer/42/wallet","amount":12500,"currency":"EUR"}],' +
        '"reference":"order-1001","created_at":"2026-11-21T10:17:03.123456Z","effective_at":"2026-11-21T10:17:03.123456Z","sequence":1843}',
    );
    valid('Transaction', text);
  });

  it('is the same bytes from the request and from its record', () => {
    const text = fc.string({ unit: 'binary', maxLength: 80 });
    const request = fc.record({
      legs: fc.array(
        fc.record({
          debit: fc.constantFrom('a', 'external/card'),
          credit: fc.constantFrom('b', 'c/d'),
          amount: fc.oneof(
            fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
            fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
          ),
          currency: fc.constant(1),
          currencyCode: fc.constantFrom('EUR', 'JPY', 'a"\\'),
        }),
        { minLength: 1, maxLength: 5 },
      ),
      pending: fc.boolean(),
      expiresIn: fc.constant(0),
      effectiveAt: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: AT })),
      openAccounts: fc.boolean(),
      dryRun: fc.constant(false),
      reference: fc.option(text),
      description: fc.option(text),
      metadata: fc.option(fc.json()),
      extras: fc.constant(null),
    });
    fc.assert(
      fc.property(request, fc.nat(), fc.integer({ min: 0, max: AT }), (asked, sequence, recordedAt) => {
        const facts = { sequence, recordedAt, expiresAt: asked.pending ? recordedAt + 1_000_001 : 0 };
        const fresh = renderPosted(asked, facts, 'txn_x');
        expect(renderRecord(recordOf(asked, facts), 'txn_x', null)).toBe(fresh);
        expect((JSON.parse(fresh) as { reference?: string }).reference).toBe(asked.reference ?? undefined);
      }),
    );
  });
});

describe('a hold', () => {
  const record: RecordView = {
    ...base,
    kind: RecordKind.pending,
    expiresAt: AT + 1,
    legs: [leg(0, 100n), leg(1, 2n ** 63n - 1n)],
  };

  it('as recorded holds all of it', () => {
    expect(valid('Transaction', renderRecord(record, 'txn_x', null))).toMatchObject({
      status: 'pending',
      captured: 0,
      remaining: '9223372036854775907',
      released: 0,
      reversed: 0,
      expires_at: '2026-11-21T10:17:03.123457Z',
    });
  });

  it('as it stands shows its state, also by leg', () => {
    const view = {
      record,
      status: 'partially_captured',
      legs: [state(60n, 30n, 10n, 5n), state(0n, 2n ** 63n - 1n, 0n, 0n)],
    } as const;
    expect(valid('Transaction', renderTransaction(view, 'txn_x', null))).toMatchObject({
      status: 'partially_captured',
      legs: [
        { amount: 100, captured: 60, remaining: 30, released: 10, reversed: 5 },
        { amount: '9223372036854775807', captured: 0 },
      ],
      captured: 60,
      remaining: '9223372036854775837',
      released: 10,
      reversed: 5,
    });
  });

  it('in several currencies shows sums by currency', () => {
    const two = { ...record, legs: [leg(0, 100n), leg(1, 7n, 'JPY')] };
    const view = {
      record: two,
      status: 'partially_captured',
      legs: [state(100n, 0n, 0n, 0n), state(0n, 7n, 0n, 0n)],
    } as const;
    expect(valid('Transaction', renderTransaction(view, 'txn_x', null))).toMatchObject({
      captured: { EUR: 100, JPY: 0 },
      remaining: { EUR: 0, JPY: 7 },
    });
  });
});

describe('a posted transaction as it stands', () => {
  it('shows what was reversed', () => {
    const view = {
      record: { ...base, legs: [leg(0, 100n)] },
      status: 'posted',
      legs: [state(0n, 0n, 0n, 40n)],
    } as const;
    expect(valid('Transaction', renderTransaction(view, 'txn_x', null))).toMatchObject({
      status: 'posted',
      reversed: 40,
      legs: [{ reversed: 40 }],
    });
  });
});

describe('an action', () => {
  it.each([
    [RecordKind.capture, 'capture', { leg: 1, amount: 60, released: 40 }],
    [RecordKind.void, 'void', { leg: 1, amount: 60, released: 40 }],
    [RecordKind.expiry, 'expiry', { leg: 1, amount: 60, released: 40 }],
    [RecordKind.increment, 'increment', { leg: 1, amount: 60 }],
    [RecordKind.reversal, 'reversal', { leg: 1, amount: 60 }],
  ] as const)('of kind %i is a %s with its parent and how that stood', (kind, word, shown) => {
    const record = {
      ...base,
      kind,
      parent: 3,
      legs: [leg(1, 60n, 'EUR', 40n)],
      details: parentState('captured', { EUR: '9007199254740992' }),
    };
    const body = valid('Action', renderRecord(record, 'txn_y', 'txn_x'));
    expect(body).toMatchObject({
      id: 'txn_y',
      kind: word,
      parent: 'txn_x',
      status: 'posted',
      legs: [shown],
      parent_state: { status: 'captured', captured: '9007199254740992', reversed: '9007199254740992' },
    });
    expect(JSON.parse(renderTransaction({ record, status: 'posted', legs: [] }, 'txn_y', 'txn_x'))).toEqual(body);
  });

  it('on several currencies shows sums by currency', () => {
    const record = {
      ...base,
      kind: RecordKind.capture,
      parent: 3,
      legs: [leg(0, 1n)],
      details: parentState('captured', { EUR: '1', JPY: '0' }),
    };
    expect(valid('Action', renderRecord(record, 'txn_y', 'txn_x'))).toMatchObject({
      parent_state: { captured: { EUR: 1, JPY: 0 } },
    });
  });

  it('of a dry run has no id', () => {
    const record = {
      ...base,
      kind: RecordKind.void,
      parent: 3,
      legs: [leg(0, 0n, 'EUR', 5n)],
      details: parentState('voided', { EUR: '0' }),
    };
    expect(valid('Action', renderRecord(record, null, 'txn_x'))).toMatchObject({ id: null, parent: 'txn_x' });
  });
});
