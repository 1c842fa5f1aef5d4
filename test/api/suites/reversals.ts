/** Reversals: whole, in part, many, never beyond what was posted; force. */
import { describe, expect, it } from 'vitest';
import { accountPath, expectProblem, leg } from '../support/merchant.js';
import type { World } from '../support/world.js';

export function reversalPromises(world: World): void {
  describe('a reversal', () => {
    it('turns the legs round, the whole at once', async () => {
      const m = await world.merchant();
      await m.fund('customer', 100);
      const legs = [leg('customer', 'shop', 60), leg('customer', 'fees', 40)];
      const { id } = await m.must('/v1/transactions', { legs, open_accounts: true });
      const { status, body } = await m.act(id, 'reverse', { reference: 'refund-1' });
      expect(status).toBe(201);
      expect(body).toMatchObject({
        kind: 'reversal',
        parent: id,
        status: 'posted',
        reference: 'refund-1',
        legs: [
          { leg: 0, ...leg('shop', 'customer', 60) },
          { leg: 1, ...leg('fees', 'customer', 40) },
        ],
        parent_state: { status: 'posted', reversed: 100 },
      });
      expect(await m.posted('customer')).toBe(100);
      expect(await m.body(`/v1/transactions/${id}`)).toMatchObject({
        status: 'posted',
        reversed: 100,
        legs: [{ reversed: 60 }, { reversed: 40 }],
      });
      expectProblem(await m.act(id, 'reverse'), 422, 'nothing_to_reverse');
      expectProblem(await m.act(body.id, 'reverse'), 422, 'not_actionable');
    });

    it('may come in many parts, bounded leg by leg by what was posted', async () => {
      const m = await world.merchant();
      await m.fund('customer', 100);
      const one = (await m.transfer('customer', 'shop', 100)).body.id;
      for (const [amount, reversed] of [
        [10, 10],
        [25, 35],
        [65, 100],
      ] as const) {
        if (amount === 65)
          expectProblem(await m.act(one, 'reverse', { amount: 66 }), 422, 'amount_exceeds_reversible', '/amount');
        expect((await m.act(one, 'reverse', { amount })).body.parent_state.reversed).toBe(reversed);
      }
      const legs = [leg('customer', 'shop', 60), leg('customer', 'fees', 40)];
      const two = (await m.must('/v1/transactions', { legs, open_accounts: true })).id;
      expectProblem(await m.act(two, 'reverse', { amount: 5 }), 422, 'invalid_leg', '/amount');
      const beyond = await m.act(two, 'reverse', {
        legs: [
          { leg: 0, amount: 5 },
          { leg: 1, amount: 41 },
        ],
      });
      expectProblem(beyond, 422, 'amount_exceeds_reversible', '/legs/1/amount');
      expect(beyond.body).toMatchObject({ reversible: 40, parent_state: { reversed: 0 } });
      await m.act(two, 'reverse', { legs: [{ leg: 1, amount: 40 }] });
      expect((await m.act(two, 'reverse')).body).toMatchObject({
        legs: [{ leg: 0, amount: 60 }],
        parent_state: { reversed: 100 },
      });
    });

    it('of a hold is bounded by what was captured, at once and after the rest is gone', async () => {
      const m = await world.merchant();
      await m.fund('customer', 100);
      const { id } = await m.hold([leg('customer', 'shop', 100)]);
      await m.act(id, 'capture', { amount: 30 });
      expectProblem(await m.act(id, 'reverse', { amount: 31 }), 422, 'amount_exceeds_reversible');
      const early = await m.act(id, 'reverse', { amount: 10 });
      expect(early.body.parent_state).toEqual({
        status: 'partially_captured',
        captured: 30,
        remaining: 70,
        released: 0,
        reversed: 10,
      });
      await m.act(id, 'capture', { amount: 20, final: true });
      const rest = await m.act(id, 'reverse');
      // Shown by `reversed`, not by the status.
      expect(rest.body.parent_state).toEqual({
        status: 'captured',
        captured: 50,
        remaining: 0,
        released: 50,
        reversed: 50,
      });
      expect([await m.posted('customer'), await m.posted('shop')]).toEqual([100, 0]);
    });

    it('is judged by limits unless forced, which needs the scope', async () => {
      const m = await world.merchant({ force: true });
      const plain = await world.merchant({ id: m.merchantId });
      await m.fund('customer', 100);
      const { id } = (await m.transfer('customer', 'shop', 100)).body;
      await m.transfer('shop', 'external/payout', 80);
      const refused = await m.act(id, 'reverse');
      expectProblem(refused, 422, 'insufficient_funds');
      expect(refused.body).toMatchObject({ account: 'shop', available: 20, parent_state: { reversed: 0 } });
      expectProblem(await plain.act(id, 'reverse', { force: true }), 403, 'forbidden', '/force');
      expect((await plain.act(id, 'reverse', { amount: 20, force: false })).status).toBe(201);
      const forced = await m.act(id, 'reverse', { force: true });
      expect(forced.status, forced.text).toBe(201);
      expect(await m.balances('shop')).toEqual({ posted: -80, pending_in: 0, pending_out: 0, available: -80 });
    });

    it('by force skips neither closed accounts nor the bounds', async () => {
      const m = await world.merchant({ force: true });
      await m.fund('customer', 100);
      const { id } = (await m.transfer('customer', 'shop', 100)).body;
      await m.transfer('shop', 'external/payout', 100);
      expectProblem(await m.act(id, 'reverse', { amount: 101, force: true }), 422, 'amount_exceeds_reversible');
      expect((await m.post(`${accountPath('shop')}/close`, undefined)).status).toBe(200);
      const refused = await m.act(id, 'reverse', { force: true });
      expectProblem(refused, 422, 'account_closed');
      expect(refused.body.account).toBe('shop');
    });

    it('is the only thing that takes force', async () => {
      const m = await world.merchant({ force: true });
      const { id } = await m.hold([leg('external/x', 'shop', 100)]);
      expectProblem(await m.transfer('external/x', 'shop', 1, { force: true }), 400, 'unknown_field', '/force');
      for (const action of ['capture', 'void', 'increment'] as const) {
        expectProblem(await m.act(id, action, { amount: 1, force: true }), 400, 'unknown_field', '/force');
      }
    });
  });
}
