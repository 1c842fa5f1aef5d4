/** Two phases: pending, capture, void, increment, expiry. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { accountPath, expectProblem, leg, type Merchant } from '../support/merchant.js';
import type { World } from '../support/world.js';

const state = (status: string, captured: number, remaining: number, released: number, reversed = 0) => ({
  status,
  captured,
  remaining,
  released,
  reversed,
});

/** 100 EUR cents of customer's money held for a shop. */
async function hundredHeld(m: Merchant, more: object = {}) {
  await m.fund('customer', 100);
  return m.hold([leg('customer', 'shop', 100)], more);
}

export function holdPromises(world: World): void {
  describe('a pending transaction', () => {
    it('holds the money on both sides until something happens to it', async () => {
      const m = await world.merchant();
      const before = Date.now();
      const held = await hundredHeld(m, { expires_in: 3600 });
      expect(held).toMatchObject({ kind: 'transaction', ...state('pending', 0, 100, 0) });
      expect(Date.parse(held.expires_at) - Date.parse(held.created_at)).toBe(3_600_000);
      expect(Date.parse(held.created_at)).toBeGreaterThan(before - 5_000);
      expect(await m.balances('customer')).toEqual({ posted: 100, pending_in: 0, pending_out: 100, available: 0 });
      expect(await m.balances('shop')).toEqual({ posted: 0, pending_in: 100, pending_out: 0, available: 0 });
      expect(await m.body(`/v1/transactions/${held.id}`)).toMatchObject({
        ...state('pending', 0, 100, 0),
        legs: [{ amount: 100, remaining: 100 }],
      });
    });

    it('lives 7 days where it does not say, and 1 s to 365 d where it does', async () => {
      const m = await world.merchant();
      const days = ({ created_at, expires_at }: { created_at: string; expires_at: string }) =>
        (Date.parse(expires_at) - Date.parse(created_at)) / 86_400_000;
      expect(days(await hundredHeld(m))).toBe(7);
      expect(days(await m.hold([leg('external/x', 'shop', 1)], { expires_in: 365 * 86_400 }))).toBe(365);
      for (const expires_in of [0, -1, 365 * 86_400 + 1, '60', 1.5, null]) {
        const answer = await m.transfer('external/x', 'shop', 1, { pending: true, expires_in });
        expectProblem(answer, 400, 'invalid_field', '/expires_in');
      }
      expectProblem(await m.transfer('external/x', 'shop', 1, { expires_in: 60 }), 400, 'invalid_field', '/expires_in');
    });
  });

  describe('a capture', () => {
    it('of all posts the whole', async () => {
      const m = await world.merchant();
      const held = await hundredHeld(m);
      const { status, body } = await m.act(held.id, 'capture');
      expect(status).toBe(201);
      expect(body).toMatchObject({
        kind: 'capture',
        parent: held.id,
        status: 'posted',
        legs: [{ leg: 0, ...leg('customer', 'shop', 100) }],
        parent_state: state('captured', 100, 0, 0),
        sequence: held.sequence + 1,
      });
      expect(body.id).not.toBe(held.id);
      expect(await m.body(`/v1/transactions/${held.id}`)).toMatchObject(state('captured', 100, 0, 0));
      expect(await m.body(`/v1/transactions/${body.id}`)).toEqual(body);
      expect(await m.balances('customer')).toEqual({ posted: 0, pending_in: 0, pending_out: 0, available: 0 });
      expect(await m.balances('shop')).toEqual({ posted: 100, pending_in: 0, pending_out: 0, available: 100 });
    });

    it('may come in parts up to what is held, the last releasing the rest with final', async () => {
      const m = await world.merchant();
      const { id } = await hundredHeld(m);
      expect((await m.act(id, 'capture', { amount: 30 })).body.parent_state).toEqual(
        state('partially_captured', 30, 70, 0),
      );
      expect((await m.act(id, 'capture', { amount: '20' })).body.parent_state).toEqual(
        state('partially_captured', 50, 50, 0),
      );
      const beyond = await m.act(id, 'capture', { amount: 51 });
      expectProblem(beyond, 422, 'amount_exceeds_remaining', '/amount');
      expect(beyond.body).toMatchObject({
        remaining: 50,
        parent_state: state('partially_captured', 50, 50, 0),
        final: true,
      });
      const last = await m.act(id, 'capture', { amount: 10, final: true });
      expect(last.body).toMatchObject({
        legs: [{ amount: 10, released: 40 }],
        parent_state: state('captured', 60, 0, 40),
      });
      expect(await m.balances('customer')).toEqual({ posted: 40, pending_in: 0, pending_out: 0, available: 40 });
      expect(await m.posted('shop')).toBe(60);
    });

    it('is by leg where the transaction has several, and final releases all of the others', async () => {
      const m = await world.merchant();
      await m.fund('customer', 100);
      const held = await m.hold([leg('customer', 'shop', 60), leg('customer', 'fees', 40)]);
      expectProblem(await m.act(held.id, 'capture', { amount: 10 }), 422, 'invalid_leg', '/amount');
      const one = await m.act(held.id, 'capture', { legs: [{ leg: 1, amount: 15 }] });
      expect(one.body).toMatchObject({
        legs: [{ leg: 1, credit: 'fees', amount: 15 }],
        parent_state: state('partially_captured', 15, 85, 0),
      });
      expectProblem(
        await m.act(held.id, 'capture', {
          legs: [
            { leg: 0, amount: 60 },
            { leg: 1, amount: 26 },
          ],
        }),
        422,
        'amount_exceeds_remaining',
        '/legs/1/amount',
      );
      expectProblem(await m.act(held.id, 'capture', { legs: [{ leg: 2, amount: 1 }] }), 422, 'invalid_leg');
      const last = await m.act(held.id, 'capture', { legs: [{ leg: 0, amount: 50 }], final: true });
      expect(last.body.parent_state).toEqual(state('captured', 65, 0, 35));
      expect((await m.body(`/v1/transactions/${held.id}`)).legs).toMatchObject([
        { captured: 50, remaining: 0, released: 10 },
        { captured: 15, remaining: 0, released: 25 },
      ]);
      expect([await m.posted('shop'), await m.posted('fees'), await m.posted('customer')]).toEqual([50, 15, 35]);
    });

    it('of a transaction in several currencies shows its sums by currency', async () => {
      const m = await world.merchant();
      const held = await m.hold([leg('external/e', 'we', 60, 'EUR'), leg('external/u', 'wu', 40, 'USD')]);
      expect(held.remaining).toEqual({ EUR: 60, USD: 40 });
      const { body } = await m.act(held.id, 'capture', { legs: [{ leg: 0, amount: 60 }] });
      expect(body.parent_state).toEqual({
        status: 'partially_captured',
        captured: { EUR: 60, USD: 0 },
        remaining: { EUR: 0, USD: 40 },
        released: { EUR: 0, USD: 0 },
        reversed: { EUR: 0, USD: 0 },
      });
    });

    it('within its hold is judged by no limit', async () => {
      const m = await world.merchant();
      await m.open('shop', { max_balance: 100 });
      const { id } = await hundredHeld(m);
      await m.patch(accountPath('shop'), { max_balance: 1 });
      await m.patch(accountPath('customer'), { min_balance: 5000 });
      expectProblem(await m.post(`${accountPath('shop')}/close`, undefined), 422, 'account_not_empty');
      expect((await m.act(id, 'capture')).status).toBe(201);
    });

    it.each([
      ['a zero', { amount: 0 }, 'invalid_field', '/amount'],
      ['amount and legs', { amount: 1, legs: [{ leg: 0, amount: 1 }] }, 'invalid_field', '/legs'],
      [
        'a leg twice',
        {
          legs: [
            { leg: 0, amount: 1 },
            { leg: 0, amount: 1 },
          ],
        },
        'invalid_field',
        '/legs/1/leg',
      ],
      ['no legs', { legs: [] }, 'invalid_field', '/legs'],
      ['a leg without amount', { legs: [{ leg: 0 }] }, 'missing_field', '/legs/0/amount'],
      ['force', { force: true }, 'unknown_field', '/force'],
      ['a text as final', { final: 'true' }, 'invalid_field', '/final'],
      ['an array', [], 'invalid_field', ''],
    ])('refuses %s', async (_name, body, code, param) => {
      const m = await world.merchant();
      const { id } = await hundredHeld(m);
      expectProblem(await m.act(id, 'capture', body), 400, code, param);
      expect(await m.body(`/v1/transactions/${id}`)).toMatchObject(state('pending', 0, 100, 0));
    });
  });

  describe('a void', () => {
    it('releases all, or a part that leaves it pending', async () => {
      const m = await world.merchant();
      const { id } = await hundredHeld(m);
      expect((await m.act(id, 'void', { amount: 30 })).body).toMatchObject({
        kind: 'void',
        parent: id,
        status: 'posted',
        parent_state: state('pending', 0, 70, 30),
      });
      expect(await m.balances('customer')).toEqual({ posted: 100, pending_in: 0, pending_out: 70, available: 30 });
      expectProblem(await m.act(id, 'void', { amount: 71 }), 422, 'amount_exceeds_remaining', '/amount');
      expect((await m.act(id, 'void')).body.parent_state).toEqual(state('voided', 0, 0, 100));
      expect(await m.balances('shop')).toEqual({ posted: 0, pending_in: 0, pending_out: 0, available: 0 });
    });

    it('by leg leaves the others held; of the rest after a capture it is captured', async () => {
      const m = await world.merchant();
      await m.fund('customer', 100);
      const { id } = await m.hold([leg('customer', 'shop', 60), leg('customer', 'fees', 40)]);
      expect((await m.act(id, 'void', { legs: [{ leg: 1, amount: 40 }] })).body.parent_state).toEqual(
        state('pending', 0, 60, 40),
      );
      expect((await m.act(id, 'capture', { legs: [{ leg: 0, amount: 10 }] })).body.parent_state).toEqual(
        state('partially_captured', 10, 50, 40),
      );
      expect((await m.act(id, 'void')).body.parent_state).toEqual(state('captured', 10, 0, 90));
      expectProblem(await m.act(id, 'void', { final: true }), 400, 'unknown_field', '/final');
    });
  });

  describe('an increment', () => {
    it('holds more, judged like a new hold', async () => {
      const m = await world.merchant();
      await m.fund('customer', 50);
      const { id } = await hundredHeld(m);
      expect((await m.act(id, 'increment', { amount: 30 })).body).toMatchObject({
        kind: 'increment',
        parent_state: state('pending', 0, 130, 0),
      });
      const refused = await m.act(id, 'increment', { amount: 21 });
      expectProblem(refused, 422, 'insufficient_funds');
      expect(refused.body).toMatchObject({
        account: 'customer',
        available: 20,
        parent_state: state('pending', 0, 130, 0),
      });
      expect((await m.act(id, 'increment', { legs: [{ leg: 0, amount: 20 }] })).status).toBe(201);
      expect((await m.act(id, 'capture')).body).toMatchObject({
        legs: [{ amount: 150 }],
        parent_state: state('captured', 150, 0, 0),
      });
      expectProblem(await m.act(id, 'increment', {}), 400, 'missing_field', '/amount');
      expectProblem(await m.act(id, 'increment'), 400, 'missing_field', '/amount');
    });
  });

  describe('an expiry', () => {
    it('is a record of the log that releases what was not captured', async () => {
      const m = await world.merchant();
      await m.fund('customer', 200);
      const whole = await m.hold([leg('customer', 'shop', 100)], { expires_in: 1 });
      const part = await m.hold([leg('customer', 'shop', 100)], { expires_in: 1 });
      await m.act(part.id, 'capture', { amount: 40 });
      await pause(Math.max(0, Date.parse(part.expires_at) + 5 - Date.now()));
      // From here on no answer may show the holds; nothing needs to be waited for.
      expect(await m.balances('customer')).toEqual({ posted: 160, pending_in: 0, pending_out: 0, available: 160 });
      expect(await m.body(`/v1/transactions/${whole.id}`)).toMatchObject(state('expired', 0, 0, 100));
      expect(await m.body(`/v1/transactions/${part.id}`)).toMatchObject(state('captured', 40, 0, 60));
      const late = await m.act(whole.id, 'capture');
      expectProblem(late, 422, 'transaction_closed');
      expect(late.body.parent_state).toEqual(state('expired', 0, 0, 100));
      expectProblem(await m.act(whole.id, 'increment', { amount: 1 }), 422, 'transaction_closed');
      const expiries = (await m.list('/v1/transactions')).filter(({ kind }) => kind === 'expiry');
      expect(expiries.map(({ parent, parent_state }) => [parent, parent_state.status])).toEqual([
        [part.id, 'captured'],
        [whole.id, 'expired'],
      ]);
      expectProblem(await m.act(expiries[0].id, 'reverse'), 422, 'not_actionable');
    });

    it('frees its money for a command that comes at that time', async () => {
      const m = await world.merchant();
      const { expires_at } = await hundredHeld(m, { expires_in: 1 });
      expectProblem(await m.transfer('customer', 'b', 100), 422, 'insufficient_funds');
      await pause(Math.max(0, Date.parse(expires_at) + 2 - Date.now()));
      const spent = await m.transfer('customer', 'b', 100);
      expect(spent.status, spent.text).toBe(201);
      expect(spent.body.created_at >= expires_at).toBe(true);
    });

    it('does not come for what was finished before', async () => {
      const m = await world.merchant();
      await m.fund('customer', 300);
      const captured = await m.hold([leg('customer', 'shop', 100)], { expires_in: 1 });
      const voided = await m.hold([leg('customer', 'shop', 100)], { expires_in: 1 });
      await m.act(captured.id, 'capture');
      const last = await m.act(voided.id, 'void');
      await pause(Math.max(0, Date.parse(voided.expires_at) + 50 - Date.now()));
      expect((await m.transfer('external/x', 'customer', 1)).body.sequence).toBeLessThanOrEqual(last.body.sequence + 2);
      expect((await m.body(`/v1/transactions/${captured.id}`)).status).toBe('captured');
      expect((await m.body(`/v1/transactions/${voided.id}`)).status).toBe('voided');
    });
  });

  describe('a conflict of states', () => {
    it('is refused with the state in the answer', async () => {
      const m = await world.merchant();
      await m.fund('customer', 1000);
      const hold = () => m.hold([leg('customer', 'shop', 100)]);
      const captured = (await hold()).id;
      const capture = (await m.act(captured, 'capture')).body;
      for (const [action, body] of [
        ['capture', {}],
        ['capture', { amount: 1 }],
        ['void', {}],
        ['increment', { amount: 1 }],
      ] as const) {
        const answer = await m.act(captured, action, body);
        expectProblem(answer, 422, 'transaction_closed');
        expect(answer.body.parent_state).toEqual(state('captured', 100, 0, 0));
      }
      const voided = (await hold()).id;
      await m.act(voided, 'void');
      for (const [action, body] of [
        ['capture', {}],
        ['void', {}],
        ['increment', { amount: 1 }],
      ] as const) {
        const answer = await m.act(voided, action, body);
        expectProblem(answer, 422, 'transaction_closed');
        expect(answer.body.parent_state).toEqual(state('voided', 0, 0, 100));
      }
      expectProblem(await m.act(voided, 'reverse'), 422, 'nothing_to_reverse');
      expectProblem(await m.act((await hold()).id, 'reverse'), 422, 'nothing_to_reverse');
      const posted = (await m.transfer('customer', 'shop', 1)).body.id;
      for (const [action, body] of [
        ['capture', {}],
        ['void', {}],
        ['increment', { amount: 1 }],
      ] as const) {
        const answer = await m.act(posted, action, body);
        expectProblem(answer, 422, 'transaction_not_pending');
        expect(answer.body.parent_state.status).toBe('posted');
      }
      for (const [action, body] of [
        ['capture', {}],
        ['void', {}],
        ['increment', { amount: 1 }],
        ['reverse', {}],
      ] as const) {
        expectProblem(await m.act(capture.id, action, body), 422, 'not_actionable');
      }
      for (const id of ['txn_unknown', `${captured}x`, captured.slice(0, -1), 'x', '%00']) {
        expectProblem(await m.act(id, 'capture'), 404, 'unknown_transaction');
        expectProblem(await m.get(`/v1/transactions/${id}`), 404, 'unknown_transaction');
      }
    });

    it('an increment on a closed account is refused', async () => {
      const m = await world.merchant();
      const { id } = await m.hold([leg('external/x', 'shop', 5)]);
      // Closing needs no holds, so an open hold keeps its accounts open.
      expectProblem(await m.post(`${accountPath('external/x')}/close`, undefined), 422, 'account_not_empty');
      expect((await m.act(id, 'increment', { amount: 1 })).status).toBe(201);
    });
  });
}
