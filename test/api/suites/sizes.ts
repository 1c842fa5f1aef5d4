/** The largest that a batch may be. One after the other, since each keeps the whole engine busy for a while. */
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { BATCH_PATH, ITEMS_MAX, item, outcomes, send, sendAtomic } from '../support/batch.js';
import { expectProblem, freshKey, leg } from '../support/merchant.js';
import type { World } from '../support/world.js';

const packr = new Packr({ useRecords: false });

export function sizePromises(world: World): void {
  describe('a batch', () => {
    it('of independent items takes 8,192 and refuses 8,193', async () => {
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
      const packed = (transactions: readonly unknown[]) =>
        m.bytes('POST', BATCH_PATH, packr.pack({ transactions }), { 'Content-Type': 'application/msgpack' });
      expect((await packed(items)).body.data).toHaveLength(ITEMS_MAX);
      const refused = await packed([...items, item('external/x', 'a/0', 1)]);
      expectProblem(refused, 400, 'invalid_field', '/transactions');
      expect(await m.posted('external/x')).toBe(-ITEMS_MAX);
    });

    it('that is atomic takes 8,192 items and refuses 8,193', async () => {
      const m = await world.merchant();
      const items = Array.from({ length: ITEMS_MAX }, (_, i) => item('external/x', `a/${i % 100}`, 1));
      const key = freshKey();
      const answer = await sendAtomic(m, items, key);
      expect(answer.status, answer.text.slice(0, 500)).toBe(201);
      expect(answer.body.data).toHaveLength(ITEMS_MAX);
      expect(await m.account('external/x')).toMatchObject({ version: ITEMS_MAX, balances: { posted: -ITEMS_MAX } });
      const replay = await sendAtomic(m, items, key);
      expect([replay.status, replay.text === answer.text]).toEqual([201, true]);
      expectProblem(
        await sendAtomic(m, [...items, item('external/x', 'a/0', 1)]),
        400,
        'invalid_field',
        '/transactions',
      );
    });

    it('that is atomic and of nearly 8 MiB, with 64 legs an item, is one unit all the same', async () => {
      const m = await world.merchant();
      const legs = Array.from({ length: 64 }, (_, i) => leg('external/x', `account/of/some/length/${i}`, 1));
      const items = Array.from({ length: 1400 }, () => ({ legs, open_accounts: true }));
      const answer = await sendAtomic(m, items);
      expect(answer.status, answer.text.slice(0, 500)).toBe(201);
      expect(answer.body.data[1399].sequence - answer.body.data[0].sequence).toBe(1399);
      expect(await m.posted('external/x')).toBe(-1400 * 64);
      const worse = await sendAtomic(m, [
        ...items.slice(0, 1399),
        { legs: [leg('account/of/some/length/5', 'external/x', 2800)] },
      ]);
      expectProblem(worse, 422, 'insufficient_funds', '/transactions/1399/legs/0/debit');
      expect(await m.posted('external/x')).toBe(-1400 * 64);
    });

    it('of accounts takes 8,192 and refuses 8,193', async () => {
      const m = await world.merchant();
      const accounts = Array.from({ length: 8192 }, (_, i) => ({ name: `customer/${i}`, currency: 'EUR' }));
      const answer = await m.post('/v1/accounts/batch', { accounts });
      expect([answer.status, answer.body.data?.length], answer.text.slice(0, 500)).toEqual([201, 8192]);
      expect((await m.account('customer/8191')).currency).toBe('EUR');
      expectProblem(
        await m.post('/v1/accounts/batch', { accounts: [...accounts, { name: 'x', currency: 'EUR' }] }),
        400,
        'invalid_field',
        '/accounts',
      );
    });
  });
}
