/** Statements and lists, compared with a fold by hand; cursors stable under writes. */
import { describe, expect, it } from 'vitest';
import { accountPath, expectProblem, leg, type Merchant } from '../support/merchant.js';
import type { World } from '../support/world.js';

// biome-ignore lint/suspicious/noExplicitAny: bodies of answers
type Body = any;

interface Folded {
  posted: number;
  pending_in: number;
  pending_out: number;
}

const KINDS_THAT_POST = new Set(['transaction', 'capture', 'reversal']);

/** What one record does to an account, by the definitions of the contract. */
function changeOf(record: Body, name: string): Folded {
  const change = { posted: 0, pending_in: 0, pending_out: 0 };
  const holds = record.kind === 'increment' || (record.kind === 'transaction' && record.status !== 'posted');
  for (const { debit, credit, amount, released = 0 } of record.legs) {
    const sign = credit === name ? 1 : debit === name ? -1 : 0;
    const side = sign > 0 ? 'pending_in' : 'pending_out';
    if (sign === 0) continue;
    if (holds) change[side] += amount;
    else if (record.kind === 'transaction' || record.kind === 'reversal') change.posted += sign * amount;
    else {
      change.posted += sign * amount;
      change[side] -= amount + released;
    }
  }
  return change;
}

/** The statement of an account as the records of the merchant make it. */
function statementOf(records: readonly Body[], name: string): object[] {
  const now = { posted: 0, pending_in: 0, pending_out: 0 };
  const lines: object[] = [];
  for (const record of records) {
    const change = changeOf(record, name);
    if (change.posted === 0 && change.pending_in === 0 && change.pending_out === 0) continue;
    now.posted += change.posted;
    now.pending_in += change.pending_in;
    now.pending_out += change.pending_out;
    const { id, parent, kind, sequence } = record;
    lines.push({
      transaction: id,
      kind,
      ...(parent === undefined ? {} : { parent }),
      sequence,
      version: lines.length + 1,
      change,
      balances: { ...now, available: now.posted - now.pending_out },
    });
  }
  return lines;
}

/** Some of everything; returns all that was recorded, in the order of the log, as it was answered. */
async function history(m: Merchant): Promise<Body[]> {
  const records: Body[] = [];
  const keep = async (
    answer: Promise<{ readonly body: Body; readonly status: number; readonly text: string }>,
  ): Promise<Body> => {
    const { status, body, text } = await answer;
    expect(status, text).toBe(201);
    records.push(body);
    return body;
  };
  for (let i = 1; i <= 4; i++) {
    await keep(
      m.transfer('external/x', 'a', i * 1000, {
        reference: `in-${i}`,
        metadata: { batch: i % 2 === 0 ? 'even' : 'odd', n: i },
      }),
    );
  }
  for (let i = 1; i <= 4; i++) {
    const held = await keep(
      m.transfer('a', i % 2 === 0 ? 'b' : 'c/1', i * 100, {
        pending: true,
        reference: 'hold',
        metadata: { batch: 'hold' },
      }),
    );
    if (i === 1) continue;
    await keep(m.act(held.id, 'increment', { amount: 50 }));
    await keep(m.act(held.id, 'capture', { amount: 120, reference: `cap-${i}` }));
    if (i === 2) continue;
    await keep(m.act(held.id, i === 3 ? 'void' : 'capture', i === 3 ? undefined : { amount: 1, final: true }));
  }
  const legs = [leg('a', 'b', 10), leg('b', 'c/2', 5), leg('a', 'b', 1)];
  const many = await keep(m.post('/v1/transactions', { legs, open_accounts: true }));
  await keep(m.act(many.id, 'reverse', { legs: [{ leg: 1, amount: 3 }] }));
  return records;
}

const ids = (items: readonly Body[]): string[] => items.map(({ id }) => id);

export function listPromises(world: World): void {
  describe('a statement', () => {
    it('has exactly the records that changed the account, with running balances and versions', async () => {
      const m = await world.merchant();
      const records = await history(m);
      for (const name of ['a', 'b', 'c/1', 'c/2', 'external/x']) {
        const entries = await m.list(`${accountPath(name)}/entries`, 3);
        const compared = entries.map(
          ({ created_at: _c, effective_at: _e, reference: _r, metadata: _m, ...rest }) => rest,
        );
        expect(compared).toEqual(statementOf(records, name));
        const { version, balances } = await m.account(name);
        expect([version, balances]).toEqual([entries.length, entries.at(-1)?.balances]);
        const posted = await m.list(`${accountPath(name)}/entries?kind=posted`, 2);
        expect(posted).toEqual(entries.filter(({ change, kind }) => KINDS_THAT_POST.has(kind) && change.posted !== 0));
      }
    });

    it('never changes once written, and its cursors go on where they ended', async () => {
      const m = await world.merchant();
      const records = await history(m);
      const path = `${accountPath('a')}/entries`;
      const before = await m.list(path);
      const page = await m.body(`${path}?limit=5`);
      await m.transfer('external/x', 'a', 1, { effective_at: '1999-01-01T00:00:00Z' });
      await m.act(ids(records)[0] as string, 'reverse');
      const after = await m.list(path, 4);
      expect(after.slice(0, before.length)).toEqual(before);
      expect(after).toHaveLength(before.length + 2);
      const rest = await m.body(`${path}?limit=1000&cursor=${page.next_cursor}`);
      expect([...page.data, ...rest.data]).toEqual(after);
    });

    it('is bounded by recorded time', async () => {
      const m = await world.merchant();
      await history(m);
      const path = `${accountPath('a')}/entries`;
      const all = await m.list(path);
      const [from, to] = [all[3].created_at, all[8].created_at];
      const wanted = all.filter(({ created_at }) => created_at >= from && created_at < to);
      expect(await m.list(`${path}?from=${from}&to=${to}`, 2)).toEqual(wanted);
    });

    it('of an account that is not there is 404, of one without records empty', async () => {
      const m = await world.merchant();
      await m.open('quiet');
      expect(await m.body(`${accountPath('quiet')}/entries`)).toEqual({ data: [], next_cursor: null });
      expectProblem(await m.get(`${accountPath('nobody')}/entries`), 404, 'unknown_account');
    });
  });

  describe('the list of transactions', () => {
    it('has all of them, newest first, by every filter as by hand', async () => {
      const m = await world.merchant();
      const records = await history(m);
      const all = await m.list('/v1/transactions', 7);
      expect(ids(all)).toEqual(ids(records).reverse());
      for (const one of all) expect(await m.body(`/v1/transactions/${one.id}`)).toEqual(one);

      const mid = all[10].created_at;
      const filters: [string, (item: Body) => boolean][] = [
        ['account=b', ({ legs }) => legs.some(({ debit, credit }: Body) => debit === 'b' || credit === 'b')],
        ['account=c/1', ({ legs }) => legs.some(({ debit, credit }: Body) => debit === 'c/1' || credit === 'c/1')],
        ['account=c%2F2', ({ legs }) => legs.some(({ debit, credit }: Body) => debit === 'c/2' || credit === 'c/2')],
        ['account=nobody', () => false],
        ['reference=hold', ({ reference }) => reference === 'hold'],
        ['reference=in-3', ({ reference }) => reference === 'in-3'],
        ['reference=none', () => false],
        ...['posted', 'pending', 'captured', 'partially_captured', 'voided', 'expired'].map(
          (status): [string, (item: Body) => boolean] => [`status=${status}`, (item) => item.status === status],
        ),
        ['metadata[batch]=even', ({ metadata }) => metadata?.batch === 'even'],
        ['metadata%5Bbatch%5D=hold', ({ metadata }) => metadata?.batch === 'hold'],
        ['metadata[batch]=nothing', () => false],
        [`from=${mid}`, ({ created_at }) => created_at >= mid],
        [`to=${mid}`, ({ created_at }) => created_at < mid],
        [
          `account=a&status=pending&reference=hold`,
          ({ status, reference }) => status === 'pending' && reference === 'hold',
        ],
        [
          `account=b&metadata[batch]=hold&to=${mid}`,
          ({ legs, metadata, created_at }) =>
            legs.some(({ credit }: Body) => credit === 'b') && metadata?.batch === 'hold' && created_at < mid,
        ],
      ];
      for (const [query, keeps] of filters) {
        for (const limit of [2, 1000])
          expect(ids(await m.list(`/v1/transactions?${query}`, limit)), query).toEqual(ids(all.filter(keeps)));
      }
    });

    it('is stable under writes: a cursor neither repeats nor leaves out', async () => {
      const m = await world.merchant();
      const known: string[] = [];
      for (let i = 0; i < 9; i++) known.unshift((await m.transfer('external/x', 'a', 1)).body.id);
      const first = await m.body('/v1/transactions?limit=4&account=a');
      for (let i = 0; i < 3; i++) await m.transfer('external/x', 'a', 1);
      const second = await m.body(`/v1/transactions?limit=4&account=a&cursor=${first.next_cursor}`);
      const third = await m.body(`/v1/transactions?limit=4&account=a&cursor=${second.next_cursor}`);
      expect(ids([...first.data, ...second.data, ...third.data])).toEqual(known);
      expect(third.next_cursor).toBeNull();
    });
  });

  describe('the list of accounts', () => {
    it('is by name, by prefix, with balances, stable under writes', async () => {
      const m = await world.merchant();
      const names = ['Z', 'a', 'a/1', 'a/2', 'a0', 'ab', 'b', 'b+c', 'b/x@y'];
      for (const name of [...names].reverse()) await m.open(name, { metadata: { name } });
      await m.transfer('external/x', 'a/2', 5);
      const all = await m.list('/v1/accounts', 2);
      expect(all.map(({ name }) => name)).toEqual([...names, 'external/x'].sort());
      for (const account of all)
        expect({ ...(await m.account(account.name)), sequence: 0 }).toEqual({ ...account, sequence: 0 });
      for (const prefix of ['a', 'a/', 'b+', 'zz', 'external/']) {
        const found = await m.list(`/v1/accounts?prefix=${encodeURIComponent(prefix)}`, 2);
        expect(found.map(({ name }) => name)).toEqual(
          [...names, 'external/x'].sort().filter((name) => name.startsWith(prefix)),
        );
      }
      const page = await m.body('/v1/accounts?limit=3');
      await m.open('A');
      await m.open('aa');
      const rest = await m.body(`/v1/accounts?cursor=${page.next_cursor}`);
      expect(rest.data.map(({ name }: Body) => name)).toEqual([
        'a/2',
        'a0',
        'aa',
        'ab',
        'b',
        'b+c',
        'b/x@y',
        'external/x',
      ]);
    });
  });

  describe('a page', () => {
    it('is asked for by known parameters with good values', async () => {
      const m = await world.merchant();
      await m.fund('a', 1);
      const lists = ['/v1/transactions', '/v1/accounts', `${accountPath('a')}/entries`];
      const bad = [
        'limit=0',
        'limit=1001',
        'limit=x',
        'limit=1&limit=2',
        'page=2',
        'limit=-1',
        'cursor=',
        'limit=1.0',
        '__proto__=1',
      ];
      for (const path of lists)
        for (const query of bad) expectProblem(await m.get(`${path}?${query}`), 400, 'invalid_query');
      for (const query of ['status=done', 'account=a//b', 'from=now', 'metadata[a]=1&metadata[b]=2', 'reference=%ff']) {
        expectProblem(await m.get(`/v1/transactions?${query}`), 400, 'invalid_query');
      }
      expectProblem(await m.get(`/v1/transactions/txn_x?limit=1`), 400, 'invalid_query');
      expectProblem(await m.get(`${accountPath('a')}/entries?kind=held`), 400, 'invalid_query');
      expectProblem(await m.get('/v1/accounts?prefix=a%20b'), 400, 'invalid_query');
    });

    it('goes on by its own cursor only: of this list, these filters, this merchant', async () => {
      const m = await world.merchant();
      const other = await world.merchant();
      for (const one of [m, other]) for (let i = 0; i < 3; i++) await one.transfer('external/x', 'a', 1);
      const cursor = (await m.body('/v1/transactions?limit=1')).next_cursor;
      expect(cursor).toMatch(/^c1\./);
      const tampered = cursor.slice(0, -1) + (cursor.endsWith('A') ? 'B' : 'A');
      expect((await m.get(`/v1/transactions?limit=2&cursor=${cursor}`)).status).toBe(200);
      for (const path of [
        `/v1/transactions?cursor=${tampered}`,
        '/v1/transactions?cursor=c1.x',
        '/v1/transactions?cursor=5',
        `/v1/transactions?account=a&cursor=${cursor}`,
        `/v1/accounts?cursor=${cursor}`,
        `${accountPath('a')}/entries?cursor=${cursor}`,
        `/v1/transactions?cursor=${encodeURIComponent(m.token)}`,
      ]) {
        expectProblem(await m.get(path), 400, 'invalid_cursor');
      }
      expectProblem(await other.get(`/v1/transactions?cursor=${cursor}`), 400, 'invalid_cursor');
    });
  });
}
