/** Batches: independent items with their own keys and outcomes, and atomic ones. */
import { describe, expect, it } from 'vitest';
import { BATCH_PATH, type Item, item, type Outcome, outcomes, send, sendAtomic } from '../support/batch.js';
import { accountPath, expectProblem, freshKey, leg } from '../support/merchant.js';
import type { World } from '../support/world.js';

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

    it('carries keys in its items, and none in the header', async () => {
      const m = await world.merchant();
      const one = item('external/x', 'a', 1);
      expectProblem(await m.post(BATCH_PATH, { transactions: [one] }), 400, 'key_not_allowed');
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
      expectProblem(await m.post(BATCH_PATH, '{"transactions":[', { key: null }), 400, 'malformed_body');
      expectProblem(await m.get(accountPath('a')), 404, 'unknown_account');
    });
  });

  describe('an atomic batch', () => {
    it('posts all, judged item by item in order, under one key', async () => {
      const m = await world.merchant();
      const answer = await sendAtomic(m, [
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
      const refused = await sendAtomic(m, items, key);
      expectProblem(refused, 422, 'insufficient_funds', '/transactions/17/legs/0/debit');
      expect(refused.body).toMatchObject({ final: true, outcome: 'none', account: 'a', available: 100 });
      expect(await m.list('/v1/accounts')).toEqual([]);
      await m.fund('a', 1000);
      const replay = await sendAtomic(m, items, key);
      expectProblem(replay, 422, 'insufficient_funds', '/transactions/17/legs/0/debit');
      expect(replay.headers.get('idempotency-replayed')).toBe('true');
      expectProblem(
        await sendAtomic(m, [item('a', 'b', 1), item('a', 'nobody', 1, { open_accounts: false })]),
        404,
        'unknown_account',
        '/transactions/1/legs/0/credit',
      );
      expectProblem(
        await sendAtomic(m, [item('a', 'b', 1), item('a', 'b', 1, { if: { a: { version: 1 } } })]),
        422,
        'version_conflict',
        '/transactions/1/if/a/version',
      );
      expectProblem(
        await sendAtomic(m, [item('a', 'b', 1), item('a', 'b', 0)]),
        400,
        'invalid_field',
        '/transactions/1/legs/0/amount',
      );
      expectProblem(await m.get(accountPath('b')), 404, 'unknown_account');
    });

    it('may use what an item before it opened, with the settings of that item', async () => {
      const m = await world.merchant();
      const answer = await sendAtomic(m, [
        item('a', 'external/x', 50, { open_accounts: { a: { min_balance: -100 }, 'external/x': {} } }),
        item('a', 'external/x', 50, { open_accounts: false }),
      ]);
      expect(answer.status, answer.text).toBe(201);
      expectProblem(
        await sendAtomic(m, [item('a', 'external/x', 1, { open_accounts: false })]),
        422,
        'insufficient_funds',
      );
      expect(await m.account('a')).toMatchObject({ min_balance: -100, version: 2, balances: { posted: -100 } });
    });

    it('carries no keys in its items, and its own in the header', async () => {
      const m = await world.merchant();
      const one = item('external/x', 'a', 1);
      expectProblem(
        await m.post(BATCH_PATH, { atomic: true, transactions: [one] }),
        400,
        'unknown_field',
        '/transactions/0/idempotency_key',
      );
      expectProblem(
        await m.post(BATCH_PATH, { atomic: true, transactions: [{ legs: one.legs }] }, { key: null }),
        400,
        'key_missing',
      );
      expectProblem(
        await m.post(BATCH_PATH, { atomic: 1, transactions: [one] }, { key: null }),
        400,
        'invalid_field',
        '/atomic',
      );
    });
  });
}
