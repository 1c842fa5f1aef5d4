/** Batches: independent items with their own keys and outcomes, and atomic ones. */
import { describe, expect, it } from 'vitest';
import { accountPath, expectProblem, freshKey, type Leg, leg, type Merchant } from '../support/merchant.js';
import type { World } from '../support/world.js';

const PATH = '/v1/transactions/batch';
const ITEMS_MAX = 8192;

interface Item {
  readonly idempotency_key?: string;
  readonly legs: readonly Leg[];
  readonly [field: string]: unknown;
}

const item = (debit: string, credit: string, amount: number | string, more: object = {}): Item => ({
  idempotency_key: freshKey(),
  legs: [leg(debit, credit, amount)],
  open_accounts: true,
  ...more,
});

const send = (m: Merchant, transactions: readonly unknown[], more: object = {}) =>
  m.post(PATH, { transactions, ...more }, { key: null });

interface Outcome {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tests are the schema here
  readonly transaction?: any;
  // biome-ignore lint/suspicious/noExplicitAny: the tests are the schema here
  readonly error?: any;
}

async function outcomes(m: Merchant, transactions: readonly unknown[]): Promise<readonly Outcome[]> {
  const answer = await send(m, transactions);
  expect(answer.status, answer.text.slice(0, 500)).toBe(200);
  expect(Object.keys(answer.body)).toEqual(['data']);
  expect(answer.body.data).toHaveLength(transactions.length);
  for (const { status, error } of answer.body.data) {
    if (error === undefined) continue;
    m.problems.checkBody(error);
    expect(error.status).toBe(status);
  }
  return answer.body.data;
}

export function batchPromises(world: World): void {
  describe('an independent batch', () => {
    it('gives each item the outcome that it would have had alone, in order', async () => {
      const [together, alone] = [await world.merchant(), await world.merchant()];
      const items = [
        item('external/x', 'a', 100),
        item('a', 'b', 60),
        item('a', 'b', 60),
        item('external/x', 'a', 20, { reference: 'top-up', metadata: { k: 'v' } }),
        item('a', 'b', 60, { pending: true, expires_in: 60 }),
        item('a', 'nobody', 1, { open_accounts: false }),
        item('a', 'b', 0),
        item('a', 'b', 1, { colour: 'red' }),
        item('a', 'b', 1, { legs: [leg('a', 'b', 1, 'XQQ')] }),
        item('a', 'b', 1, { if: { a: { version: 99 } } }),
        item('b', 'c', 60),
      ];
      const batch = await outcomes(together, items);
      expect(batch.map(({ status }) => status)).toEqual([201, 201, 422, 201, 201, 404, 400, 400, 400, 422, 201]);
      for (const [index, { idempotency_key, ...body }] of items.entries()) {
        const single = await alone.post('/v1/transactions', body, { key: String(idempotency_key) });
        const outcome = batch[index] as Outcome;
        expect(outcome.status, single.text).toBe(single.status);
        const { id: _i, created_at: _c, effective_at: _e, expires_at: _x, request_id: _r, ...expected } = single.body;
        expect(outcome.transaction ?? outcome.error).toMatchObject(expected);
      }
      for (const name of ['a', 'b', 'c', 'external/x'])
        expect(await together.balances(name)).toEqual(await alone.balances(name));
      // Its keys are those of single requests.
      const { idempotency_key, ...first } = items[0] as Item;
      const replay = await together.post('/v1/transactions', first, { key: String(idempotency_key) });
      expect([replay.body, replay.headers.get('idempotency-replayed')]).toEqual([batch[0]?.transaction, 'true']);
    });

    it('replays what it is sent again, refusals too, and goes on with what is new', async () => {
      const m = await world.merchant();
      const items = [item('external/x', 'a', 100), item('a', 'b', 500), item('a', 'b', 5)];
      const first = await outcomes(m, items);
      const again = await outcomes(m, [...items, item('a', 'b', 7)]);
      for (const [i, outcome] of first.entries()) {
        const strip = ({ request_id: _, ...rest }: Record<string, unknown>) => rest;
        expect(again[i]?.status).toBe(outcome.status);
        expect(strip(again[i]?.transaction ?? again[i]?.error)).toEqual(strip(outcome.transaction ?? outcome.error));
      }
      expect(await m.posted('b')).toBe(12);
    });

    it('takes a key twice with the same payload as one transaction and one replay', async () => {
      const m = await world.merchant();
      const once = item('external/x', 'a', 9);
      const [one, other, two] = await outcomes(m, [
        once,
        item('external/x', 'a', 1),
        { ...once, legs: [leg('external/x', 'a', '9')] },
      ]);
      expect([one?.status, other?.status, two?.status]).toEqual([201, 201, 201]);
      expect(two?.transaction).toEqual(one?.transaction);
      expect(await m.posted('a')).toBe(10);
    });

    it('is refused as a whole where one key has two payloads, and nothing is posted', async () => {
      const m = await world.merchant();
      const once = item('external/x', 'a', 9);
      const answer = await send(m, [item('external/x', 'a', 1), once, { ...once, legs: [leg('external/x', 'a', 8)] }]);
      expect(answer.status).toBe(400);
      expect(answer.body.param).toBe('/transactions/2/idempotency_key');
      expectProblem(await m.get(accountPath('a')), 404, 'unknown_account');
    });

    it('with a key that was used for something else says so at that item only', async () => {
      const m = await world.merchant();
      const key = freshKey();
      await m.transfer('external/x', 'a', 1, {}, { key });
      const [one, two] = await outcomes(m, [
        item('external/x', 'a', 2, { idempotency_key: key }),
        item('external/x', 'a', 2),
      ]);
      expect([one?.error?.code, two?.status]).toEqual(['key_reused', 201]);
      expect(await m.posted('a')).toBe(3);
    });

    it('takes 8,192 items and refuses 8,193', async () => {
      const m = await world.merchant();
      const items = Array.from({ length: ITEMS_MAX }, (_, i) => item('external/x', `a/${i % 100}`, 1));
      const batch = await outcomes(m, items);
      expect(new Set(batch.map(({ status }) => status))).toEqual(new Set([201]));
      expect(batch.map(({ transaction }) => transaction.legs[0].credit)).toEqual(
        items.map(({ legs }) => legs[0]?.credit),
      );
      expect(await m.posted('external/x')).toBe(-ITEMS_MAX);
      expect((await m.account('a/0')).version).toBe(82);
      expectProblem(await send(m, [...items, item('external/x', 'a/0', 1)]), 400, 'invalid_field', '/transactions');
      expect(await m.posted('external/x')).toBe(-ITEMS_MAX);
    });

    it('carries keys in its items, and none in the header', async () => {
      const m = await world.merchant();
      const one = item('external/x', 'a', 1);
      expectProblem(await m.post(PATH, { transactions: [one] }), 400, 'key_not_allowed');
      const { idempotency_key: _, ...bare } = one;
      expectProblem(await send(m, [one, bare]), 400, 'missing_field', '/transactions/1/idempotency_key');
      expectProblem(
        await send(m, [{ ...bare, idempotency_key: '' }]),
        400,
        'key_invalid',
        '/transactions/0/idempotency_key',
      );
      expectProblem(
        await send(m, [{ ...bare, idempotency_key: 7 }]),
        400,
        'key_invalid',
        '/transactions/0/idempotency_key',
      );
      expectProblem(await send(m, []), 400, 'invalid_field', '/transactions');
      expectProblem(await send(m, ['x']), 400, 'invalid_field', '/transactions/0');
      expectProblem(await send(m, [one], { dry_run: true }), 400, 'unknown_field', '/dry_run');
      expectProblem(await m.post(PATH, '{"transactions":[', { key: null }), 400, 'malformed_body');
      expectProblem(await m.get(accountPath('a')), 404, 'unknown_account');
    });
  });

  describe('an atomic batch', () => {
    const atomic = (m: Merchant, transactions: readonly Item[], key = freshKey()) => {
      const bare = transactions.map(({ idempotency_key: _, ...rest }) => rest);
      return m.post(PATH, { atomic: true, transactions: bare }, { key });
    };

    it('posts all, judged item by item in order, under one key', async () => {
      const m = await world.merchant();
      const answer = await atomic(m, [
        item('external/x', 'a', 100),
        item('a', 'b', 60, { reference: 'two' }),
        item('b', 'c', 60, { pending: true }),
      ]);
      expect(answer.status, answer.text).toBe(201);
      const { data } = answer.body;
      expect(data).toMatchObject([
        { status: 'posted' },
        { status: 'posted', reference: 'two' },
        { status: 'pending', remaining: 60 },
      ]);
      expect(new Set(data.map(({ created_at }: { created_at: string }) => created_at)).size).toBe(1);
      expect(await m.balances('b')).toEqual({ posted: 60, pending_in: 0, pending_out: 60, available: 0 });
      for (const one of data) {
        const read = await m.body(`/v1/transactions/${one.id}`);
        expect([read.sequence, read.created_at]).toEqual([one.sequence, one.created_at]);
      }
      expect((await m.act(data[2].id, 'capture')).status).toBe(201);
    });

    it('posts none and opens nothing where one is refused, and says which', async () => {
      const m = await world.merchant();
      const items = [
        item('external/x', 'a', 100),
        ...Array.from({ length: 16 }, (_, i) => item('external/x', `n/${i}`, 1)),
        item('a', 'b', 101),
      ];
      const key = freshKey();
      const refused = await atomic(m, items, key);
      expectProblem(refused, 422, 'insufficient_funds', '/transactions/17/legs/0/debit');
      expect(refused.body).toMatchObject({ final: true, outcome: 'none', account: 'a', available: 100 });
      expect(await m.list('/v1/accounts')).toEqual([]);
      await m.fund('a', 1000);
      const replay = await atomic(m, items, key);
      expectProblem(replay, 422, 'insufficient_funds', '/transactions/17/legs/0/debit');
      expect(replay.headers.get('idempotency-replayed')).toBe('true');
      expectProblem(
        await atomic(m, [item('a', 'b', 1), item('a', 'nobody', 1, { open_accounts: false })]),
        404,
        'unknown_account',
        '/transactions/1/legs/0/credit',
      );
      expectProblem(
        await atomic(m, [item('a', 'b', 1), item('a', 'b', 1, { if: { a: { version: 1 } } })]),
        422,
        'version_conflict',
        '/transactions/1/if/a/version',
      );
      expectProblem(
        await atomic(m, [item('a', 'b', 1), item('a', 'b', 0)]),
        400,
        'invalid_field',
        '/transactions/1/legs/0/amount',
      );
      expectProblem(await m.get(accountPath('b')), 404, 'unknown_account');
    });

    it('may use what an item before it opened, with the settings of that item', async () => {
      const m = await world.merchant();
      const answer = await atomic(m, [
        item('a', 'external/x', 50, { open_accounts: { a: { min_balance: -100 }, 'external/x': {} } }),
        item('a', 'external/x', 50, { open_accounts: false }),
      ]);
      expect(answer.status, answer.text).toBe(201);
      expectProblem(await atomic(m, [item('a', 'external/x', 1, { open_accounts: false })]), 422, 'insufficient_funds');
      expect(await m.account('a')).toMatchObject({ min_balance: -100, version: 2, balances: { posted: -100 } });
    });

    it('takes 8,192 items and refuses 8,193', async () => {
      const m = await world.merchant();
      const items = Array.from({ length: ITEMS_MAX }, (_, i) => item('external/x', `a/${i % 100}`, 1));
      const key = freshKey();
      const answer = await atomic(m, items, key);
      expect(answer.status, answer.text.slice(0, 500)).toBe(201);
      expect(answer.body.data).toHaveLength(ITEMS_MAX);
      expect(await m.account('external/x')).toMatchObject({ version: ITEMS_MAX, balances: { posted: -ITEMS_MAX } });
      const replay = await atomic(m, items, key);
      expect([replay.status, replay.text === answer.text]).toEqual([201, true]);
      expectProblem(await atomic(m, [...items, item('external/x', 'a/0', 1)]), 400, 'invalid_field', '/transactions');
    });

    it('of nearly 8 MiB, with 64 legs an item, is one unit all the same', async () => {
      const m = await world.merchant();
      const legs = Array.from({ length: 64 }, (_, i) => leg('external/x', `account/of/some/length/${i}`, 1));
      const items = Array.from({ length: 1400 }, () => ({ legs, open_accounts: true }));
      const answer = await atomic(m, items);
      expect(answer.status, answer.text.slice(0, 500)).toBe(201);
      expect(answer.body.data[1399].sequence - answer.body.data[0].sequence).toBe(1399);
      expect(await m.posted('external/x')).toBe(-1400 * 64);
      const worse = await atomic(m, [
        ...items.slice(0, 1399),
        { legs: [leg('account/of/some/length/5', 'external/x', 2800)] },
      ]);
      expectProblem(worse, 422, 'insufficient_funds', '/transactions/1399/legs/0/debit');
      expect(await m.posted('external/x')).toBe(-1400 * 64);
    });

    it('carries no keys in its items, and its own in the header', async () => {
      const m = await world.merchant();
      const one = item('external/x', 'a', 1);
      expectProblem(
        await m.post(PATH, { atomic: true, transactions: [one] }),
        400,
        'unknown_field',
        '/transactions/0/idempotency_key',
      );
      expectProblem(
        await m.post(PATH, { atomic: true, transactions: [{ legs: one.legs }] }, { key: null }),
        400,
        'key_missing',
      );
      expectProblem(
        await m.post(PATH, { atomic: 1, transactions: [one] }, { key: null }),
        400,
        'invalid_field',
        '/atomic',
      );
    });
  });
}
