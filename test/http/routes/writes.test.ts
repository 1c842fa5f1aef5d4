import { Packr, unpack } from 'msgpackr';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { errorByCode } from '../../../src/ledger/errors.js';
import { RecordKind } from '../../../src/ledger/record.js';
import {
  accountView,
  BOOK,
  LOG_ID,
  POSTING,
  RECORDED_AT,
  recorded,
  recordView,
  startWorld,
  type World,
} from '../support/fake.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });
const replay = { type: 'replay', position: 100, fingerprint: '1:2' } as const;

describe.each(['uws', 'node'] as const)('writing through the %s server', (kind) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(kind);
  });
  afterAll(() => world.front.close());
  afterEach(() => {
    expect(world.errors.splice(0)).toEqual([]);
    expect(world.front.inFlight).toBe(0);
  });

  const post = (body: unknown = POSTING, key = 'k1') => world.send('POST', '/v1/transactions', { body, key });

  it('answers a posting that was committed with 201, its id and a token', async () => {
    world.engine.onPost = () => recorded();
    const answer = await post();
    expect(answer.status).toBe(201);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('idempotency-replayed')).toBeNull();
    expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
    expect(answer.json).toMatchObject({ status: 'posted', sequence: 5, id: world.ids.encode(LOG_ID, 100) });
    const token = answer.headers.get('consistency-token') ?? '';
    expect(world.sealer.openToken(token, BOOK)).toEqual({ incarnation: 1, sequence: 5 });
    const { head, request } = world.engine.posts.at(-1) ?? {};
    expect(head).toEqual({ shard: 0, book: BOOK, key: 'k1', route: 'POST /v1/transactions' });
    expect(request).toMatchObject({ openAccounts: true, dryRun: false });
  });

  it('replays with the same status and body', async () => {
    world.engine.onPost = () => recorded();
    const first = await post();
    world.engine.onPost = () => replay;
    world.reader.unit = async () => [recordView()];
    const again = await post();
    expect(again.status).toBe(first.status);
    expect(again.text).toBe(first.text);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  it('replays a refusal as the outcome that it is', async () => {
    const details = '{"param":"/legs/0","account":"customer/42"}';
    world.engine.onPost = () => recorded({ code: 'insufficient_funds', details });
    const first = await post();
    expect(first.status).toBe(422);
    expect(first.json).toMatchObject({ code: 'insufficient_funds', final: true, outcome: 'none', param: '/legs/0' });
    world.engine.onPost = () => replay;
    const { number } = errorByCode('insufficient_funds');
    world.reader.unit = async () => [recordView({ kind: RecordKind.refused, code: number, details, legs: [] })];
    const again = await post();
    expect(again.status).toBe(422);
    expect(again.headers.get('content-type')).toBe('application/problem+json');
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect({ ...again.json, request_id: '' }).toEqual({ ...first.json, request_id: '' });
  });

  it.each([
    ['another payload', { fingerprint: '9:9' }],
    ['another text under the same hash', { key: 'k2' }],
  ])('refuses a key that has been used with %s', async (_name, changes) => {
    world.engine.onPost = () => replay;
    world.reader.unit = async () => [recordView(changes)];
    const answer = await post();
    expect(answer.status).toBe(422);
    expect(answer.json).toMatchObject({ code: 'key_reused', final: false, outcome: 'none' });
  });

  it('answers a dry run with 200, without an id and without a key', async () => {
    world.engine.onPost = () => ({ type: 'answered', code: null, details: null, records: [recordView()] });
    const answer = await world.send('POST', '/v1/transactions', { body: { ...POSTING, dry_run: true } });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ id: null, status: 'posted' });
    expect(world.engine.posts.at(-1)?.head.key).toBeNull();
    world.engine.onPost = () => ({ type: 'answered', code: 'insufficient_funds', details: null, records: [] });
    const refused = await world.send('POST', '/v1/transactions', { body: { ...POSTING, dry_run: true } });
    expect(refused.json).toMatchObject({ status: 422, code: 'insufficient_funds', final: false });
  });

  it('wants a key for what writes, and none for a dry run', async () => {
    const missing = await world.send('POST', '/v1/transactions', { body: POSTING });
    expect(missing.json).toMatchObject({ status: 400, code: 'key_missing' });
    const dry = await world.send('POST', '/v1/transactions', { body: { ...POSTING, dry_run: true }, key: 'k1' });
    expect(dry.json).toMatchObject({ status: 400, code: 'key_not_allowed' });
    const long = await post(POSTING, 'k'.repeat(256));
    expect(long.json).toMatchObject({ status: 400, code: 'key_invalid' });
  });

  it('takes no query', async () => {
    const options = { body: POSTING, key: 'k1' };
    const answer = await world.send('POST', '/v1/transactions?dry_run=true', options);
    expect(answer.json).toMatchObject({ status: 400, code: 'invalid_query' });
    const batch = await world.send('POST', '/v1/transactions/batch?atomic=true', {
      body: { transactions: [{ ...POSTING, idempotency_key: 'a' }] },
    });
    expect(batch.json).toMatchObject({ status: 400, code: 'invalid_query' });
  });

  it('takes a quoted key for the same as a bare one', async () => {
    world.engine.onPost = () => recorded();
    await post(POSTING, '"k1"');
    expect(world.engine.posts.at(-1)?.head.key).toBe('k1');
  });

  it.each(['overloaded', 'shard_unavailable', 'draining'] as const)(
    'says %s with Retry-After when nothing was taken',
    async (code) => {
      world.engine.onPost = () => ({ refuse: code });
      const answer = await post();
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(answer.json).toMatchObject({ code, outcome: 'none', final: false, retryable: true });
    },
  );

  it.each([
    ['outcome_unknown', 503, 'unknown'],
    ['key_in_flight', 409, 'none'],
  ] as const)('passes on %s with the engine’s Retry-After', async (code, status, outcome) => {
    world.engine.onPost = () => ({ type: 'unavailable', code, retryAfterSeconds: 3 });
    const answer = await post();
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe('3');
    expect(answer.json).toMatchObject({ code, outcome, final: false });
  });

  it('takes and gives msgpack, and problems stay JSON', async () => {
    world.engine.onPost = () => recorded();
    const headers = { 'content-type': 'application/msgpack', accept: 'application/msgpack' };
    const send = (raw: Uint8Array) =>
      fetch(world.url('/v1/transactions'), {
        method: 'POST',
        body: raw as never,
        headers: { authorization: `Bearer ${world.token}`, 'idempotency-key': 'k1', ...headers },
      });
    const answer = await send(packr.pack(POSTING));
    expect(answer.headers.get('content-type')).toBe('application/msgpack');
    expect(unpack(Buffer.from(await answer.arrayBuffer()))).toMatchObject({ status: 'posted', sequence: 5 });
    const bad = await send(new Uint8Array([0xc1]));
    expect(bad.status).toBe(400);
    expect(bad.headers.get('content-type')).toBe('application/problem+json');
    expect(JSON.parse(await bad.text())).toMatchObject({ code: 'malformed_body' });
  });

  it.each([
    [{ 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    [{ 'content-type': 'application/json; charset=latin1' }, 415, 'unsupported_media_type'],
    [{ 'content-encoding': 'gzip' }, 415, 'unsupported_media_type'],
    [{ accept: 'text/html' }, 406, 'not_acceptable'],
  ] as const)('refuses %j', async (headers, status, code) => {
    const answer = await world.send('POST', '/v1/transactions', { body: POSTING, key: 'k1', headers });
    expect(answer.json).toMatchObject({ status, code });
  });

  it('refuses a single body over 1 MiB, and takes a batch of that size', async () => {
    const raw = ' '.repeat(1024 * 1024 + 1);
    const single = await world.send('POST', '/v1/transactions', { raw, key: 'k1' });
    expect(single.json).toMatchObject({ status: 413, code: 'body_too_large' });
    const batch = await world.send('POST', '/v1/transactions/batch', { raw });
    expect(batch.json).toMatchObject({ status: 400, code: 'malformed_body' });
  });

  describe('actions', () => {
    const id = (): string => world.ids.encode(LOG_ID, 100);
    const capture = recordView({ position: 101, sequence: 6, kind: RecordKind.capture, parent: 100 });

    it('answer with the new transaction and name its parent', async () => {
      world.engine.onAsk = () => recorded({ position: 101, sequence: 6, records: [capture] });
      const answer = await world.send('POST', `/v1/transactions/${id()}/capture`, {
        body: { amount: 500, final: true },
        key: 'k1',
      });
      expect(answer.status).toBe(201);
      expect(answer.json).toMatchObject({ kind: 'capture', id: world.ids.encode(LOG_ID, 101), parent: id() });
      const { head, request } = world.engine.asks.at(-1) ?? {};
      expect(head?.route).toBe('POST /v1/transactions/{id}/capture 100');
      expect(request).toMatchObject({ type: 'capture', parent: 100, amount: 500n, final: true });
    });

    it('need no body', async () => {
      world.engine.onAsk = () => recorded({ records: [capture] });
      const answer = await world.send('POST', `/v1/transactions/${id()}/void`, { key: 'k1' });
      expect(answer.status).toBe(201);
    });

    it('want the scope for force', async () => {
      const path = `/v1/transactions/${id()}/reverse`;
      world.engine.onAsk = () => recorded({ records: [capture] });
      const refused = await world.send('POST', path, { body: { force: true }, key: 'k1' });
      expect(refused.json).toMatchObject({ status: 403, code: 'forbidden' });
      const headers = { authorization: `Bearer ${world.forceToken}` };
      expect((await world.send('POST', path, { body: { force: true }, key: 'k1', headers })).status).toBe(201);
    });

    it.each([
      ['of another log', () => world.ids.encode(LOG_ID + 1, 100)],
      ['that nobody made', () => 'txn_00000000000000000000000000'],
      ['that is none', () => 'txn_%00'],
    ])('take an id %s the way of all others, to where nothing stands', async (_name, make) => {
      await world.send('POST', `/v1/transactions/${make()}/capture`, { body: {}, key: 'k1' });
      expect(world.engine.asks.at(-1)?.request).toMatchObject({ type: 'capture', parent: 0 });
    });
  });

  describe('independent batches', () => {
    const item = (key: string, amount = 1) => ({
      ...POSTING,
      legs: [{ ...POSTING.legs[0], amount }],
      idempotency_key: key,
    });
    const batch = (transactions: unknown[]) => world.send('POST', '/v1/transactions/batch', { body: { transactions } });

    it('give each item its own outcome, in order', async () => {
      let position = 100;
      world.engine.onPost = (head) => {
        if (head.key === 'poor') return recorded({ code: 'insufficient_funds', position: position++ });
        if (head.key === 'away') return { type: 'unavailable', code: 'outcome_unknown', retryAfterSeconds: 1 };
        return recorded({ position: position++, sequence: position });
      };
      const answer = await batch([item('a'), item('poor'), { ...item('bad'), legs: [] }, item('away'), item('z')]);
      expect(answer.status).toBe(200);
      expect(answer.json.data.map((one: { status: number }) => one.status)).toEqual([201, 422, 400, 503, 201]);
      expect(answer.json.data[0].transaction.id).toBe(world.ids.encode(LOG_ID, 100));
      expect(answer.json.data[1].error).toMatchObject({ code: 'insufficient_funds', final: true });
      expect(answer.json.data[2].error.param).toBe('/legs');
      expect(answer.json.data[3].error).toMatchObject({ code: 'outcome_unknown', outcome: 'unknown' });
    });

    it('wait for room that their own items take, and keep their order', async () => {
      let room = 3;
      world.engine.posts.length = 0;
      world.engine.onPost = () => {
        if (room === 0) return { refuse: 'overloaded' };
        room--;
        setImmediate(() => setImmediate(() => room++));
        return recorded();
      };
      const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
      const answer = await batch(keys.map((key) => item(key)));
      const statuses = new Set(answer.json.data.map((one: { status: number }) => one.status));
      expect(world.engine.posts.map(({ head }) => head.key)).toEqual(
        keys.filter((_, index) => answer.json.data[index].status === 201),
      );
      expect(statuses.has(201)).toBe(true);
    });

    it('say 503 for items that found no room, and nothing of them is taken', async () => {
      world.engine.onPost = () => ({ refuse: 'overloaded' });
      const answer = await batch([item('a'), item('b')]);
      expect(answer.json.data).toMatchObject([
        { status: 503, error: { code: 'overloaded', outcome: 'none' } },
        { status: 503, error: { code: 'overloaded', outcome: 'none' } },
      ]);
    });

    it('read all their replays at once', async () => {
      world.engine.onPost = () => replay;
      const asked: (readonly number[])[] = [];
      world.reader.records = async (_book, positions) => {
        asked.push(positions);
        return [recordView({ key: 'a' })];
      };
      const answer = await batch([item('a'), item('a'), item('b')]);
      expect(asked).toEqual([[100]]);
      expect(answer.json.data.map((one: { status: number }) => one.status)).toEqual([201, 201, 422]);
      expect(answer.json.data[2].error.code).toBe('key_reused');
    });

    it('go through a front that takes thousands of items', async () => {
      world.engine.onPost = () => recorded();
      const answer = await batch(Array.from({ length: 8192 }, (_, index) => item(`k${index}`)));
      expect(answer.json.data).toHaveLength(8192);
      expect(answer.json.data.every((one: { status: number }) => one.status === 201)).toBe(true);
    });

    it('are answered with the same bytes however their body is spelled', async () => {
      const transactions = [
        item('a'),
        { ...item('b', 7), reference: 'r', description: 'd' },
        item('poor'),
        item('known'),
      ];
      const spelled = [
        JSON.stringify({ transactions }),
        JSON.stringify({ transactions }, null, 1),
        // An escape, which only the strict way reads.
        JSON.stringify({ transactions }).replace('"a"', '"\\u0061"'),
      ];
      world.reader.records = async () => [recordView({ key: 'known' })];
      const answers: string[] = [];
      for (const raw of spelled) {
        let position = 100;
        world.engine.onPost = (head) => {
          if (head.key === 'known') return replay;
          if (head.key === 'poor') return recorded({ code: 'insufficient_funds', position: 99 });
          return recorded({ position: position++, sequence: 200 + position });
        };
        answers.push((await world.send('POST', '/v1/transactions/batch', { raw })).text);
      }
      expect(JSON.parse(answers[0] ?? '').data.map((one: { status: number }) => one.status)).toEqual([
        201, 201, 422, 201,
      ]);
      expect(answers).toEqual([answers[0], answers[0], answers[0]]);
    });

    it('take no key in the header', async () => {
      const answer = await world.send('POST', '/v1/transactions/batch', {
        body: { transactions: [item('a')] },
        key: 'k1',
      });
      expect(answer.json).toMatchObject({ status: 400, code: 'key_not_allowed' });
    });

    it('atomic ones are one request with one key', async () => {
      const body = { atomic: true, transactions: [POSTING, POSTING] };
      const records = [recordView({ position: 101, sequence: 500 }), recordView({ position: 102, sequence: 501 })];
      world.engine.onAsk = () => recorded({ records });
      const first = await world.send('POST', '/v1/transactions/batch', { body, key: 'k1' });
      expect(first.status).toBe(201);
      expect(first.json.data).toHaveLength(2);
      const token = first.headers.get('consistency-token') ?? '';
      expect(world.sealer.openToken(token, BOOK)).toMatchObject({ sequence: 501 });
      world.engine.onAsk = () => replay;
      world.reader.unit = async () => [
        recordView({ kind: RecordKind.batch, legs: [], details: '{"count":2}' }),
        ...records,
      ];
      const again = await world.send('POST', '/v1/transactions/batch', { body, key: 'k1' });
      expect([again.status, again.text]).toEqual([201, first.text]);
      expect((await world.send('POST', '/v1/transactions/batch', { body })).json).toMatchObject({
        code: 'key_missing',
      });
    });
  });

  describe('accounts', () => {
    const body = { name: 'customer/42', currency: 'EUR' };
    const details = JSON.stringify({
      name: 'customer/42',
      currency: 978,
      normal_balance: 'credit',
      min_balance: '0',
      max_balance: null,
      config_version: 0,
      open: true,
      metadata: null,
    });

    it('are opened with 201, confirmed with 200, and replayed as they were', async () => {
      const view = accountView({ configPosition: 100 });
      world.engine.onAsk = () => recorded({ accounts: [view] });
      const opened = await world.send('POST', '/v1/accounts', { body, key: 'k1' });
      expect(opened.status).toBe(201);
      world.engine.onAsk = () => recorded({ position: 120, accounts: [view] });
      expect((await world.send('POST', '/v1/accounts', { body, key: 'k2' })).status).toBe(200);
      world.engine.onAsk = () => replay;
      world.reader.unit = async () => [recordView({ kind: RecordKind.accountOpened, legs: [], details })];
      const again = await world.send('POST', '/v1/accounts', { body, key: 'k1' });
      expect([again.status, again.text]).toEqual([201, opened.text]);
      world.reader.unit = async () => [recordView({ kind: RecordKind.accountConfirmed, legs: [], details })];
      expect((await world.send('POST', '/v1/accounts', { body, key: 'k1' })).status).toBe(200);
    });

    it('opened in a batch are shown with the sequences that they have in the log', async () => {
      const names = ['a', 'b'];
      const accounts = names.map((name, index) => accountView({ name, configPosition: 101 + index, sequence: 7 }));
      world.engine.onAsk = () => recorded({ accounts });
      const request = { accounts: names.map((name) => ({ ...body, name })) };
      const first = await world.send('POST', '/v1/accounts/batch', { body: request, key: 'k1' });
      expect(first.json.data.map((one: { sequence: number }) => one.sequence)).toEqual([6, 7]);
      world.engine.onAsk = () => replay;
      world.reader.unit = async () => [
        recordView({ kind: RecordKind.batch, legs: [] }),
        ...names.map((name, index) =>
          recordView({
            sequence: 6 + index,
            kind: RecordKind.accountOpened,
            legs: [],
            details: details.replace('customer/42', name),
          }),
        ),
      ];
      const again = await world.send('POST', '/v1/accounts/batch', { body: request, key: 'k1' });
      expect([again.status, again.text]).toEqual([201, first.text]);
    });

    it('show metadata that only the log holds', async () => {
      world.engine.onAsk = () => recorded({ accounts: [accountView({ metadata: undefined, configPosition: 100 })] });
      world.reader.metadata = async (book, position) => (book === BOOK && position === 100 ? '{"tier":"gold"}' : null);
      const answer = await world.send('POST', '/v1/accounts', {
        body: { ...body, metadata: { tier: 'gold' } },
        key: 'k1',
      });
      expect(answer.json.metadata).toEqual({ tier: 'gold' });
    });

    it('are never said not to be changed when only the answer could not be read', async () => {
      world.engine.onAsk = () => recorded({ accounts: [accountView({ metadata: undefined })] });
      world.reader.metadata = async () => {
        throw new Error('away');
      };
      const answer = await world.send('POST', '/v1/accounts', { body, key: 'k1' });
      expect(answer.json).toMatchObject({ code: 'outcome_unknown', outcome: 'unknown' });
      expect(world.errors.splice(0)).toHaveLength(1);
    });

    it('are changed, closed and reopened, on condition where If-Match says so', async () => {
      world.engine.onAsk = () => recorded({ accounts: [accountView({ name: 'a/close', configVersion: 3 })] });
      const name = 'a%2Fclose';
      const patch = await world.send('PATCH', `/v1/accounts/${name}`, {
        body: { min_balance: null },
        key: 'k1',
        headers: { 'if-match': '"2"' },
      });
      expect(patch.json).toMatchObject({ config_version: 3 });
      expect(world.engine.asks.at(-1)?.request).toEqual({
        type: 'change_account',
        account: 'a/close',
        min_balance: null,
        ifMatch: 2,
      });
      await world.send('POST', `/v1/accounts/${name}/close`, { key: 'k2' });
      expect(world.engine.asks.at(-1)?.request).toEqual({ type: 'close_account', account: 'a/close' });
      await world.send('POST', `/v1/accounts/${name}/reopen`, { body: {}, key: 'k3' });
      expect(world.engine.asks.at(-1)).toMatchObject({
        head: { route: 'POST /v1/accounts/{name}/reopen a/close' },
        request: { type: 'reopen_account', account: 'a/close' },
      });
      const extra = await world.send('POST', `/v1/accounts/${name}/close`, { body: { now: true }, key: 'k4' });
      expect(extra.json).toMatchObject({ status: 400, code: 'unknown_field', param: '/now' });
    });
  });

  it('tells a fault of its own as unknown, and says it to the log', async () => {
    world.engine.onPost = () => ({ type: 'head', sequence: 1, recordedAt: RECORDED_AT });
    const answer = await post();
    expect(answer.json).toMatchObject({ status: 500, code: 'internal_error', outcome: 'unknown' });
    expect(world.errors.splice(0)).toHaveLength(1);
  });
});
