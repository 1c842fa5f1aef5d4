import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ColdMessage, decodeCold, encodeCold } from '../../../src/engine/wire/cold.js';
import type { ActionRequest, OpenAccountsRequest, RareRequest } from '../../../src/engine/wire/messages.js';
import {
  arbitraryHead,
  arbitraryName,
  arbitraryPost,
  arbitrarySettings,
  hash,
  legsOf,
  plainPost,
  textsOf,
} from './arbitrary.js';

const head = { shard: 1, book: 7, key: 'k-1', route: 'POST /v1/transactions/{id}/capture 12', requestId: 4 };

function roundTrip(
  request: RareRequest,
  from: Partial<Omit<typeof head, 'key'>> & { key?: string | null } = {},
): ColdMessage {
  const record = encodeCold({ ...head, ...from }, request, hash);
  // As it stands in a ring: in shared memory, among other bytes.
  const bytes = new Uint8Array(new SharedArrayBuffer(record.length + 32)).fill(0xee);
  bytes.set(record, 16);
  return decodeCold(bytes, 16, record.length);
}

const fingerprint = ({ request }: ColdMessage): string =>
  'fingerprintHi' in request ? `${request.fingerprintHi}:${request.fingerprintLo}` : '';

const capture: ActionRequest = {
  type: 'capture',
  parent: 2 ** 40,
  amount: 2n ** 63n - 1n,
  legs: [{ leg: 0, amount: 3n }],
  final: true,
  force: false,
  dryRun: false,
  reference: 'réf',
  description: null,
  metadata: '{"a":1}',
};

describe('requests other than postings', () => {
  it('come back as commands with their key, texts and hashes', () => {
    const { request, ...rest } = roundTrip(capture);
    expect(rest).toEqual({ requestId: 4, shard: 1, book: 7 });
    expect(request).toMatchObject({
      type: 'capture',
      parent: 2 ** 40,
      amount: 2n ** 63n - 1n,
      legs: [{ leg: 0, amount: 3n }],
      final: true,
      keyed: true,
      dryRun: false,
      book: 7,
    });
    if (!('texts' in request)) throw new Error('a capture is a command');
    expect(textsOf(request.texts)).toEqual(['k-1', 'réf', null, '{"a":1}']);
    expect([...request.keyHash]).not.toEqual([0, 0, 0, 0]);
  });

  it.each(['capture', 'void', 'increment', 'reverse'] as const)('keep what %s carries', (type) => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.bigInt(0n, 2n ** 63n - 1n),
        fc.boolean(),
        fc.array(fc.record({ leg: fc.nat(63), amount: fc.bigInt(1n, 2n ** 63n - 1n) }), { maxLength: 64 }),
        (parent, amount, flag, legs) => {
          const { request } = roundTrip({ ...capture, type, parent, amount, legs, final: flag, force: flag });
          expect(request).toMatchObject({ type, parent, amount, legs });
          if (request.type === 'capture') expect(request.final).toBe(flag);
          if (request.type === 'reverse') expect(request.force).toBe(flag);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('keep absent and null apart in settings of accounts', () => {
    const accounts = fc.array(
      fc
        .record({ name: arbitraryName, currency: fc.nat(65_535), settings: arbitrarySettings })
        .map(({ name, currency, settings }) => ({ name, currency, ...settings })),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(accounts, fc.boolean(), (list, batch) => {
        const { request } = roundTrip({ type: 'open_accounts', accounts: list, batch });
        if (request.type !== 'open_accounts') throw new Error('another type came back');
        expect(request.accounts).toStrictEqual(list);
        expect(request.batch).toBe(batch);
      }),
      { numRuns: 100 },
    );
  });

  it('keep changes, closings and reads of the head', () => {
    const change = { type: 'change_account', account: 'a', min_balance: null, metadata: null, ifMatch: 3 } as const;
    expect(roundTrip(change).request).toMatchObject(change);
    expect(roundTrip(change).request).not.toHaveProperty('max_balance');
    expect(roundTrip({ type: 'close_account', account: 'a' }).request).not.toHaveProperty('ifMatch');
    expect(roundTrip({ type: 'reopen_account', account: 'a', ifMatch: 1 }).request).toMatchObject({ ifMatch: 1 });
    expect(roundTrip({ type: 'read_head' }, { key: null }).request).toStrictEqual({ type: 'read_head' });
  });

  it('keep every item of an atomic batch', () => {
    fc.assert(
      fc.property(arbitraryHead, fc.array(arbitraryPost, { maxLength: 5 }), fc.boolean(), (someHead, items, dryRun) => {
        const record = encodeCold(someHead, { type: 'atomic_batch', items, dryRun }, hash);
        const { request, book, shard, requestId } = decodeCold(record, 0, record.length);
        expect({ book, shard, requestId }).toEqual({
          book: someHead.book,
          shard: someHead.shard,
          requestId: someHead.requestId,
        });
        if (request.type !== 'atomic_batch') throw new Error('another type came back');
        expect(request.dryRun).toBe(dryRun);
        expect(request.items.map(legsOf)).toEqual(
          items.map((item) =>
            item.legs.map(({ debit, credit, amount, currency }) => ({
              debit,
              credit,
              amount: BigInt(amount),
              currency,
            })),
          ),
        );
        expect(request.items.map(({ texts }) => textsOf(texts))).toEqual(
          items.map(({ reference, description, metadata }) => [null, reference, description, metadata]),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('name equal fingerprints for equal requests, whatever the order of their fields', () => {
    const reordered = Object.fromEntries(Object.entries(capture).reverse()) as unknown as ActionRequest;
    expect(fingerprint(roundTrip(reordered))).toBe(fingerprint(roundTrip(capture)));
    const opening: OpenAccountsRequest = {
      type: 'open_accounts',
      batch: false,
      accounts: [{ name: 'a', currency: 978, metadata: '{}', max_balance: 5n }],
    };
    const same: OpenAccountsRequest = {
      accounts: [{ max_balance: 5n, metadata: '{}', currency: 978, name: 'a' }],
      batch: false,
      type: 'open_accounts',
    };
    expect(fingerprint(roundTrip(same))).toBe(fingerprint(roundTrip(opening)));
  });

  it('name different fingerprints for different requests', () => {
    const requests: RareRequest[] = [
      capture,
      { ...capture, type: 'void' },
      { ...capture, parent: 1 },
      { ...capture, amount: 1n },
      { ...capture, legs: [] },
      { ...capture, final: false },
      { ...capture, reference: null, description: 'réf' },
      { type: 'close_account', account: 'a' },
      { type: 'close_account', account: 'a', ifMatch: 1 },
      { type: 'reopen_account', account: 'a' },
      { type: 'change_account', account: 'a' },
      { type: 'change_account', account: 'a', min_balance: null },
      { type: 'atomic_batch', items: [plainPost], dryRun: false },
      { type: 'atomic_batch', items: [plainPost, plainPost], dryRun: false },
    ];
    const seen = requests.map((request) => fingerprint(roundTrip(request)));
    expect(new Set(seen).size).toBe(requests.length);
    // To the last character, however long: a route may hold the name of an account.
    const routes = ['POST /other', `PATCH /v1/accounts/${'n'.repeat(500)}`, `PATCH /v1/accounts/${'n'.repeat(499)}m`];
    const byRoute = routes.map((route) => fingerprint(roundTrip(capture, { route })));
    expect(new Set([...byRoute, seen[0]]).size).toBe(4);
  });
});
