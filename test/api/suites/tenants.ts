/** Merchants, environments, API keys. */
import { describe, expect, it } from 'vitest';
import { callEngine } from '../../../src/platform/lock.js';
import { Api } from '../../support/api.js';
import { accountPath, expectProblem, leg } from '../support/merchant.js';
import type { World } from '../support/world.js';

export function tenantPromises(world: World): void {
  describe.each(['another merchant', 'the other environment of the same merchant'])('to %s', (who) => {
    it('all things of a merchant are 404, and its names are free', async () => {
      const mine = await world.merchant();
      const theirs =
        who === 'another merchant'
          ? await world.merchant()
          : await world.merchant({ id: mine.merchantId, environment: 'live' });
      await mine.fund('a', 100);
      const posted = (await mine.transfer('a', 'b', 5, { reference: 'mine', metadata: { k: 'v' } })).body.id;
      const held = (await mine.hold([leg('a', 'b', 5)])).id;
      await theirs.transfer('external/y', 'z', 1);
      for (const id of [posted, held]) {
        expectProblem(await theirs.get(`/v1/transactions/${id}`), 404, 'unknown_transaction');
        for (const action of ['capture', 'void', 'reverse'] as const)
          expectProblem(await theirs.act(id, action), 404, 'unknown_transaction');
        expectProblem(await theirs.act(id, 'increment', { amount: 1 }), 404, 'unknown_transaction');
      }
      for (const path of [
        accountPath('a'),
        `${accountPath('a')}/entries`,
        `${accountPath('a')}?at=2020-01-01T00:00:00Z`,
        `${accountPath('a')}?as_of=2020-01-01T00:00:00Z`,
      ]) {
        expectProblem(await theirs.get(path), 404, 'unknown_account');
      }
      expectProblem(await theirs.patch(accountPath('a'), { min_balance: null }), 404, 'unknown_account');
      for (const action of ['close', 'reopen'])
        expectProblem(await theirs.post(`${accountPath('a')}/${action}`, undefined), 404, 'unknown_account');
      expectProblem(await theirs.post('/v1/transactions', { legs: [leg('a', 'b', 1)] }), 404, 'unknown_account');
      for (const query of ['', '?reference=mine', '?account=a', '?status=pending', '?metadata[k]=v']) {
        const found = await theirs.list(`/v1/transactions${query}`);
        expect(
          found.every(({ legs }) => legs[0].credit === 'z'),
          query,
        ).toBe(true);
      }
      expect((await theirs.list('/v1/accounts')).map(({ name }) => name)).toEqual(['external/y', 'z']);
      expect((await theirs.transfer('external/x', 'a', 7, {})).status).toBe(201);
      expect([await mine.posted('a'), await theirs.posted('a')]).toEqual([95, 7]);
      expect(await mine.body(`/v1/transactions/${held}`)).toMatchObject({ status: 'pending', remaining: 5 });
    });
  });

  describe('an API key', () => {
    it('names its environment, and every key of a merchant sees the same ledger', async () => {
      const one = await world.merchant();
      const two = await world.merchant({ id: one.merchantId });
      const live = await world.merchant({ id: one.merchantId, environment: 'live' });
      expect(one.apiKey).toMatch(/^mr_test_\w+$/);
      expect(live.apiKey).toMatch(/^mr_live_\w+$/);
      await one.fund('a', 5);
      expect(await two.posted('a')).toBe(5);
    });

    it('that is missing, unknown, of another scheme or changed in one character is 401', async () => {
      const m = await world.merchant();
      const last = m.apiKey.at(-1) === 'a' ? 'b' : 'a';
      const bad = [
        '',
        'Bearer',
        'Bearer ',
        'Bearer x',
        `Basic ${m.apiKey}`,
        `Bearer ${m.apiKey.slice(0, -1)}${last}`,
        `Bearer ${m.apiKey.replace('_test_', '_live_')}`,
        `Bearer ${m.apiKey} x`,
        m.apiKey,
      ];
      for (const authorization of bad) {
        const response = await fetch(`${m.url}/v1/accounts`, {
          headers: authorization === '' ? {} : { Authorization: authorization },
        });
        const text = await response.text();
        expect(response.headers.get('www-authenticate')).toBe('Bearer');
        expect(response.headers.get('consistency-token')).toBeNull();
        const answer = { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
        m.problems.check(answer);
        expectProblem(answer, 401, 'unauthorized');
      }
      expect((await fetch(`${m.url}/v1/accounts`, { headers: { authorization: `bearer ${m.apiKey}` } })).status).toBe(
        200,
      );
    });

    it('works at once, and is refused at once when it is revoked, also on an open connection', async () => {
      const { dataDir, url } = world.engine;
      const merchant = `m-revoked-${process.hrtime.bigint()}`;
      const created = (await callEngine(dataDir, { do: 'keys.create', merchant, environment: 'test', scopes: [] })) as {
        id: string;
        token: string;
      };
      const m = world.merchantWith(created.token, merchant);
      expect((await m.transfer('external/x', 'a', 1)).status).toBe(201);
      await callEngine(dataDir, { do: 'keys.revoke', id: created.id });
      const revoked = performance.now();
      let status = 0;
      while (status !== 401 && performance.now() - revoked < 1_000)
        status = (await new Api(url, created.token).get('/v1/accounts')).status;
      expect(status).toBe(401);
      expectProblem(await m.transfer('external/x', 'a', 1), 401, 'unauthorized');
      const other = await world.merchant({ id: merchant });
      expect(await other.posted('a')).toBe(1);
    });
  });
}
