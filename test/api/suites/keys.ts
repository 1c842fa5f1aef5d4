/** Idempotency: one outcome a key, refusals included. */
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import type { ApiAnswer } from '../../support/api.js';
import { accountPath, expectProblem, freshKey, leg } from '../support/merchant.js';
import type { World } from '../support/world.js';

const packr = new Packr({ useRecords: false });

function expectReplay(replay: ApiAnswer, first: ApiAnswer): void {
  expect(replay.status, replay.text).toBe(first.status);
  expect(first.headers.get('idempotency-replayed')).toBeNull();
  expect(replay.headers.get('idempotency-replayed')).toBe('true');
  expect(replay.text).toBe(first.text);
}

/** Sends the same thing twice under one key. */
async function twice(send: (key: string) => Promise<ApiAnswer>): Promise<ApiAnswer> {
  const key = freshKey();
  const first = await send(key);
  const replay = await send(key);
  expectReplay(replay, first);
  return first;
}

export function keyPromises(world: World): void {
  describe('a replay', () => {
    it('has the same status and bytes, whatever happened since', async () => {
      const m = await world.merchant();
      const key = freshKey();
      const body = {
        legs: [leg('external/x', 'a', 100)],
        open_accounts: true,
        metadata: { z: 1, a: 2, '10': 3, '9': 'ü' },
      };
      const first = await m.post('/v1/transactions', body, { key });
      await m.act(first.body.id, 'reverse');
      await m.patch(accountPath('a'), { max_balance: 0 });
      expectReplay(await m.post('/v1/transactions', body, { key }), first);
      expect(await m.posted('a')).toBe(0);
    });

    it('is given for every writing route', async () => {
      const m = await world.merchant();
      await twice((key) =>
        m.post(
          '/v1/accounts',
          { name: 'a', currency: 'EUR', metadata: { b: 1, a: '2' }, max_balance: '99999999999999999' },
          { key },
        ),
      );
      await twice((key) =>
        m.post(
          '/v1/accounts',
          { name: 'a', currency: 'EUR', metadata: { b: 1, a: '2' }, max_balance: '99999999999999999' },
          { key },
        ),
      );
      await twice((key) =>
        m.post(
          '/v1/accounts/batch',
          {
            accounts: [
              { name: 'b', currency: 'EUR' },
              { name: 'c', currency: 'USD' },
            ],
          },
          { key },
        ),
      );
      await twice((key) => m.patch(accountPath('a'), { min_balance: null, metadata: { a: [1] } }, { key }));
      await twice((key) => m.post(`${accountPath('c')}/close`, undefined, { key }));
      await twice((key) => m.post(`${accountPath('c')}/reopen`, {}, { key }));
      const posted = await twice((key) => m.transfer('external/x', 'a', 50, {}, { key }));
      const held = await twice((key) => m.transfer('external/x', 'a', 50, { pending: true, expires_in: 60 }, { key }));
      await twice((key) => m.act(held.body.id, 'increment', { amount: 10 }, { key }));
      await twice((key) => m.act(held.body.id, 'capture', { amount: 10 }, { key }));
      await twice((key) => m.act(held.body.id, 'void', undefined, { key }));
      await twice((key) => m.act(posted.body.id, 'reverse', { amount: 1 }, { key }));
      const transactions = [
        { legs: [leg('external/x', 'n', 1)], open_accounts: true },
        { legs: [leg('n', 'a', 1)], pending: true },
      ];
      await twice((key) => m.post('/v1/transactions/batch', { atomic: true, transactions }, { key }));
    });

    it('is given for refusals, which are final', async () => {
      const m = await world.merchant();
      await m.fund('a', 10);
      const post = (body: object) => twice((key) => m.post('/v1/transactions', body, { key }));
      const funds = await post({ legs: [leg('a', 'b', 11)], open_accounts: true });
      expect(funds.body).toMatchObject({ code: 'insufficient_funds', final: true, outcome: 'none', retryable: false });
      await post({ legs: [leg('a', 'external/bank/EUR', 11)], if: { a: { version: 9 } } });
      await post({ legs: [leg('a', 'external/bank/EUR', 1)], if: { a: { posted: { lt: 0 } } } });
      await post({ legs: [leg('a', 'external/bank/EUR', 1, 'USD')] });
      await post({ legs: [leg('a', 'external/bank/EUR', 1)], effective_at: '2200-01-01T00:00:00Z' });
      await twice((key) => m.post('/v1/accounts', { name: 'a', currency: 'USD' }, { key }));
      await twice((key) => m.post(`${accountPath('a')}/close`, undefined, { key }));
      await twice((key) => m.patch(accountPath('a'), { min_balance: 1 }, { key, headers: { 'If-Match': '"7"' } }));
      const { id } = await m.hold([leg('a', 'b', 5)]);
      await twice((key) => m.act(id, 'capture', { amount: 6 }, { key }));
      const atomic = { atomic: true, transactions: [{ legs: [leg('a', 'b', 1)] }, { legs: [leg('a', 'b', 100)] }] };
      expect((await twice((key) => m.post('/v1/transactions/batch', atomic, { key }))).body.param).toBe(
        '/transactions/1/legs/0/debit',
      );
    });

    it('of a refusal stays refused when the money comes', async () => {
      const m = await world.merchant();
      await m.open('a');
      const key = freshKey();
      const first = await m.transfer('a', 'b', 5, {}, { key });
      await m.fund('a', 100);
      expectReplay(await m.transfer('a', 'b', 5, {}, { key }), first);
      expect(await m.posted('a')).toBe(100);
    });
  });

  describe('what is not an outcome', () => {
    it('leaves the key free: faults of the request, unknown accounts and parents, scopes', async () => {
      const m = await world.merchant();
      const key = freshKey();
      const attempts = [
        await m.transfer('external/x', 'a', 0, {}, { key }),
        await m.post('/v1/transactions', { legs: [leg('external/x', 'a', 1)] }, { key }),
        await m.act('txn_unknown', 'capture', undefined, { key }),
        await m.patch(accountPath('nobody'), { min_balance: 1 }, { key }),
        await m.post('/v1/transactions', '{', { key }),
      ];
      for (const { body } of attempts) expect(body).toMatchObject({ final: false, outcome: 'none' });
      const done = await m.transfer('external/x', 'a', 1, {}, { key });
      expect([done.status, done.headers.get('idempotency-replayed')]).toEqual([201, null]);
    });
  });

  describe('another payload under the same key', () => {
    it('is refused, whatever differs, and the key keeps its outcome', async () => {
      const m = await world.merchant();
      const key = freshKey();
      const body = { legs: [leg('external/x', 'a', 1)], open_accounts: true, reference: 'r', metadata: { k: 1 } };
      const first = await m.post('/v1/transactions', body, { key });
      const others: object[] = [
        { ...body, legs: [leg('external/x', 'a', 2)] },
        { ...body, legs: [leg('external/y', 'a', 1)] },
        { ...body, legs: [leg('external/x', 'a', 1, 'USD')] },
        { ...body, legs: [...body.legs, leg('external/x', 'a', 1)] },
        { ...body, reference: 'R' },
        { ...body, metadata: { k: '1' } },
        { ...body, description: '' },
        { ...body, pending: true },
        { ...body, open_accounts: false },
        { ...body, effective_at: '2020-01-01T00:00:00Z' },
        { ...body, if: { a: { version: 1 } } },
      ];
      for (const other of others) {
        const answer = await m.post('/v1/transactions', other, { key });
        expectProblem(answer, 422, 'key_reused');
        expect(answer.body).toMatchObject({ final: false, outcome: 'none' });
      }
      expectReplay(await m.post('/v1/transactions', body, { key }), first);
      expect(await m.posted('a')).toBe(1);
    });

    it('is any other route or thing too: keys are scoped to the merchant', async () => {
      const m = await world.merchant();
      const key = freshKey();
      const one = await m.hold([leg('external/x', 'a', 10)]);
      const two = await m.hold([leg('external/x', 'a', 10)]);
      await m.act(one.id, 'capture', { amount: 5 }, { key });
      expectProblem(await m.act(two.id, 'capture', { amount: 5 }, { key }), 422, 'key_reused');
      expectProblem(await m.act(one.id, 'void', { amount: 5 }, { key }), 422, 'key_reused');
      expectProblem(await m.transfer('external/x', 'a', 5, {}, { key }), 422, 'key_reused');
      expectProblem(await m.post('/v1/accounts', { name: 'z', currency: 'EUR' }, { key }), 422, 'key_reused');
      expectProblem(await m.patch(accountPath('a'), { max_balance: 5 }, { key }), 422, 'key_reused');
      const closeKey = freshKey();
      await m.open('x');
      await m.open('y');
      expect((await m.post(`${accountPath('x')}/close`, undefined, { key: closeKey })).status).toBe(200);
      expectProblem(await m.post(`${accountPath('y')}/close`, undefined, { key: closeKey }), 422, 'key_reused');
      const other = await world.merchant();
      expect((await other.transfer('external/x', 'a', 5, {}, { key })).status).toBe(201);
    });
  });

  describe('the same payload in another form', () => {
    it('is the same: msgpack and JSON, 5 and "5", order and white space, spelled-out defaults', async () => {
      const m = await world.merchant();
      const key = freshKey();
      const body = { legs: [leg('external/x', 'a', 5)], open_accounts: true };
      const first = await m.post('/v1/transactions', body, { key });
      expectReplay(
        await m.post('/v1/transactions', { open_accounts: true, legs: [leg('external/x', 'a', '5')] }, { key }),
        first,
      );
      expectReplay(
        await m.post(
          '/v1/transactions',
          `\n { "open_accounts" : true, "legs": [ {"currency":"EUR","amount":5,"credit":"\\u0061","debit":"external\\/x"} ] }\t`,
          { key },
        ),
        first,
      );
      expectReplay(await m.post('/v1/transactions', { ...body, pending: false }, { key }), first);
      const headers = { 'Content-Type': 'application/msgpack', 'Idempotency-Key': key };
      expectReplay(await m.bytes('POST', '/v1/transactions', packr.pack(body), headers), first);
      expectReplay(
        await m.bytes(
          'POST',
          '/v1/transactions',
          packr.pack({ ...body, legs: [leg('external/x', 'a', '5')] }),
          headers,
        ),
        first,
      );
      expect(await m.posted('a')).toBe(5);
    });

    it('of an action is the same with an empty body and with none', async () => {
      const m = await world.merchant();
      const { id } = await m.hold([leg('external/x', 'a', 5)]);
      const key = freshKey();
      const first = await m.act(id, 'capture', undefined, { key });
      expectReplay(await m.act(id, 'capture', {}, { key }), first);
    });
  });

  describe('the Idempotency-Key header', () => {
    it('is the same key quoted and bare', async () => {
      const m = await world.merchant();
      for (const [bare, quoted] of [
        ['order 1001', '"order 1001"'],
        ['a"b', '"a\\"b"'],
        ['a\\b', '"a\\\\b"'],
        ['~'.repeat(255), `"${'~'.repeat(255)}"`],
      ] as const) {
        const first = await m.transfer('external/x', 'a', 1, {}, { key: bare });
        expectReplay(await m.transfer('external/x', 'a', 1, {}, { key: quoted }), first);
      }
      expect(await m.posted('a')).toBe(4);
    });

    it('is needed on every request that writes, and is 1 to 255 printable ASCII characters', async () => {
      const m = await world.merchant();
      await m.fund('a', 1);
      const { id } = await m.hold([leg('external/x', 'a', 5)]);
      const writes: [string, string, object?][] = [
        ['POST', '/v1/transactions', { legs: [leg('external/x', 'a', 1)], open_accounts: true }],
        ['POST', '/v1/transactions/batch', { atomic: true, transactions: [{ legs: [leg('external/x', 'a', 1)] }] }],
        ['POST', `/v1/transactions/${id}/capture`],
        ['POST', `/v1/transactions/${id}/void`],
        ['POST', `/v1/transactions/${id}/increment`, { amount: 1 }],
        ['POST', `/v1/transactions/${id}/reverse`],
        ['POST', '/v1/accounts', { name: 'z', currency: 'EUR' }],
        ['POST', '/v1/accounts/batch', { accounts: [{ name: 'z', currency: 'EUR' }] }],
        ['PATCH', accountPath('a'), { min_balance: 0 }],
        ['POST', `${accountPath('a')}/close`],
        ['POST', `${accountPath('a')}/reopen`],
      ];
      for (const [method, path, body] of writes)
        expectProblem(await m.send(method, path, body, { key: null }), 400, 'key_missing');
      for (const key of ['""', 'x'.repeat(256), '"unfinished', '"a"b"', '"a\\n"', 'caf\u00e9s', 'a\tb']) {
        const answer = await m.transfer('external/x', 'a', 1, {}, { key });
        expect([key, answer.body.code]).toEqual([key, 'key_invalid']);
      }
      expect(await m.posted('a')).toBe(1);
    });
  });

  describe('duplicates at the same time', () => {
    const racing = (count: number, send: (key: string) => Promise<ApiAnswer>) => {
      const key = freshKey();
      return Promise.all(Array.from({ length: count }, () => send(key)));
    };

    it('are one transaction and its replays', async () => {
      const m = await world.merchant();
      const answers = await racing(32, (key) => m.transfer('external/x', 'a', 7, {}, { key }));
      expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
      expect(answers[0]?.status).toBe(201);
      expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
      expect(await m.posted('a')).toBe(7);
    });

    it('of a refusal are one refusal and its replays', async () => {
      const m = await world.merchant();
      await m.open('a');
      const answers = await racing(16, (key) => m.transfer('a', 'b', 7, {}, { key }));
      expect(answers.map(({ body }) => body.code)).toEqual(new Array(16).fill('insufficient_funds'));
      expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    });

    it('of an action act once', async () => {
      const m = await world.merchant();
      const { id } = await m.hold([leg('external/x', 'a', 100)]);
      const answers = await racing(16, (key) => m.act(id, 'capture', { amount: 10 }, { key }));
      expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
      expect(await m.posted('a')).toBe(10);
    });
  });
}
