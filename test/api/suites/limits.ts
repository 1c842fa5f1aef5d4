/** Limits and conditions: judged on the end state of the whole transaction, holds counted. */
import { describe, expect, it } from 'vitest';
import { accountPath, expectProblem, leg } from '../support/merchant.js';
import type { World } from '../support/world.js';

export function limitPromises(world: World): void {
  describe('min_balance', () => {
    it('counts money that is held, and never money on its way in', async () => {
      const m = await world.merchant();
      await m.fund('a', 100);
      await m.hold([leg('a', 'b', 60)]);
      expect(await m.balances('a')).toEqual({ posted: 100, pending_in: 0, pending_out: 60, available: 40 });
      const refused = await m.transfer('a', 'c', 41);
      expectProblem(refused, 422, 'insufficient_funds', '/legs/0/debit');
      expect(refused.body).toMatchObject({ account: 'a', available: 40, min_balance: 0, final: true, outcome: 'none' });
      expectProblem(await m.transfer('b', 'c', 1), 422, 'insufficient_funds');
      expect((await m.transfer('a', 'c', 40)).status).toBe(201);
    });

    it('is judged on the end state, not between legs, and names the leg that breaks it', async () => {
      const m = await world.merchant();
      const legs = [leg('shop', 'customer', 50), leg('external/x', 'shop', 50)];
      expect((await m.post('/v1/transactions', { legs, open_accounts: true })).status).toBe(201);
      expect(await m.posted('shop')).toBe(0);
      const worse = [leg('external/x', 'shop', 50), leg('shop', 'customer', 51)];
      expectProblem(await m.post('/v1/transactions', { legs: worse }), 422, 'insufficient_funds', '/legs/1/debit');
      // Of a hold, what comes in is not there yet.
      expectProblem(
        await m.post('/v1/transactions', { legs, pending: true }),
        422,
        'insufficient_funds',
        '/legs/0/debit',
      );
    });

    it('never refuses a deposit into an overdrawn account, nor a limit that the present state breaks', async () => {
      const m = await world.merchant();
      await m.open('a', { min_balance: -100 });
      expect((await m.transfer('a', 'b', 80)).status).toBe(201);
      const patched = await m.patch(accountPath('a'), { min_balance: 0 });
      expect([patched.status, patched.body.min_balance]).toEqual([200, 0]);
      expectProblem(await m.transfer('a', 'b', 1), 422, 'insufficient_funds');
      expect((await m.transfer('external/x', 'a', 10)).status).toBe(201);
      expect(await m.posted('a')).toBe(-70);
    });

    it('guards the other side of a debit-normal account', async () => {
      const m = await world.merchant();
      await m.open('cash', { normal_balance: 'debit' });
      expectProblem(await m.transfer('external/x', 'cash', 1), 422, 'insufficient_funds', '/legs/0/credit');
      expect((await m.transfer('cash', 'b', 10)).status).toBe(201);
      expect(await m.balances('cash')).toEqual({ posted: 10, pending_in: 0, pending_out: 0, available: 10 });
      await m.hold([leg('b', 'cash', 4)]);
      expect(await m.balances('cash')).toEqual({ posted: 10, pending_in: 0, pending_out: 4, available: 6 });
    });
  });

  describe('max_balance', () => {
    it('counts money on its way in, and judges only what raises it', async () => {
      const m = await world.merchant();
      await m.open('jar', { max_balance: 100 });
      await m.fund('jar', 50);
      await m.hold([leg('external/x', 'jar', 30)]);
      const refused = await m.transfer('external/x', 'jar', 21);
      expectProblem(refused, 422, 'balance_limit_exceeded', '/legs/0/credit');
      expect(refused.body).toMatchObject({ account: 'jar', posted: 50, pending_in: 30, max_balance: 100 });
      expect((await m.transfer('external/x', 'jar', 20)).status).toBe(201);
      await m.patch(accountPath('jar'), { max_balance: 10 });
      expect((await m.transfer('jar', 'b', 5)).status).toBe(201);
      const through = { legs: [leg('external/x', 'jar', 500), leg('jar', 'b', 500)] };
      expect((await m.post('/v1/transactions', through)).status).toBe(201);
      expectProblem(await m.transfer('external/x', 'jar', 1), 422, 'balance_limit_exceeded');
    });

    it('comes after funds where both are broken', async () => {
      const m = await world.merchant();
      await m.open('jar', { max_balance: 10 });
      await m.open('poor');
      const legs = [leg('external/x', 'jar', 11), leg('poor', 'b', 1)];
      expectProblem(
        await m.post('/v1/transactions', { legs, open_accounts: true }),
        422,
        'insufficient_funds',
        '/legs/1/debit',
      );
    });
  });

  describe('conditions', () => {
    it('are checked in the same step, amounts by comparison, versions by equality', async () => {
      const m = await world.merchant();
      await m.fund('a', 100);
      await m.hold([leg('a', 'b', 30)]);
      const passing = {
        a: {
          available: { gte: 70, lte: 70, eq: '70' },
          posted: { gt: 99, lt: 101 },
          pending_out: { eq: 30 },
          pending_in: { eq: 0 },
          version: 2,
          config_version: 1,
        },
        b: { pending_in: { gte: 30 } },
      };
      expect((await m.transfer('a', 'b', 1, { if: passing })).status).toBe(201);
      const failed = await m.transfer('a', 'b', 1, { if: { a: { available: { gte: 70 } } } });
      expectProblem(failed, 422, 'condition_failed', '/if/a/available');
      expect(failed.body).toMatchObject({ account: 'a', available: 69, final: true });
      const stale = await m.transfer('a', 'b', 1, { if: { a: { available: { gte: 1000 }, version: 2 } } });
      expectProblem(stale, 422, 'version_conflict', '/if/a/version');
      expect(stale.body).toMatchObject({ version: 3 });
      expectProblem(
        await m.transfer('a', 'b', 1, { if: { a: { config_version: 2 } } }),
        422,
        'version_conflict',
        '/if/a/config_version',
      );
      expect(await m.posted('a')).toBe(99);
    });

    it('see accounts of no leg, see the state before the transaction, and need accounts that exist', async () => {
      const m = await world.merchant();
      await m.fund('customer/42/wallet', 10);
      const answer = await m.transfer('external/x', 'b', 5, {
        if: { 'customer/42/wallet': { posted: { eq: 10 } }, b: { posted: { eq: 0 }, version: 0 } },
      });
      expect(answer.status, answer.text).toBe(201);
      expectProblem(
        await m.transfer('external/x', 'b', 5, { if: { 'no/one': { posted: { eq: 0 } } } }),
        404,
        'unknown_account',
        '/if/no~1one',
      );
      expectProblem(
        await m.transfer('external/x', 'fresh', 5, { if: { 'customer/42/wallet': { posted: { eq: 11 } } } }),
        422,
        'condition_failed',
        '/if/customer~142~1wallet/posted',
      );
      expectProblem(await m.get(accountPath('fresh')), 404, 'unknown_account');
    });

    it.each([
      ['an empty condition', { a: {} }, 'invalid_field', '/if/a'],
      ['an empty test', { a: { posted: {} } }, 'invalid_field', '/if/a/posted'],
      ['an unknown test', { a: { posted: { ne: 1 } } }, 'unknown_field', '/if/a/posted/ne'],
      ['an unknown property', { a: { balance: { eq: 1 } } }, 'unknown_field', '/if/a/balance'],
      ['a version that is text', { a: { version: '1' } }, 'invalid_field', '/if/a/version'],
      ['an array', [], 'invalid_field', '/if'],
    ])('refuse %s', async (_name, conditions, code, param) => {
      const m = await world.merchant();
      expectProblem(await m.transfer('external/x', 'a', 5, { if: conditions }), 400, code, param);
    });
  });
}
