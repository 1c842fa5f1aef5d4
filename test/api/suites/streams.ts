/** The stream: the same ledger, limits, keys and problems as by HTTP, on one connection. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callEngine } from '../../../src/platform/lock.js';
import { type StreamAnswer, StreamClient, type StreamRequest } from '../../support/stream.js';
import { accountPath, freshKey, leg, type Merchant } from '../support/merchant.js';
import type { World } from '../support/world.js';

const RETRY_MS = 100;
/** Few enough that the other suites on this engine do not feel them. */
const MANY = 500;

/** Sends until each request has an outcome: what is refused for now is sent again under its key. */
async function settle(stream: StreamClient, requests: readonly StreamRequest[]): Promise<readonly StreamAnswer[]> {
  const outcomes: StreamAnswer[] = [];
  let left = requests;
  while (left.length > 0) {
    if (left !== requests) await delay(RETRY_MS);
    const answers = await stream.sendPaced(left);
    left = left.filter((_, index) => {
      const answer = answers[index];
      if (answer === undefined || [409, 429, 503].includes(answer.status)) return true;
      outcomes.push(answer);
      return false;
    });
  }
  return outcomes;
}

export function streamPromises(world: World): void {
  describe('the stream', () => {
    let m: Merchant;
    let stream: StreamClient;
    beforeAll(async () => {
      m = await world.merchant();
      stream = await StreamClient.open(m.url, m.apiKey);
    });
    afterAll(() => stream.close());

    it('posts what HTTP then reads, and gives the body that HTTP gives', async () => {
      const key = freshKey();
      const body = {
        legs: [leg('external/x', 'stream/a', 700), leg('external/x', 'stream/b', 9)],
        open_accounts: true,
        reference: 'ünïcode ✓',
        metadata: { deep: [1, null, { a: true }] },
      };
      const answer = await stream.one({ key, body });
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
      const replay = await m.post('/v1/transactions', body, { key });
      expect(replay.headers.get('idempotency-replayed')).toBe('true');
      expect(replay.body).toEqual(answer.body);
      expect(await m.balances('stream/a')).toMatchObject({ posted: 700 });
    });

    it('answers a request that was made by HTTP as the replay that it is', async () => {
      const key = freshKey();
      const body = { legs: [leg('external/x', 'stream/c', 5)], open_accounts: true };
      const first = await m.post('/v1/transactions', body, { key });
      const answer = await stream.one({ key, body });
      expect([answer.status, answer.replayed]).toEqual([201, true]);
      expect(answer.body).toEqual(first.body);
      const reused = await stream.one({ key, body: { ...body, reference: 'other' } });
      expect([reused.status, reused.body.code]).toEqual([422, 'key_reused']);
    });

    it('gives each posting of a frame the outcome of its own key, the same that HTTP gives', async () => {
      const [known, fresh, refused, twice] = [freshKey(), freshKey(), freshKey(), freshKey()];
      const body = { legs: [leg('external/x', 'stream/plain', 5)], open_accounts: true, reference: 'plain' };
      const unfunded = { legs: [leg('stream/no-funds', 'external/x', 1)], open_accounts: true };
      const first = await m.post('/v1/transactions', body, { key: known });
      const answers = await stream.send([
        { key: fresh, body },
        { key: known, body },
        { key: known, body: { ...body, reference: 'other' } },
        { key: refused, body: unfunded },
        { key: twice, body },
      ]);
      expect(answers.map(({ status, replayed, body: { code } }) => [status, replayed, code])).toEqual([
        [201, undefined, undefined],
        [201, true, undefined],
        [422, undefined, 'key_reused'],
        [422, undefined, 'insufficient_funds'],
        [201, undefined, undefined],
      ]);
      expect(answers[1]?.body).toEqual(first.body);
      const replay = await m.post('/v1/transactions', body, { key: fresh });
      expect([replay.headers.get('idempotency-replayed'), replay.body]).toEqual(['true', answers[0]?.body]);
      const again = await stream.send([
        { key: refused, body: unfunded },
        { key: twice, body },
      ]);
      expect(again.map(({ status, replayed, body }) => [status, replayed, body])).toEqual([
        [422, true, answers[3]?.body],
        [201, true, answers[4]?.body],
      ]);
    });

    it('does a posting once that stands twice in a frame', async () => {
      const request = { key: freshKey(), body: { legs: [leg('external/x', 'stream/twice', 3)], open_accounts: true } };
      const [one, other] = await settle(stream, [request, request]);
      expect([one?.status, other?.status]).toEqual([201, 201]);
      expect(one?.body).toEqual(other?.body);
      expect([one, other].filter((answer) => answer?.replayed === true).length).toBe(1);
      expect(await m.posted('stream/twice')).toBe(3);
    });

    it('holds, captures, voids, reverses and reads', async () => {
      const legs = [leg('external/x', 'stream/held', 100)];
      const hold = await stream.one({ key: freshKey(), body: { legs, pending: true, open_accounts: true } });
      const act = (id: string, action: string, body?: object) =>
        stream.one({
          to: `POST /v1/transactions/${id}/${action}`,
          key: freshKey(),
          ...(body === undefined ? {} : { body }),
        });
      const capture = await act(hold.body.id, 'capture', { amount: 60, final: true });
      expect(capture.status, JSON.stringify(capture.body)).toBe(201);
      const late = await act(hold.body.id, 'void');
      expect([late.status, late.body.code]).toEqual([422, 'transaction_closed']);
      const reversal = await act(hold.body.id, 'reverse');
      expect(reversal.status, JSON.stringify(reversal.body)).toBe(201);
      const account = await stream.one({ to: `GET ${accountPath('stream/held')}`, token: stream.token });
      expect(account.body.balances).toMatchObject({ posted: 0, pending_in: 0 });
      const path = `${accountPath('stream/held')}/entries?limit=10`;
      const [entries] = await settle(stream, [{ to: `GET ${path}`, token: stream.token }]);
      expect(entries?.body.data.length).toBe(3);
    });

    it('takes batches too, each as one request', async () => {
      const transactions = Array.from({ length: 20 }, (_, index) => ({
        idempotency_key: freshKey(),
        legs: [leg('external/x', `stream/batch/${index % 3}`, 1)],
        open_accounts: true,
      }));
      const answer = await stream.one({ to: 'POST /v1/transactions/batch', body: { transactions } });
      expect(answer.status).toBe(200);
      expect(answer.body.data.map(({ status }: { status: number }) => status)).toEqual(transactions.map(() => 201));
    });

    it('keeps limits: of those that race for the last money, as many succeed as there is for', async () => {
      await m.fund('stream/purse', 10);
      const answers = await settle(
        stream,
        Array.from({ length: 50 }, () => ({
          key: freshKey(),
          body: { legs: [leg('stream/purse', 'external/shop', 1)], open_accounts: true },
        })),
      );
      expect(answers.filter(({ status }) => status === 201).length).toBe(10);
      expect(new Set(answers.filter(({ status }) => status !== 201).map(({ body }) => body.code))).toEqual(
        new Set(['insufficient_funds']),
      );
    });

    it('makes those wait who are in a hurry, all of them at their full credits, and refuses none', async () => {
      const merchants = await Promise.all(Array.from({ length: 4 }, () => world.merchant()));
      const answers = await Promise.all(
        merchants.map(async ({ url, apiKey }) => {
          const own = await StreamClient.open(url, apiKey);
          const body = { legs: [leg('external/x', 'stream/hurry', 1)], open_accounts: true };
          const given = await own.sendPaced(Array.from({ length: 3 * MANY }, () => ({ key: freshKey(), body })));
          await own.close();
          return given.map(({ status }) => status);
        }),
      );
      expect(new Set(answers.flat())).toEqual(new Set([201]));
    });

    it('answers hundreds in the order in which they were committed', async () => {
      const count = MANY;
      const busy = await world.merchant();
      const own = await StreamClient.open(busy.url, busy.apiKey);
      const answers = await settle(
        own,
        Array.from({ length: count }, () => ({
          key: freshKey(),
          body: { legs: [leg('external/x', 'stream/many', 1)], open_accounts: true },
        })),
      );
      expect(answers.every(({ status }) => status === 201)).toBe(true);
      const came = own.answers.filter(({ status }) => status === 201).map(({ body }) => body.sequence as number);
      expect(came).toEqual([...came].sort((a, b) => a - b));
      expect(new Set(came).size).toBe(count);
      expect(await busy.posted('stream/many')).toBe(count);
      await own.close();
    });

    it('is taken up again after a cut: what was not answered is asked again by its key, and is there once', async () => {
      const cut = await StreamClient.open(m.url, m.apiKey);
      const requests = Array.from({ length: 200 }, () => ({
        key: freshKey(),
        body: { legs: [leg('external/x', 'stream/cut', 1)], open_accounts: true },
      }));
      const lost = cut.send(requests);
      cut.cut();
      await expect(lost).rejects.toThrow('the stream ended');
      const again = await StreamClient.open(m.url, m.apiKey);
      const outcomes = await settle(again, requests);
      expect(outcomes.map(({ status }) => status)).toEqual(requests.map(() => 201));
      expect(await m.posted('stream/cut')).toBe(requests.length);
      await again.close();
    });

    it('sees nothing of another merchant', async () => {
      const other = await world.merchant();
      const theirs = await StreamClient.open(other.url, other.apiKey);
      const mine = await stream.one({
        key: freshKey(),
        body: { legs: [leg('external/x', 'stream/mine', 1)], open_accounts: true },
      });
      const read = await theirs.one({ to: `GET /v1/transactions/${mine.body.id}` });
      expect([read.status, read.body.code]).toEqual([404, 'unknown_transaction']);
      expect((await theirs.one({ to: `GET ${accountPath('stream/mine')}` })).status).toBe(404);
      await theirs.close();
    });

    it('ends for requests when its key is revoked', async () => {
      const merchant = await world.merchant();
      const opened = await StreamClient.open(merchant.url, merchant.apiKey);
      expect((await opened.one({ to: 'GET /v1/accounts' })).status).toBe(200);
      const [, , id = ''] = merchant.apiKey.split('_');
      await callEngine(world.engine.dataDir, { do: 'keys.revoke', id });
      const until = performance.now() + 1_000;
      let status = 200;
      while (status !== 401 && performance.now() < until) ({ status } = await opened.one({ to: 'GET /v1/accounts' }));
      expect(status).toBe(401);
      const post = { key: freshKey(), body: { legs: [leg('external/x', 'stream/a', 1)], open_accounts: true } };
      const refused = await opened.send([post, post]);
      expect(refused.map(({ status, body }) => [status, body.code])).toEqual([
        [401, 'unauthorized'],
        [401, 'unauthorized'],
      ]);
      await opened.close();
    });
  });
}
