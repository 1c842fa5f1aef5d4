/** JSON and msgpack, methods and paths, health, the table of problems, the OpenAPI document. */
import { Packr, unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { accountPath, expectProblem, freshKey, leg } from '../support/merchant.js';
import type { World } from '../support/world.js';

const packr = new Packr({ useRecords: false });
const MSGPACK = 'application/msgpack';

export function formPromises(world: World): void {
  describe('msgpack', () => {
    it('is taken and given with the same content as JSON, in each mixture', async () => {
      const m = await world.merchant();
      const body = {
        legs: [leg('external/x', 'a', 5)],
        open_accounts: true,
        reference: 'ünïcode ✓',
        metadata: { big: 4294967295, deep: { list: [null, true, -1] } },
      };
      const key = freshKey();
      const asJson = await m.post('/v1/transactions', body, { key });
      const headers = { 'Idempotency-Key': key };
      const both = await m.bytes('POST', '/v1/transactions', packr.pack(body), {
        ...headers,
        'Content-Type': MSGPACK,
        Accept: MSGPACK,
      });
      expect([both.status, both.headers.get('content-type')]).toEqual([201, MSGPACK]);
      expect(unpack(both.bytes)).toEqual(asJson.body);
      const out = await m.bytes('POST', '/v1/transactions', JSON.stringify(body), {
        ...headers,
        'Content-Type': 'application/json',
        Accept: MSGPACK,
      });
      expect(unpack(out.bytes)).toEqual(asJson.body);
      const read = await fetch(`${m.url}${accountPath('a')}`, {
        headers: { Authorization: `Bearer ${m.apiKey}`, Accept: MSGPACK },
      });
      expect(unpack(Buffer.from(await read.arrayBuffer()))).toEqual(await m.account('a'));
    });

    it('is answered to a posting and to its retry with the same bytes, and to both as JSON would say it', async () => {
      const m = await world.merchant();
      const bare = { legs: [leg('external/x', 'a', 70_000)], open_accounts: true };
      for (const body of [bare, { ...bare, reference: 'order-1', description: 'd'.repeat(300), pending: true }]) {
        const headers = { 'Content-Type': MSGPACK, Accept: MSGPACK, 'Idempotency-Key': freshKey() };
        const packed = new Packr({ useRecords: false, variableMapSize: true }).pack(body);
        const first = await m.bytes('POST', '/v1/transactions', packed, headers);
        expect([first.status, first.headers.get('content-type')], first.text).toEqual([201, MSGPACK]);
        expect(first.headers.get('consistency-token')).toMatch(/./);
        expect(first.headers.get('x-request-id')).toMatch(/^req_/);
        const again = await m.bytes('POST', '/v1/transactions', packed, headers);
        expect(again.headers.get('idempotency-replayed')).toBe('true');
        expect(again.bytes).toEqual(first.bytes);
        const asJson = await m.bytes('POST', '/v1/transactions', packed, { ...headers, Accept: 'application/json' });
        expect(JSON.parse(asJson.text)).toEqual(unpack(first.bytes));
      }
    });

    it('carries amounts as integers to 2^53−1 and as strings beyond', async () => {
      const m = await world.merchant();
      const post = (amount: number | string | bigint, credit: string) =>
        m.bytes(
          'POST',
          '/v1/transactions',
          packr.pack({ legs: [{ debit: 'external/x', credit, amount, currency: 'EUR' }], open_accounts: true }),
          {
            'Content-Type': MSGPACK,
            Accept: MSGPACK,
            'Idempotency-Key': freshKey(),
          },
        );
      for (const [sent, shown] of [
        [9007199254740991n, 9007199254740991],
        ['9007199254740993', '9007199254740993'],
        ['7', 7],
      ] as const) {
        const answer = await post(sent, `a/${shown}`);
        expect(answer.status, answer.text).toBe(201);
        // 64-bit integers come out of this decoder as bigints.
        expect(String(unpack(answer.bytes).legs[0].amount)).toBe(String(shown));
        expect(typeof unpack(answer.bytes).legs[0].amount === 'string').toBe(typeof shown === 'string');
      }
      for (const amount of [9007199254740992n, 1.5, 1e300, -1n, 0])
        expectProblem(await post(amount, 'b'), 400, 'invalid_field', '/legs/0/amount');
    });

    it('is chosen by Accept; problems are always JSON', async () => {
      const m = await world.merchant();
      await m.fund('a', 1);
      const type = async (Accept: string, path = accountPath('a')) =>
        (await m.get(path, { headers: { Accept } })).headers.get('content-type');
      expect(await type('application/msgpack, application/json;q=0.5')).toBe(MSGPACK);
      expect(await type('application/msgpack;q=0.2, application/json;q=0.5')).toBe('application/json');
      expect(await type('*/*')).toBe('application/json');
      expect(await type('application/*')).toBe('application/json');
      expect(await type(MSGPACK, accountPath('nobody'))).toBe('application/problem+json');
      expectProblem(await m.get(accountPath('a'), { headers: { Accept: 'text/html' } }), 406, 'not_acceptable');
      expectProblem(
        await m.transfer('external/x', 'b', 1, {}, { headers: { Accept: 'image/png' } }),
        406,
        'not_acceptable',
      );
      expectProblem(await m.get(accountPath('b')), 404, 'unknown_account');
    });
  });

  describe('a Content-Type', () => {
    it('other than JSON and msgpack is refused', async () => {
      const m = await world.merchant();
      const body = JSON.stringify({ legs: [leg('external/x', 'a', 5)], open_accounts: true });
      const send = (type: string, more: object = {}) =>
        m.bytes('POST', '/v1/transactions', Buffer.from(body), {
          ...(type === '' ? {} : { 'Content-Type': type }),
          'Idempotency-Key': freshKey(),
          ...more,
        });
      for (const type of [
        '',
        'text/plain',
        'application/x-www-form-urlencoded',
        'application/jsonp',
        'application/json; charset=latin1',
        'application/vnd.msgpack',
        'multipart/form-data; boundary=x',
      ]) {
        expectProblem(await send(type), 415, 'unsupported_media_type');
      }
      expectProblem(await send('application/json', { 'Content-Encoding': 'gzip' }), 415, 'unsupported_media_type');
      expectProblem(await m.get(accountPath('a')), 404, 'unknown_account');
      for (const type of [
        'application/json',
        'Application/JSON',
        'application/json; charset=utf-8',
        'application/json;charset="UTF-8"',
      ])
        expect((await send(type)).status, type).toBe(201);
      expect((await send(MSGPACK)).status).toBe(400);
    });
  });

  describe('paths and methods', () => {
    it('that are not there are 404 and 405 with Allow', async () => {
      const m = await world.merchant();
      for (const path of [
        '/',
        '/v1',
        '/v1/',
        '/v2/accounts',
        '/v1/accounts/',
        '/v1/transactions/',
        '/v1/Accounts',
        '/v1/accounts/a/b/c',
        '/v1/transactions/x/y',
        '/v1//accounts',
        '/v1/accounts/../accounts/x/y',
      ]) {
        expectProblem(await m.get(path), 404, 'not_found');
      }
      const methods: [string, string, string][] = [
        ['DELETE', '/v1/accounts/a', 'GET, PATCH, HEAD'],
        ['PUT', '/v1/accounts/a', 'GET, PATCH, HEAD'],
        ['GET', '/v1/transactions/batch/capture', 'POST'],
        ['DELETE', '/v1/transactions', 'POST, GET, HEAD'],
        ['POST', '/v1/transactions/txn_x', 'GET, HEAD'],
        ['POST', '/healthz', 'GET, HEAD'],
        ['OPTIONS', '/v1/accounts', 'POST, GET, HEAD'],
      ];
      for (const [method, path, allow] of methods) {
        const answer = await m.send(method, path, undefined);
        expectProblem(answer, 405, 'method_not_allowed');
        expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(allow.split(', ').sort());
      }
    });

    it('HEAD answers as GET does, without the body', async () => {
      const m = await world.merchant();
      await m.fund('a', 5);
      for (const path of [accountPath('a'), accountPath('nobody'), '/healthz', '/v1/errors']) {
        const headers = { Authorization: `Bearer ${m.apiKey}` };
        const [get, head] = [
          await fetch(m.url + path, { headers }),
          await fetch(m.url + path, { method: 'HEAD', headers }),
        ];
        expect(head.status).toBe(get.status);
        for (const name of ['content-type', 'content-length'])
          expect(head.headers.get(name)).toBe(get.headers.get(name));
        expect(await head.text()).toBe('');
        await get.text();
      }
      const posts = await fetch(`${m.url}/v1/transactions/x/capture`, {
        method: 'HEAD',
        headers: { Authorization: `Bearer ${m.apiKey}` },
      });
      expect(posts.status).toBe(405);
    });
  });

  describe('the service routes', () => {
    it('say health and readiness without a key', async () => {
      const { url } = world.engine;
      expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ status: 'ok' });
      const ready = await fetch(`${url}/readyz`);
      expect([ready.status, ((await ready.json()) as { status: string }).status]).toEqual([200, 'ready']);
      expect((await fetch(`${url}/healthz?x=1`)).status).toBe(400);
    });

    it('serve the table of problems: each code once, with all that a client needs', async () => {
      const { rows } = world.problems;
      expect(new Set(rows.map(({ code }) => code)).size).toBe(rows.length);
      for (const row of rows) {
        expect(row).toEqual({
          type: `/v1/errors#${row.code}`,
          code: expect.stringMatching(/^[a-z_]+$/),
          status: expect.any(Number),
          title: expect.stringMatching(/\.$/),
          retryable: expect.any(Boolean),
          final: expect.any(Boolean),
          outcome: expect.stringMatching(/^(none|unknown)$/),
          action: expect.stringMatching(/\.$/),
        });
        expect(row.status >= 400 && row.status < 600).toBe(true);
        // Nothing is both an outcome for good and worth another try; what is not known is worth one.
        expect(row.final && (row.retryable || row.outcome === 'unknown')).toBe(false);
        if (row.outcome === 'unknown') expect(row.retryable).toBe(true);
        if (row.final) expect([409, 412, 422]).toContain(row.status);
      }
    });

    it('serve an OpenAPI document whose routes are those that are served', async () => {
      const m = await world.merchant();
      const answer = await fetch(`${m.url}/openapi.json`);
      expect(answer.headers.get('content-type')).toBe('application/json');
      const document = (await answer.json()) as {
        openapi: string;
        paths: Record<string, Record<string, { responses: object }>>;
      };
      expect(document.openapi).toMatch(/^3\.1\./);
      const routes = Object.entries(document.paths).flatMap(([path, item]) =>
        Object.keys(item)
          .filter((method) => /^(get|post|patch|put|delete)$/.test(method))
          .map((method) => `${method.toUpperCase()} ${path}`),
      );
      expect(routes.sort()).toEqual(
        [
          'POST /v1/transactions',
          'POST /v1/transactions/batch',
          ...['capture', 'void', 'increment', 'reverse'].map((action) => `POST /v1/transactions/{id}/${action}`),
          'GET /v1/transactions/{id}',
          'GET /v1/transactions',
          'POST /v1/accounts',
          'POST /v1/accounts/batch',
          'GET /v1/accounts',
          'GET /v1/accounts/{name}',
          'GET /v1/accounts/{name}/entries',
          'PATCH /v1/accounts/{name}',
          'POST /v1/accounts/{name}/close',
          'POST /v1/accounts/{name}/reopen',
          'GET /v1/errors',
          'GET /v1/stream',
          'GET /healthz',
          'GET /metrics',
          'GET /readyz',
          'GET /openapi.json',
        ].sort(),
      );
      for (const route of routes) {
        const [method = '', path = ''] = route.split(' ');
        const { status, body } = await m.send(method, path.replace('{id}', 'txn_x').replace('{name}', 'x'), undefined, {
          key: null,
        });
        expect(['not_found', 'method_not_allowed'], route).not.toContain(body?.code);
        expect(status).toBeLessThan(500);
      }
    });
  });
}
