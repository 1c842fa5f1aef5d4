/** Recorded and effective times, and balances of the past. */
import { describe, expect, it } from 'vitest';
import { accountPath, expectProblem, leg } from '../support/merchant.js';
import type { World } from '../support/world.js';

const at = (time: string): string => `?at=${encodeURIComponent(time)}`;
const asOf = (time: string): string => `?as_of=${encodeURIComponent(time)}`;
const plus = (time: string, micros: number): string => {
  const [whole = '', fraction = ''] = time.slice(0, -1).split('.');
  const total = Number(fraction) + micros;
  const seconds = Math.floor(total / 1_000_000);
  const date = new Date(Date.parse(`${whole}Z`) + seconds * 1000).toISOString().slice(0, 19);
  return `${date}.${String(total - seconds * 1_000_000).padStart(6, '0')}Z`;
};

export function timePromises(world: World): void {
  describe('effective_at', () => {
    it('stands beside the recorded time, unbounded into the past, in any offset', async () => {
      const m = await world.merchant();
      const sent = ['1993-01-01T00:00:00Z', '2001-02-03T04:05:06.7+02:00', '2020-02-29t23:59:59.123456z'];
      const shown = ['1993-01-01T00:00:00.000000Z', '2001-02-03T02:05:06.700000Z', '2020-02-29T23:59:59.123456Z'];
      for (const [i, effective_at] of sent.entries()) {
        const { body } = await m.transfer('external/x', 'a', 1, { effective_at });
        expect(body.effective_at).toBe(shown[i]);
        expect(Math.abs(Date.parse(body.created_at) - Date.now())).toBeLessThan(5_000);
      }
    });

    it('is never in the future', async () => {
      const m = await world.merchant();
      const effective_at = new Date(Date.now() + 60_000).toISOString();
      expectProblem(
        await m.transfer('external/x', 'a', 1, { effective_at }),
        422,
        'effective_at_out_of_range',
        '/effective_at',
      );
      expectProblem(await m.get(accountPath('a')), 404, 'unknown_account');
    });

    it.each([
      'yesterday',
      '2020-01-01',
      '2020-01-01T00:00:00',
      '2020-13-01T00:00:00Z',
      '2021-02-29T00:00:00Z',
      '2020-01-01T00:00:00.1234567Z',
      '2020-01-01T00:00:60Z',
      1577836800,
    ])('refuses %s', async (effective_at) => {
      const m = await world.merchant();
      expectProblem(await m.transfer('external/x', 'a', 1, { effective_at }), 400, 'invalid_field', '/effective_at');
    });
  });

  describe('a balance of the past', () => {
    it('by recorded time is the state after all records up to then, and is the same for ever', async () => {
      const m = await world.merchant();
      const first = (await m.transfer('external/x', 'a', 100)).body;
      const held = await m.hold([leg('a', 'b', 30)]);
      const third = (await m.transfer('external/x', 'a', 7, { effective_at: '2000-01-01T00:00:00Z' })).body;
      const views: string[] = [];
      for (const time of [first.created_at, held.created_at, third.created_at]) {
        views.push((await m.read(accountPath('a') + at(time))).text);
      }
      const [one, two, three] = views.map((text) => JSON.parse(text));
      expect(one).toMatchObject({
        version: 1,
        sequence: first.sequence,
        balances: { posted: 100, pending_out: 0, available: 100 },
      });
      expect(two).toMatchObject({
        version: 2,
        sequence: held.sequence,
        balances: { posted: 100, pending_out: 30, available: 70 },
      });
      expect(three).toMatchObject({ version: 3, balances: { posted: 107, available: 77 } });
      expect(three).toEqual({ ...(await m.account('a')), sequence: three.sequence });
      await m.transfer('external/x', 'a', 1, { effective_at: '1999-01-01T00:00:00Z' });
      await m.patch(accountPath('a'), { min_balance: -5 });
      for (const [i, time] of [first.created_at, held.created_at, third.created_at].entries()) {
        expect((await m.read(accountPath('a') + at(time))).text).toBe(views[i]);
      }
      expectProblem(await m.get(accountPath('a') + at(plus(first.created_at, -1_000_000))), 404, 'unknown_account');
      expectProblem(
        await m.get(accountPath('a') + at(new Date(Date.now() + 60_000).toISOString())),
        400,
        'time_in_future',
      );
    });

    it('shows the settings of then', async () => {
      const m = await world.merchant();
      await m.open('a', { min_balance: -5, metadata: { v: 1 } });
      const before = (await m.transfer('external/x', 'z', 1)).body.created_at;
      await m.patch(accountPath('a'), { min_balance: null, metadata: { v: 2 } });
      expect(await m.body(accountPath('a') + at(before))).toMatchObject({
        min_balance: -5,
        metadata: { v: 1 },
        config_version: 1,
        version: 0,
      });
      expect(await m.account('a')).toMatchObject({
        min_balance: null,
        metadata: { v: 2 },
        config_version: 2,
        version: 0,
      });
    });

    it('by effective time counts what was posted only, says as of which sequence, and back-dating changes it', async () => {
      const m = await world.merchant();
      const days = ['2020-01-01T00:00:00Z', '2020-01-02T00:00:00Z', '2020-01-03T00:00:00Z'];
      for (const [i, effective_at] of days.entries()) await m.transfer('external/x', 'a', 10 ** i, { effective_at });
      await m.hold([leg('a', 'b', 5)]);
      const posted = async (time: string) => {
        const { balances, sequence, as_of } = await m.body(accountPath('a') + asOf(time));
        expect(as_of).toBe(time.replace('Z', '.000000Z'));
        return { balances, sequence };
      };
      expect(await posted('2019-12-31T23:59:59Z')).toEqual({ balances: { posted: 0 }, sequence: 7 });
      expect(await posted('2020-01-01T00:00:00Z')).toEqual({ balances: { posted: 1 }, sequence: 7 });
      expect(await posted('2020-01-02T12:00:00Z')).toEqual({ balances: { posted: 11 }, sequence: 7 });
      expect(await posted('2021-01-01T00:00:00Z')).toEqual({ balances: { posted: 111 }, sequence: 7 });
      await m.transfer('external/x', 'a', 1000, { effective_at: '2020-01-01T12:00:00Z' });
      expect(await posted('2020-01-02T12:00:00Z')).toEqual({ balances: { posted: 1011 }, sequence: 8 });
      expect(await posted('2020-01-01T00:00:00Z')).toEqual({ balances: { posted: 1 }, sequence: 8 });
      expectProblem(
        await m.get(accountPath('a') + asOf(new Date(Date.now() + 60_000).toISOString())),
        400,
        'time_in_future',
      );
    });

    it.each([
      '?at=2020-01-01T00:00:00Z&as_of=2020-01-01T00:00:00Z',
      '?at=now',
      '?at=2020-01-01T00:00:00Z&at=2020-01-01T00:00:00Z',
      '?on=x',
      '?at=%ff',
    ])('is not asked for by %s', async (query) => {
      const m = await world.merchant();
      expectProblem(await m.get(accountPath('a') + query), 400, 'invalid_query');
    });
  });
}
