/** Reads that see writes, and the merchant's own gapless sequence. */
import { describe, expect, it } from 'vitest';
import { accountPath, expectProblem, leg } from '../support/merchant.js';
import type { World } from '../support/world.js';

export function consistencyPromises(world: World): void {
  describe('a read with a Consistency-Token', () => {
    it('is never older than the answer that gave it, at every door', async () => {
      const m = await world.merchant();
      for (let i = 1; i <= 15; i++) {
        const { body } = await m.transfer('external/x', 'a', 1, { reference: `r${i}` });
        const headers = { 'Consistency-Token': m.token };
        const [account, transaction, list, byReference, entries, accounts] = await Promise.all([
          m.get(accountPath('a'), { headers }),
          m.get(`/v1/transactions/${body.id}`, { headers }),
          m.get('/v1/transactions?limit=1', { headers }),
          m.get(`/v1/transactions?reference=r${i}`, { headers }),
          m.get(`${accountPath('a')}/entries?limit=1000`, { headers }),
          m.get('/v1/accounts?prefix=a', { headers }),
        ]);
        expect(account.body.balances.posted).toBe(i);
        expect(transaction.status).toBe(200);
        expect(list.body.data[0].id).toBe(body.id);
        expect(byReference.body.data).toHaveLength(1);
        expect(entries.body.data.at(-1)).toMatchObject({ version: i, transaction: body.id });
        expect(accounts.body.data[0].balances.posted).toBe(i);
      }
    });

    it('stands in every answer, problems included', async () => {
      const m = await world.merchant();
      const answers = [
        await m.fund('a', 1).then(() => m.get(accountPath('a'))),
        await m.get(accountPath('nobody')),
        await m.transfer('a', 'b', 9),
        await m.post('/v1/transactions', '{'),
        await m.get('/v1/transactions?x=1'),
        await m.post('/v1/transactions', {}, { key: null }),
      ];
      for (const { headers } of answers) expect(headers.get('consistency-token')).toMatch(/^c1\.[\w.-]+$/);
    });

    it('that was tampered with, is of another merchant or environment, or of nobody, is refused at once', async () => {
      const m = await world.merchant();
      const other = await world.merchant();
      const live = await world.merchant({ id: m.merchantId, environment: 'live' });
      for (const one of [m, other, live]) await one.fund('a', 1);
      const token = m.token;
      const at = (index: number): string =>
        token.slice(0, index) + (token[index] === 'A' ? 'B' : 'A') + token.slice(index + 1);
      const bad = [
        at(4),
        at(token.length >> 1),
        at(token.length - 2),
        token.slice(0, -1),
        `${token}A`,
        token.replace('c1.', 'c2.'),
        'c1.',
        'x',
        other.token,
        live.token,
      ];
      for (const path of [
        accountPath('a'),
        '/v1/transactions',
        '/v1/accounts',
        `${accountPath('a')}/entries`,
        `${accountPath('a')}?at=2020-01-01T00:00:00Z`,
      ]) {
        for (const value of bad)
          expectProblem(await m.get(path, { headers: { 'Consistency-Token': value } }), 400, 'invalid_token');
      }
    });
  });

  describe('the sequence', () => {
    it('is 1, 2, 3, … over all records of a merchant: accounts, batches and remembered refusals included', async () => {
      const m = await world.merchant();
      let next = 1;
      const takes = (sequence: number, records = 1): void => {
        expect(sequence).toBe(next + records - 1);
        next += records;
      };
      takes((await m.open('a')).sequence);
      takes((await m.open('a')).sequence); // confirmed: its answer is an outcome too
      takes((await m.transfer('external/x', 'a', 100)).body.sequence, 2);
      takes((await m.transfer('external/x', 'b', 100)).body.sequence, 2);
      await m.transfer('a', 'b', 1000); // refused, and remembered
      next++;
      const held = await m.hold([leg('a', 'b', 50)]);
      takes(held.sequence);
      takes((await m.act(held.id, 'increment', { amount: 1 })).body.sequence);
      takes((await m.act(held.id, 'capture', { amount: 5 })).body.sequence);
      takes((await m.act(held.id, 'void')).body.sequence);
      takes((await m.patch(accountPath('a'), { max_balance: 5000 })).body.sequence);
      const transactions = [
        { legs: [leg('a', 'n/1', 1)], open_accounts: true },
        { legs: [leg('a', 'n/2', 1)], open_accounts: true },
      ];
      const batch = await m.must('/v1/transactions/batch', { atomic: true, transactions });
      // A head, then two accounts and two transactions.
      takes(batch.data[1].sequence, 5);
      const opened = await m.must('/v1/accounts/batch', {
        accounts: [
          { name: 'm/1', currency: 'EUR' },
          { name: 'm/2', currency: 'EUR' },
        ],
      });
      expect(opened.data.map(({ sequence }: { sequence: number }) => sequence)).toEqual([next + 1, next + 2]);
      next += 3;
      // What leaves no record leaves no gap.
      await m.transfer('a', 'b', 0);
      await m.post('/v1/transactions', { legs: [leg('a', 'nobody', 1)] });
      await m.post('/v1/transactions', { legs: [leg('a', 'b', 1)], dry_run: true }, { key: null });
      takes((await m.transfer('external/x', 'a', 1)).body.sequence);
    });

    it('is gapless under concurrent writes, and no merchant sees another one in it', async () => {
      const [m, other] = [await world.merchant(), await world.merchant()];
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? other : m).transfer('external/x', `a/${i % 7}`, 1)),
      );
      await Promise.all(answers.map(({ status, text }) => expect(status, text).toBe(201)));
      const [mine, theirs] = await Promise.all([m.list('/v1/transactions'), other.list('/v1/transactions')]);
      expect([mine.length, theirs.length]).toEqual([40, 20]);
      const end = async (one: typeof m): Promise<number> => (await one.transfer('external/x', 'a/0', 1)).body.sequence;
      // external/x and a/0 to a/6 take one each, transactions one each.
      expect(await end(m)).toBe(40 + 8 + 1);
      expect(await end(other)).toBe(20 + 8 + 1);
    });

    it('is in time order', async () => {
      const m = await world.merchant();
      for (let i = 0; i < 10; i++) await m.transfer('external/x', 'a', 1);
      const all = await m.list('/v1/transactions');
      const times = all.map(({ created_at }) => created_at);
      expect(times).toEqual([...times].sort().reverse());
      expect(all.map(({ sequence }) => sequence)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    });
  });
}
