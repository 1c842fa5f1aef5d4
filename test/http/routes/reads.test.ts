import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TransactionQuery } from '../../../src/folds/read/queries.js';
import {
  accountView,
  BOOK,
  HASH_KEY,
  LOG_ID,
  RECORDED_AT,
  recordView,
  startWorld,
  type World,
} from '../support/fake.js';

const transaction = (position: number, sequence: number) => ({
  record: recordView({ position, sequence }),
  status: 'posted' as const,
  legs: [{ captured: 0n, remaining: 0n, released: 0n, reversed: 0n }],
});

describe.each(['uws', 'node'] as const)('reading through the %s server', (kind) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(kind);
  });
  afterAll(() => world.front.close());
  beforeEach(() => {
    world.reader.waitFor = async () => true;
    world.engine.onAsk = (_head, request) => {
      if (request.type === 'read_head') return { type: 'head', sequence: 10, recordedAt: RECORDED_AT };
      return { type: 'account', account: accountView({ sequence: 10 }), sequence: 10 };
    };
  });
  afterEach(() => expect(world.errors.splice(0)).toEqual([]));

  const get = (path: string, token?: string) =>
    world.send('GET', path, token === undefined ? {} : { headers: { 'consistency-token': token } });

  it('shows an account as memory has it, with a token for what it saw', async () => {
    const answer = await get('/v1/accounts/customer%2F42');
    expect(answer.json).toMatchObject({
      name: 'customer/42',
      balances: { posted: 12500, pending_in: 0, pending_out: 0, available: 12500 },
      sequence: 10,
    });
    expect(world.engine.asks.at(-1)?.request).toEqual({ type: 'read_account', account: 'customer/42' });
    const token = answer.headers.get('consistency-token') ?? '';
    expect(world.sealer.openToken(token, BOOK)).toMatchObject({ sequence: 10 });
  });

  it('takes the name from the path once decoded and never for an action', async () => {
    await get('/v1/accounts/a%2Fclose');
    expect(world.engine.asks.at(-1)?.request).toMatchObject({ account: 'a/close' });
    await get('/v1/accounts/batch');
    expect(world.engine.asks.at(-1)?.request).toMatchObject({ account: 'batch' });
    await get('/v1/accounts/a+b@c:d');
    expect(world.engine.asks.at(-1)?.request).toMatchObject({ account: 'a+b@c:d' });
    expect((await get('/v1/accounts/a%252Fb')).json).toMatchObject({ status: 404, code: 'unknown_account' });
    expect((await get('/v1/accounts/a/b')).json).toMatchObject({ status: 404, code: 'not_found' });
    expect((await get('/v1/accounts/%ff')).json).toMatchObject({ status: 404, code: 'unknown_account' });
  });

  it('answers HEAD like GET, without the body', async () => {
    const answer = await world.send('HEAD', '/v1/accounts/customer%2F42');
    expect([answer.status, answer.text]).toEqual([200, '']);
  });

  it('knows nothing of an account that is not there', async () => {
    world.engine.onAsk = () => ({ type: 'account', account: null, sequence: 10 });
    expect((await get('/v1/accounts/nobody')).json).toMatchObject({ status: 404, code: 'unknown_account' });
  });

  it('reads metadata that memory does not hold', async () => {
    world.engine.onAsk = () => ({ type: 'account', account: accountView({ metadata: undefined }), sequence: 10 });
    world.reader.metadata = async () => '{"tier":"gold"}';
    expect((await get('/v1/accounts/customer%2F42')).json.metadata).toEqual({ tier: 'gold' });
  });

  const paths = [
    '/v1/accounts/customer%2F42',
    '/v1/accounts',
    '/v1/transactions',
    '/v1/accounts/customer%2F42/entries',
  ];
  const sealed = (incarnation: number, sequence: number, book = BOOK): string =>
    world.sealer.sealToken(incarnation, sequence, book);

  it.each(paths)('judges the token of GET %s', async (path) => {
    world.reader.entries = async () => ({ data: [], next: null });
    world.reader.transaction = async () => transaction(100, 5);
    expect((await get(path, sealed(1, 10))).status).toBe(200);
    expect((await get(path, sealed(1, 11))).json).toMatchObject({ status: 400, code: 'invalid_token' });
    expect((await get(path, sealed(1, 1, BOOK + 1))).json).toMatchObject({ status: 400, code: 'invalid_token' });
    expect((await get(path, sealed(2, 1))).json).toMatchObject({ status: 410, code: 'restored' });
    expect((await get(path, 'c1.nonsense')).json).toMatchObject({ status: 400, code: 'invalid_token' });
  });

  it.each(paths.slice(1))('says that GET %s is behind, after waiting for its fold', async (path) => {
    const waits: number[] = [];
    world.reader.waitFor = async (_book, sequence, timeoutMs) => {
      waits.push(sequence, timeoutMs);
      return false;
    };
    const answer = await get(path, sealed(1, 9));
    expect(answer.json).toMatchObject({ status: 503, code: 'read_behind' });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(waits).toEqual([9, 1000]);
  });

  it('shows a transaction as it stands, and none of another log', async () => {
    world.reader.transaction = async (book, position) =>
      book === BOOK && position === 100 ? transaction(100, 5) : null;
    const id = world.ids.encode(LOG_ID, 100);
    expect((await get(`/v1/transactions/${id}`)).json).toMatchObject({ id, status: 'posted', reversed: 0 });
    for (const other of [world.ids.encode(LOG_ID, 101), world.ids.encode(LOG_ID + 1, 100), 'txn_x']) {
      expect((await get(`/v1/transactions/${other}`)).json).toMatchObject({ status: 404, code: 'unknown_transaction' });
    }
  });

  it('lists transactions page by page, with a cursor for this list and its filters only', async () => {
    const queries: TransactionQuery[] = [];
    world.reader.transactions = async (_book, query) => {
      queries.push(query);
      return query.before === undefined ? { data: [transaction(100, 5)], next: 5 } : { data: [], next: null };
    };
    const first = await get('/v1/transactions?account=customer%2F42&limit=1&metadata[tier]=gold');
    expect(first.json.data).toHaveLength(1);
    const cursor = encodeURIComponent(first.json.next_cursor);
    const second = await get(`/v1/transactions?account=customer%2F42&limit=7&metadata[tier]=gold&cursor=${cursor}`);
    expect(second.json).toEqual({ data: [], next_cursor: null });
    const filter = { account: 'customer/42', metadata: { key: 'tier', value: 'gold' } };
    expect(queries).toEqual([
      { filter, limit: 1 },
      { filter, limit: 7, before: 5 },
    ]);
    for (const path of [
      `/v1/transactions?cursor=${cursor}`,
      `/v1/accounts?cursor=${cursor}`,
      '/v1/transactions?cursor=c1.AAAA',
    ]) {
      expect((await get(path)).json).toMatchObject({ status: 400, code: 'invalid_cursor' });
    }
  });

  it('lists accounts by name', async () => {
    world.reader.accounts = async (_book, { after, prefix }) =>
      after === undefined
        ? { data: [accountView()], next: `${prefix}42` }
        : { data: [accountView({ name: after })], next: null };
    const first = await get('/v1/accounts?prefix=customer%2F');
    expect(first.json.data[0].name).toBe('customer/42');
    const second = await get(`/v1/accounts?prefix=customer%2F&cursor=${encodeURIComponent(first.json.next_cursor)}`);
    expect(second.json).toMatchObject({ data: [{ name: 'customer/42' }], next_cursor: null });
  });

  it('lists the statement of an account, cut to the span asked for', async () => {
    const entry = (sequence: number, recordedAt: number) => ({
      record: recordView({ sequence, recordedAt, position: 100 + sequence }),
      version: sequence,
      debitsPosted: 0n,
      creditsPosted: 12500n * BigInt(sequence),
      debitsPending: 0n,
      creditsPending: 0n,
    });
    const second = 1_000_000;
    world.reader.entries = async () => ({
      data: [entry(1, RECORDED_AT), entry(2, RECORDED_AT + second), entry(3, RECORDED_AT + 2 * second)],
      next: 3,
    });
    const all = await get('/v1/accounts/customer%2F42/entries');
    expect(all.json.data.map((line: { version: number }) => line.version)).toEqual([1, 2, 3]);
    expect(all.json.next_cursor).toMatch(/^c1\./);
    const time = (offset: number): string => new Date((RECORDED_AT + offset) / 1000).toISOString();
    const cut = await get(`/v1/accounts/customer%2F42/entries?from=${time(second)}&to=${time(2 * second)}`);
    expect(cut.json.data.map((line: { version: number }) => line.version)).toEqual([2]);
    expect(cut.json.next_cursor).toBeNull();
  });

  it('waits for the fold where an account is there and its statement is not', async () => {
    let folded = false;
    world.reader.entries = async () => (folded ? { data: [], next: null } : null);
    world.reader.waitFor = async () => {
      folded = true;
      return true;
    };
    expect((await get('/v1/accounts/customer%2F42/entries')).json).toEqual({ data: [], next_cursor: null });
    folded = false;
    world.reader.waitFor = async () => false;
    expect((await get('/v1/accounts/customer%2F42/entries')).json).toMatchObject({ status: 503, code: 'read_behind' });
  });

  it('shows the past, and refuses the future', async () => {
    world.reader.accountAt = async () => accountView({ version: 3 });
    world.reader.accountAsOf = async () => ({
      account: accountView(),
      debitsPosted: 100n,
      creditsPosted: 400n,
      sequence: 9,
    });
    const path = '/v1/accounts/customer%2F42';
    const now = new Date().toISOString();
    const later = new Date(Date.now() + 60_000).toISOString();
    expect((await get(`${path}?at=2024-01-01T00:00:00Z`)).json).toMatchObject({ version: 3 });
    expect((await get(`${path}?at=${now}`)).status).toBe(200);
    expect((await get(`${path}?as_of=2024-01-01T00:00:00Z`)).json).toMatchObject({
      balances: { posted: 300 },
      sequence: 9,
    });
    expect((await get(`${path}?at=${later}`)).json).toMatchObject({ status: 400, code: 'time_in_future' });
    expect((await get(`${path}?as_of=${later}`)).json).toMatchObject({ status: 400, code: 'time_in_future' });
    expect((await get(`${path}?at=yesterday`)).json).toMatchObject({ status: 400, code: 'invalid_query' });
  });

  it('passes on that the engine cannot answer now', async () => {
    world.engine.onAsk = () => ({ type: 'unavailable', code: 'shard_unavailable', retryAfterSeconds: 2 });
    const answer = await get('/v1/accounts/customer%2F42');
    expect(answer.json).toMatchObject({ status: 503, code: 'shard_unavailable' });
    expect(answer.headers.get('retry-after')).toBe('2');
    world.engine.onAsk = () => ({ refuse: 'overloaded' });
    expect((await get('/v1/accounts/customer%2F42')).json).toMatchObject({ status: 503, code: 'overloaded' });
  });

  it('says that the shard is away when its database is', async () => {
    world.reader.transaction = async () => {
      throw Object.assign(new Error('connection lost'), { code: 'MR_STORE_UNAVAILABLE' });
    };
    const answer = await get(`/v1/transactions/${world.ids.encode(LOG_ID, 100)}`);
    expect(answer.json).toMatchObject({ status: 503, code: 'shard_unavailable', outcome: 'none' });
  });

  it('refuses cursors and tokens from before a restore', async () => {
    let incarnation = 1;
    const restored = await startWorld(kind, {
      shard: () => ({ logId: LOG_ID, incarnation, hashKey: HASH_KEY, reader: world.reader }),
    });
    world.reader.transactions = async () => ({ data: [], next: 5 });
    const first = await restored.send('GET', '/v1/transactions');
    incarnation = 2;
    const path = `/v1/transactions?cursor=${encodeURIComponent(first.json.next_cursor)}`;
    expect((await restored.send('GET', path)).json).toMatchObject({ status: 410, code: 'restored' });
    await restored.front.close();
  });
});
