/** New transactions: shape, legs, currencies, amounts, accounts opened at first use. */
import { describe, expect, it } from 'vitest';
import { expectProblem, leg } from '../support/merchant.js';
import type { World } from '../support/world.js';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const SAFE_MAX = 9007199254740991;
const INT64_MAX = '9223372036854775807';

export function transactionPromises(world: World): void {
  describe('a transaction', () => {
    it('is answered as the first example of the README shows', async () => {
      const m = await world.merchant();
      const legs = [leg('external/card', 'customer/42/wallet', 12500)];
      const answer = await m.post(
        '/v1/transactions',
        { legs, open_accounts: true, reference: 'order-1001' },
        { key: '"order-1001"' },
      );
      expect(answer.status, answer.text).toBe(201);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.headers.get('consistency-token')).toMatch(/^c1\./);
      expect(answer.headers.get('idempotency-replayed')).toBeNull();
      const { id, created_at, effective_at, ...rest } = answer.body;
      expect(id).toMatch(/^txn_[A-Za-z0-9_-]+$/);
      expect(created_at).toMatch(TIME);
      expect(effective_at).toBe(created_at);
      // Two accounts were opened first: their records are part of the merchant's sequence.
      expect(rest).toEqual({ kind: 'transaction', status: 'posted', legs, reference: 'order-1001', sequence: 3 });

      const account = await m.account('customer/42/wallet');
      expect(account).toMatchObject({
        name: 'customer/42/wallet',
        currency: 'EUR',
        normal_balance: 'credit',
        status: 'open',
        version: 1,
        balances: { posted: 12500, pending_in: 0, pending_out: 0, available: 12500 },
        sequence: 3,
      });
      expect(await m.posted('external/card')).toBe(-12500);
    });

    it('is read back as it was answered, and says what of it was reversed', async () => {
      const m = await world.merchant();
      const more = {
        reference: 'r',
        description: 'Ärger – ünd €',
        metadata: { a: 'x', n: 5, deep: { list: [1, true, null] } },
      };
      const { body } = await m.transfer('external/a', 'b', 100, more);
      expect(body).toMatchObject(more);
      const { reversed, legs, ...read } = await m.body(`/v1/transactions/${body.id}`);
      expect(reversed).toBe(0);
      expect(legs).toEqual([{ ...leg('external/a', 'b', 100), reversed: 0 }]);
      expect({ ...read, legs: body.legs }).toEqual(body);
    });

    it('takes 64 legs and refuses 65, and none', async () => {
      const m = await world.merchant();
      const legs = Array.from({ length: 64 }, (_, i) => leg('external/x', `c/${i}`, i + 1));
      const { body, status } = await m.post('/v1/transactions', { legs, open_accounts: true });
      expect(status).toBe(201);
      expect(body.legs).toEqual(legs);
      expect(body.sequence).toBe(66);
      expect((await m.account('external/x')).version).toBe(1);
      expect(await m.posted('external/x')).toBe(-(64 * 65) / 2);
      expect(await m.posted('c/63')).toBe(64);
      expectProblem(
        await m.post('/v1/transactions', { legs: [...legs, leg('a', 'b', 1)] }),
        400,
        'invalid_field',
        '/legs',
      );
      expectProblem(await m.post('/v1/transactions', { legs: [] }), 400, 'invalid_field', '/legs');
    });

    it('moves several currencies at once, each leg in one, with the exponents of ISO 4217 and of the operator', async () => {
      const m = await world.merchant();
      const legs = [
        leg('external/fx/EUR', 'w/EUR', 1000, 'EUR'),
        leg('external/fx/JPY', 'w/JPY', 162345, 'JPY'),
        leg('external/fx/KWD', 'w/KWD', 3071, 'KWD'),
        leg('external/fx/POINTS', 'w/POINTS', 7, 'POINTS'),
        leg('external/fx/GOLD', 'w/GOLD', 1_000_000, 'GOLD_MG'),
      ];
      const { body } = await m.post('/v1/transactions', { legs, open_accounts: true });
      expect(body.legs).toEqual(legs);
      for (const { credit, amount, currency } of legs) {
        const account = await m.account(credit);
        expect([account.currency, account.balances.posted]).toEqual([currency, amount]);
      }
      expectProblem(await m.transfer('external/fx/EUR', 'w/JPY', 1, {}), 422, 'currency_mismatch', '/legs/0/credit');
      expectProblem(
        await m.post('/v1/transactions', { legs: [leg('a', 'b', 1, 'XQQ')] }),
        400,
        'unknown_currency',
        '/legs/0/currency',
      );
      expectProblem(
        await m.post('/v1/transactions', { legs: [leg('a', 'b', 1, 'eur')] }),
        400,
        'unknown_currency',
        '/legs/0/currency',
      );
    });

    it('carries amounts from 1 to 2^63−1 exactly, as numbers to 2^53−1 and as strings beyond', async () => {
      const m = await world.merchant();
      const amounts: [number | string, number | string][] = [
        [1, 1],
        ['1', 1],
        [SAFE_MAX, SAFE_MAX],
        ['9007199254740991', SAFE_MAX],
        ['9007199254740992', '9007199254740992'],
        ['9007199254740993', '9007199254740993'],
        [INT64_MAX, INT64_MAX],
      ];
      for (const [index, [sent, shown]] of amounts.entries()) {
        const answer = await m.transfer(`external/${index}`, `a/${index}`, sent);
        expect(answer.body.legs, answer.text).toEqual([leg(`external/${index}`, `a/${index}`, shown)]);
        expect(await m.posted(`a/${index}`)).toBe(shown);
        expect(await m.posted(`external/${index}`)).toBe(typeof shown === 'number' ? -shown : `-${shown}`);
        expect((await m.body(`/v1/transactions/${answer.body.id}`)).legs[0].amount).toBe(shown);
      }
    });

    it('refuses a counter beyond 2^63−1, held money included, and nothing moves', async () => {
      const m = await world.merchant();
      await m.fund('a', INT64_MAX);
      expectProblem(await m.transfer('external/other', 'a', 1), 422, 'amount_overflow', '/legs/0/amount');
      await m.hold([leg('external/h', 'b', INT64_MAX)]);
      expectProblem(await m.transfer('external/i', 'b', 1), 422, 'amount_overflow');
      expect(await m.balances('b')).toEqual({ posted: 0, pending_in: INT64_MAX, pending_out: 0, available: 0 });
      expectProblem(await m.get('/v1/accounts/external%2Fother'), 404, 'unknown_account');
    });

    it.each([
      ['0', 0],
      ['a negative number', -1],
      ['a fraction', '1.5 as it is'],
      ['1.0', '1.0 as it is'],
      ['1e3', '1e3 as it is'],
      ['minus zero', '-0 as it is'],
      ['a number beyond 2^53−1', '9007199254740992 as it is'],
      ['a number that a double would round', '9007199254740993 as it is'],
      ['an enormous number', '1e400 as it is'],
      ['true', true],
      ['null', null],
      ['an array', []],
      ['an object', {}],
      ['an empty string', ''],
      ['"0"', '0'],
      ['"01"', '01'],
      ['"+1"', '+1'],
      ['"-1"', '-1'],
      ['"1.0"', '1.0'],
      ['"1e3"', '1e3'],
      ['" 1"', ' 1'],
      ['"1\\n"', '1\n'],
      ['Arabic digits', '١٢'],
      ['2^63 as a string', '9223372036854775808'],
      ['twenty digits', '10000000000000000000'],
    ])('refuses %s as an amount and points at it', async (_name, amount) => {
      const m = await world.merchant();
      const raw = typeof amount === 'string' ? /^(.*) as it is$/.exec(amount)?.[1] : undefined;
      const text = `{"legs":[{"debit":"external/x","credit":"y","amount":1,"currency":"EUR"},{"debit":"external/x","credit":"y","amount":${raw ?? JSON.stringify(amount)},"currency":"EUR"}],"open_accounts":true}`;
      expectProblem(await m.post('/v1/transactions', text), 400, 'invalid_field', '/legs/1/amount');
      expectProblem(await m.get('/v1/accounts/y'), 404, 'unknown_account');
    });

    it('refuses forms that JSON does not have', async () => {
      const m = await world.merchant();
      for (const amount of ['+1', '01', '.5', '1.', 'NaN', 'Infinity', '0x10', '1_000', '1n']) {
        const text = `{"legs":[{"debit":"external/x","credit":"y","amount":${amount},"currency":"EUR"}],"open_accounts":true}`;
        expectProblem(await m.post('/v1/transactions', text), 400, 'malformed_body');
      }
    });
  });

  describe('accounts of a transaction', () => {
    it('must be there, unless the request opens them', async () => {
      const m = await world.merchant();
      const legs = [leg('external/a', 'b', 1)];
      expectProblem(await m.post('/v1/transactions', { legs }), 404, 'unknown_account', '/legs/0/debit');
      expectProblem(
        await m.post('/v1/transactions', { legs, open_accounts: false }),
        404,
        'unknown_account',
        '/legs/0/debit',
      );
      expectProblem(
        await m.post('/v1/transactions', { legs, open_accounts: { 'external/a': {} } }),
        404,
        'unknown_account',
        '/legs/0/credit',
      );
      expectProblem(await m.get('/v1/accounts/external%2Fa'), 404, 'unknown_account');
      expect((await m.post('/v1/transactions', { legs, open_accounts: true })).status).toBe(201);
      expect((await m.post('/v1/transactions', { legs })).status).toBe(201);
    });

    it('are opened with the settings that the map names', async () => {
      const m = await world.merchant();
      const settings = {
        min_balance: -500,
        max_balance: '9007199254740993',
        normal_balance: 'debit',
        metadata: { tier: 'gold' },
      };
      const legs = [leg('a', 'external/b', 100)];
      const { status } = await m.post('/v1/transactions', { legs, open_accounts: { a: settings, 'external/b': {} } });
      expect(status).toBe(201);
      expect(await m.account('a')).toMatchObject({ ...settings, config_version: 1, balances: { posted: 100 } });
      expect(await m.account('external/b')).toMatchObject({
        min_balance: null,
        max_balance: null,
        normal_balance: 'credit',
      });
    });

    it('default to a min_balance of 0, and of none under external/', async () => {
      const m = await world.merchant();
      expect((await m.transfer('external/any/thing', 'externals', 5)).status).toBe(201);
      expect(await m.account('external/any/thing')).toMatchObject({ min_balance: null, max_balance: null });
      expect(await m.account('externals')).toMatchObject({ min_balance: 0, max_balance: null });
      expectProblem(await m.transfer('externals', 'x', 6), 422, 'insufficient_funds', '/legs/0/debit');
      expectProblem(await m.get('/v1/accounts/x'), 404, 'unknown_account');
    });

    it('keep the settings they have when a map names them again, and a map may name used accounts only', async () => {
      const m = await world.merchant();
      await m.open('a', { min_balance: -10 });
      const legs = [leg('a', 'b', 10)];
      expect(
        (await m.post('/v1/transactions', { legs, open_accounts: { a: { min_balance: null }, b: {} } })).status,
      ).toBe(201);
      expect((await m.account('a')).min_balance).toBe(-10);
      expectProblem(
        await m.post('/v1/transactions', { legs, open_accounts: { c: {} } }),
        400,
        'invalid_field',
        '/open_accounts/c',
      );
      expectProblem(
        await m.post('/v1/transactions', { legs, open_accounts: { b: { limit: 1 } } }),
        400,
        'unknown_field',
        '/open_accounts/b/limit',
      );
      expectProblem(
        await m.post('/v1/transactions', { legs, open_accounts: 'yes' }),
        400,
        'invalid_field',
        '/open_accounts',
      );
    });

    it('have names of the stated alphabet', async () => {
      const m = await world.merchant();
      for (const name of [
        'a',
        'A.b_c:d/@e+f-9',
        '@',
        'x'.repeat(128),
        'constructor',
        '...',
        'a/.b',
        'toString/valueOf',
      ]) {
        expect((await m.transfer('external/x', name, 1)).status, name).toBe(201);
        expect((await m.account(name)).name).toBe(name);
      }
      for (const name of [
        '',
        '/a',
        'a/',
        'a//b',
        '.',
        '..',
        'a/./b',
        'a/..',
        'a b',
        'ä',
        'a%2Fb',
        'a\u0000b',
        'x'.repeat(129),
        'a*',
        'a?',
      ]) {
        expectProblem(await m.transfer('external/x', name, 1), 400, 'invalid_field', '/legs/0/credit');
      }
      expectProblem(await m.transfer('same', 'same', 1), 400, 'invalid_field', '/legs/0/credit');
    });
  });

  describe('texts of a transaction', () => {
    it('are bounded', async () => {
      const m = await world.merchant();
      const ok = { reference: 'r'.repeat(255), description: 'd'.repeat(1000), metadata: { k: 'v'.repeat(4096 - 8) } };
      expect((await m.transfer('external/x', 'y', 1, ok)).body).toMatchObject(ok);
      const bad = { reference: 'r'.repeat(256), description: 'd'.repeat(1001), metadata: { k: 'v'.repeat(4096 - 7) } };
      for (const [field, value] of Object.entries(bad)) {
        expectProblem(await m.transfer('external/x', 'y', 1, { [field]: value }), 400, 'invalid_field', `/${field}`);
      }
      expectProblem(await m.transfer('external/x', 'y', 1, { reference: '' }), 400, 'invalid_field', '/reference');
      expectProblem(await m.transfer('external/x', 'y', 1, { metadata: [1] }), 400, 'invalid_field', '/metadata');
      expectProblem(
        await m.transfer('external/x', 'y', 1, { metadata: { a: { b: 1.5 } } }),
        400,
        'invalid_field',
        '/metadata/a/b',
      );
    });

    it('are read back and found as they were written, also where they begin with U+FEFF or hold quotes', async () => {
      const m = await world.merchant();
      const texts = { reference: '\ufeff"r\\', description: '\ufeff', metadata: { '\ufeffk': '\ufeffv' } };
      const { body } = await m.transfer('external/x', 'y', 1, texts);
      expect(body).toMatchObject(texts);
      expect(await m.body(`/v1/transactions/${body.id}`)).toMatchObject(texts);
      const found = await m.body(`/v1/transactions?reference=${encodeURIComponent(texts.reference)}`);
      expect(found.data).toEqual([expect.objectContaining({ id: body.id, ...texts })]);
    });
  });
}
