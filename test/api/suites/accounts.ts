/** Accounts: opened by call and in batches, changed, closed, reopened. */
import { describe, expect, it } from 'vitest';
import type { ApiOptions } from '../../support/api.js';
import { accountPath, expectProblem, leg, type Merchant } from '../support/merchant.js';
import type { World } from '../support/world.js';

const close = (m: Merchant, name: string, options?: ApiOptions) =>
  m.post(`${accountPath(name)}/close`, undefined, options);
const reopen = (m: Merchant, name: string, options?: ApiOptions) =>
  m.post(`${accountPath(name)}/reopen`, undefined, options);
const ifMatch = (version: number | string): ApiOptions => ({ headers: { 'If-Match': `"${version}"` } });

export function accountPromises(world: World): void {
  describe('opening an account', () => {
    it('answers 201, the same fields again 200, other fields 409', async () => {
      const m = await world.merchant();
      const body = {
        name: 'customer/42/wallet',
        currency: 'EUR',
        min_balance: -500,
        max_balance: '9007199254740993',
        metadata: { a: 1, b: ['x'] },
      };
      const first = await m.post('/v1/accounts', body);
      expect(first.status, first.text).toBe(201);
      expect(first.body).toEqual({ ...body, normal_balance: 'credit', status: 'open', config_version: 1, sequence: 1 });
      const again = await m.post('/v1/accounts', {
        ...body,
        metadata: { b: ['x'], a: 1 },
        min_balance: '-500',
        normal_balance: 'credit',
      });
      expect([again.status, again.body.name, again.body.config_version]).toEqual([200, body.name, 1]);
      for (const other of [
        { currency: 'USD' },
        { min_balance: 0 },
        { max_balance: null },
        { normal_balance: 'debit' },
        { metadata: {} },
        { metadata: { a: 2, b: ['x'] } },
      ]) {
        const answer = await m.post('/v1/accounts', { ...body, ...other });
        expectProblem(answer, 409, 'account_exists');
        expect(answer.body).toMatchObject({ account: body.name, final: true });
      }
      expect(await m.account(body.name)).toMatchObject({
        ...body,
        version: 0,
        balances: { posted: 0, pending_in: 0, pending_out: 0, available: 0 },
      });
    });

    it('again with the fields of its creation is 200 also after they were changed', async () => {
      const m = await world.merchant();
      await m.open('a', { metadata: { v: 1 } });
      await m.patch(accountPath('a'), { metadata: { v: 2 }, min_balance: null });
      const again = await m.post('/v1/accounts', { name: 'a', currency: 'EUR', metadata: { v: 1 } });
      expect([again.status, again.body.metadata, again.body.config_version]).toEqual([200, { v: 2 }, 2]);
      expectProblem(
        await m.post('/v1/accounts', { name: 'a', currency: 'EUR', metadata: { v: 2 }, min_balance: null }),
        409,
        'account_exists',
      );
    });

    it('of one that a transaction opened is 200 with its defaults', async () => {
      const m = await world.merchant();
      await m.transfer('external/x', 'a', 1);
      expect((await m.post('/v1/accounts', { name: 'a', currency: 'EUR' })).status).toBe(200);
      expect((await m.post('/v1/accounts', { name: 'external/x', currency: 'EUR', min_balance: null })).status).toBe(
        200,
      );
      expectProblem(
        await m.post('/v1/accounts', { name: 'external/x', currency: 'EUR', min_balance: 0 }),
        409,
        'account_exists',
      );
    });

    it.each([
      ['no name', { currency: 'EUR' }, 'missing_field', '/name'],
      ['no currency', { name: 'a' }, 'missing_field', '/currency'],
      ['an unknown field', { name: 'a', currency: 'EUR', owner: 'x' }, 'unknown_field', '/owner'],
      ['a bad name', { name: 'a//b', currency: 'EUR' }, 'invalid_field', '/name'],
      ['an unknown currency', { name: 'a', currency: 'ZZZ' }, 'unknown_currency', '/currency'],
      ['a third side', { name: 'a', currency: 'EUR', normal_balance: 'left' }, 'invalid_field', '/normal_balance'],
      [
        'limits that cross',
        { name: 'a', currency: 'EUR', min_balance: 5, max_balance: 4 },
        'invalid_field',
        '/max_balance',
      ],
      [
        'a limit beyond 64 bits',
        { name: 'a', currency: 'EUR', min_balance: '-9223372036854775809' },
        'invalid_field',
        '/min_balance',
      ],
      ['metadata that is no object', { name: 'a', currency: 'EUR', metadata: 'x' }, 'invalid_field', '/metadata'],
    ])('refuses %s', async (_name, body, code, param) => {
      const m = await world.merchant();
      expectProblem(await m.post('/v1/accounts', body), 400, code, param);
      expect(await m.list('/v1/accounts')).toEqual([]);
    });

    it('in a batch opens all or none, under the key of the header', async () => {
      const m = await world.merchant();
      const accounts = [
        { name: 'a', currency: 'EUR' },
        { name: 'b', currency: 'USD', max_balance: 5 },
        { name: 'c', currency: 'JPY', normal_balance: 'debit' },
      ];
      const first = await m.post('/v1/accounts/batch', { accounts });
      expect(first.status, first.text).toBe(201);
      expect(first.body.data).toMatchObject(accounts);
      expect(first.body.data).toHaveLength(3);
      const more = [
        { name: 'd', currency: 'EUR' },
        { name: 'b', currency: 'USD' },
        { name: 'e', currency: 'EUR' },
      ];
      expectProblem(await m.post('/v1/accounts/batch', { accounts: more }), 409, 'account_exists', '/accounts/1');
      expect((await m.list('/v1/accounts')).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
      const twice = [
        { name: 'd', currency: 'EUR' },
        { name: 'd', currency: 'EUR' },
      ];
      expectProblem(await m.post('/v1/accounts/batch', { accounts: twice }), 400, 'invalid_field', '/accounts/1/name');
      expectProblem(await m.post('/v1/accounts/batch', { accounts: [] }), 400, 'invalid_field', '/accounts');
      expect(
        (await m.post('/v1/accounts/batch', { accounts: [accounts[0], { name: 'd', currency: 'EUR' }] })).status,
      ).toBe(201);
      expect((await m.list('/v1/accounts')).map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
    });
  });

  describe('changing an account', () => {
    it('touches the named fields only; null takes a limit away; config_version rises', async () => {
      const m = await world.merchant();
      await m.open('a', { min_balance: -5, max_balance: 100, metadata: { k: 1 } });
      const patch = (body: object) => m.patch(accountPath('a'), body);
      expect((await patch({ max_balance: null })).body).toMatchObject({
        min_balance: -5,
        max_balance: null,
        metadata: { k: 1 },
        config_version: 2,
      });
      expect((await patch({ min_balance: '-9007199254740993' })).body).toMatchObject({
        min_balance: '-9007199254740993',
        config_version: 3,
      });
      expect((await patch({ metadata: { z: [1, { y: null }] } })).body).toMatchObject({
        metadata: { z: [1, { y: null }] },
        config_version: 4,
      });
      const last = await patch({ metadata: null });
      expect(last.body.metadata).toBeUndefined();
      const { version, balances, created_at, ...settings } = await m.account('a');
      expect(settings).toEqual(last.body);
      expect([version, balances.posted]).toEqual([0, 0]);
      expect(created_at).toMatch(/Z$/);
    });

    it('refuses what cannot be changed, and accounts that are not there', async () => {
      const m = await world.merchant();
      await m.open('a');
      for (const [field, value] of Object.entries({
        name: 'b',
        currency: 'USD',
        normal_balance: 'debit',
        status: 'closed',
        version: 1,
      })) {
        expectProblem(await m.patch(accountPath('a'), { [field]: value }), 400, 'unknown_field', `/${field}`);
      }
      expectProblem(await m.patch(accountPath('a'), {}), 400, 'invalid_field', '');
      expectProblem(await m.patch(accountPath('a'), { min_balance: 1.5 }), 400, 'invalid_field', '/min_balance');
      expectProblem(await m.patch(accountPath('nobody'), { min_balance: 1 }), 404, 'unknown_account');
      expectProblem(await close(m, 'nobody'), 404, 'unknown_account');
      expectProblem(await reopen(m, 'nobody'), 404, 'unknown_account');
      expect((await m.account('a')).config_version).toBe(1);
    });

    it('may set a limit that the present state breaks, and a limit against the other', async () => {
      const m = await world.merchant();
      await m.fund('a', 100);
      expect((await m.patch(accountPath('a'), { max_balance: 5 })).status).toBe(200);
      expect((await m.patch(accountPath('a'), { min_balance: 500, max_balance: 1000 })).status).toBe(200);
      expectProblem(await m.transfer('a', 'b', 1), 422, 'insufficient_funds');
    });

    it('by If-Match happens at that config_version only', async () => {
      const m = await world.merchant();
      await m.open('a');
      const stale = await m.patch(accountPath('a'), { min_balance: -1 }, ifMatch(2));
      expectProblem(stale, 412, 'precondition_failed');
      expect(stale.body).toMatchObject({ account: 'a', config_version: 1, final: true });
      expect((await m.patch(accountPath('a'), { min_balance: -1 }, ifMatch(1))).body.config_version).toBe(2);
      expectProblem(await close(m, 'a', ifMatch(1)), 412, 'precondition_failed');
      expect((await close(m, 'a', ifMatch(2))).status).toBe(200);
      expectProblem(await reopen(m, 'a', ifMatch(2)), 412, 'precondition_failed');
      expect((await reopen(m, 'a', { headers: { 'If-Match': '3' } })).status).toBe(200);
      expect((await m.patch(accountPath('a'), { min_balance: 0 }, { headers: { 'If-Match': '*' } })).status).toBe(200);
      for (const version of ['x', '-1', '1", "2'])
        expect((await m.patch(accountPath('a'), { min_balance: 0 }, ifMatch(version))).status).toBe(400);
      // What moves money does not touch it.
      await m.fund('a', 5);
      expect(await m.account('a')).toMatchObject({ version: 1, config_version: 5 });
    });
  });

  describe('closing an account', () => {
    it('needs zero balance and no holds', async () => {
      const m = await world.merchant();
      await m.fund('a', 100);
      const full = await close(m, 'a');
      expectProblem(full, 422, 'account_not_empty');
      expect(full.body).toMatchObject({ account: 'a', posted: 100, pending_in: 0, pending_out: 0 });
      await m.transfer('a', 'b', 100);
      const { id } = await m.hold([leg('external/x', 'a', 5)]);
      expect((await close(m, 'a')).body).toMatchObject({ code: 'account_not_empty', pending_in: 5 });
      await m.act(id, 'void');
      const closed = await close(m, 'a');
      expect(closed.status, closed.text).toBe(200);
      expect(closed.body).toMatchObject({ name: 'a', status: 'closed', config_version: 2 });
      expect((await m.account('a')).status).toBe('closed');
    });

    it('shuts it for money until it is opened again', async () => {
      const m = await world.merchant();
      await m.fund('a', 100);
      const { id } = (await m.transfer('a', 'b', 100)).body;
      await close(m, 'a');
      for (const more of [{}, { pending: true }]) {
        const answer = await m.transfer('b', 'a', 1, more);
        expectProblem(answer, 422, 'account_closed', '/legs/0/credit');
        expect(answer.body.account).toBe('a');
      }
      expectProblem(await m.act(id, 'reverse'), 422, 'account_closed');
      expectProblem(await close(m, 'a'), 422, 'account_closed');
      const opened = await reopen(m, 'a');
      expect([opened.status, opened.body.status, opened.body.config_version]).toEqual([200, 'open', 3]);
      expectProblem(await reopen(m, 'a'), 422, 'account_not_closed');
      expect((await m.act(id, 'reverse')).status).toBe(201);
    });

    it('takes no fields', async () => {
      const m = await world.merchant();
      await m.open('a');
      expectProblem(await m.post(`${accountPath('a')}/close`, { reason: 'x' }), 400, 'unknown_field', '/reason');
      expect((await m.post(`${accountPath('a')}/close`, [])).status).toBe(400);
      expect((await m.account('a')).status).toBe('open');
    });
  });

  describe('a name in a path', () => {
    it('is percent-encoded and never taken for an action', async () => {
      const m = await world.merchant();
      for (const name of ['a', 'a/close', 'a/entries', 'batch', 'a/b', 'x@y+z:1', 'close']) await m.open(name);
      expect((await m.account('a/close')).name).toBe('a/close');
      expect((await m.account('batch')).name).toBe('batch');
      expect((await m.body('/v1/accounts/%61%2fb')).name).toBe('a/b');
      expect((await m.post('/v1/accounts/a%2Fclose/close', undefined)).body.name).toBe('a/close');
      expect((await m.account('a')).status).toBe('open');
      expectProblem(await m.get('/v1/accounts/a/b'), 404, 'not_found');
      for (const segment of ['%', '%zz', '%ff', 'a%2F', '..%2Fa', '%00', 'a%20b']) {
        expectProblem(await m.get(`/v1/accounts/${segment}`), 404, 'unknown_account');
      }
    });
  });
}
