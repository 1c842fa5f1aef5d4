/** A dry run answers as the real thing then does, and leaves no trace. */
import { describe, expect, it } from 'vitest';
import type { ApiAnswer } from '../../support/api.js';
import { accountPath, expectProblem, leg, type Merchant } from '../support/merchant.js';
import type { World } from '../support/world.js';

const TIMES = ['created_at', 'effective_at', 'expires_at'];

/** All but what only a record can have: its id, its time, and of a refusal its place and whether it is kept. */
function comparable({ body }: ApiAnswer): unknown {
  const { id: _id, request_id: request, final: _final, data, ...rest } = body;
  if (request !== undefined) delete rest.sequence;
  for (const time of TIMES) if (time in rest && rest[time] > '2025') rest[time] = 'now';
  return data === undefined ? rest : data.map((item: object) => comparable({ body: item } as ApiAnswer));
}

async function bothWays(m: Merchant, path: string, body: object): Promise<ApiAnswer> {
  const before = await m.list('/v1/accounts');
  const dry = await m.post(path, { ...body, dry_run: true }, { key: null });
  expect(await m.list('/v1/accounts')).toEqual(before);
  const real = await m.post(path, body);
  expect(comparable(dry)).toEqual(comparable(real));
  if (real.status === 201) {
    expect(dry.status).toBe(200);
    expect(dry.body.data === undefined ? dry.body.id : dry.body.data[0].id).toBeNull();
  } else {
    expect(dry.status).toBe(real.status);
    expect(dry.body.final).toBe(false);
  }
  return real;
}

export function dryRunPromises(world: World): void {
  describe('a dry run', () => {
    it('of a posting or hold answers as the real thing then does', async () => {
      const m = await world.merchant();
      const post = '/v1/transactions';
      const legs = [leg('external/x', 'a', 100), leg('a', 'b', 40)];
      const texts = { reference: 'r', description: 'd', metadata: { k: 'v' }, effective_at: '2020-01-01T00:00:00Z' };
      expect((await bothWays(m, post, { legs, open_accounts: true, ...texts })).status).toBe(201);
      expect((await bothWays(m, post, { legs, pending: true, expires_in: 60 })).status).toBe(201);
      expectProblem(
        await bothWays(m, post, { legs: [leg('b', 'c', 1000)], open_accounts: true }),
        422,
        'insufficient_funds',
      );
      expectProblem(await bothWays(m, post, { legs: [leg('b', 'nobody', 1)] }), 404, 'unknown_account');
      expectProblem(
        await bothWays(m, post, { legs: [leg('a', 'b', 1)], if: { a: { version: 77 } } }),
        422,
        'version_conflict',
      );
    });

    it('of an action answers as the real thing then does', async () => {
      const m = await world.merchant();
      await m.fund('a', 100);
      const { id } = await m.hold([leg('a', 'b', 60)]);
      const act = (action: string, body: object) => bothWays(m, `/v1/transactions/${id}/${action}`, body);
      expect((await act('capture', { amount: 10 })).body.parent_state.status).toBe('partially_captured');
      expect((await act('increment', { amount: 5 })).status).toBe(201);
      expect((await act('void', { amount: 5 })).status).toBe(201);
      expectProblem(await act('increment', { amount: 500 }), 422, 'insufficient_funds');
      expectProblem(await act('capture', { amount: 51 }), 422, 'amount_exceeds_remaining');
      expect((await act('capture', { amount: 20, final: true })).body.parent_state.status).toBe('captured');
      expect((await act('reverse', { amount: 3 })).status).toBe(201);
      expectProblem(await act('reverse', { amount: 28 }), 422, 'amount_exceeds_reversible');
      expectProblem(await act('capture', {}), 422, 'transaction_closed');
    });

    it('of an atomic batch answers as the real thing then does', async () => {
      const m = await world.merchant();
      const transactions = [
        { legs: [leg('external/x', 'a', 100)], open_accounts: true },
        { legs: [leg('a', 'b', 60)], open_accounts: true, pending: true },
      ];
      const path = '/v1/transactions/batch';
      expect((await bothWays(m, path, { atomic: true, transactions })).status).toBe(201);
      const worse = [...transactions, { legs: [leg('a', 'b', 50)] }, { legs: [leg('a', 'b', 50)] }];
      expectProblem(
        await bothWays(m, path, { atomic: true, transactions: worse }),
        422,
        'insufficient_funds',
        '/transactions/3/legs/0/debit',
      );
    });

    it('takes no key, leaves none, and raises neither sequence nor version', async () => {
      const m = await world.merchant();
      const body = { legs: [leg('external/x', 'a', 100)], open_accounts: true };
      expectProblem(await m.post('/v1/transactions', { ...body, dry_run: true }), 400, 'key_not_allowed');
      const dry = await m.post('/v1/transactions', { ...body, dry_run: true }, { key: null });
      expect([dry.status, dry.body.sequence]).toEqual([200, 3]);
      expectProblem(await m.get(accountPath('a')), 404, 'unknown_account');
      expect((await m.post('/v1/transactions', body)).body.sequence).toBe(3);
      expectProblem(
        await m.post('/v1/transactions', { ...body, dry_run: 'yes' }, { key: null }),
        400,
        'invalid_field',
        '/dry_run',
      );
    });
  });
}
