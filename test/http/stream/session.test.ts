import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { STREAM_CREDITS_FIRST } from '../../../src/http/stream/protocol.js';
import { StreamClient } from '../../support/stream.js';
import { recorded, startWorld, type World } from '../support/fake.js';

const leg = { debit: 'external/card', credit: 'a', amount: 5, currency: 'EUR' };
const post = (key: string) => ({ key, body: { legs: [leg] } });

describe.each(['uws', 'node'] as const)('the stream on %s', (server) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(server);
  });
  afterAll(() => world.front.close());
  const open = (headers: Readonly<Record<string, string>> = {}): Promise<StreamClient> =>
    StreamClient.open(world.url(''), world.token, headers);

  it('says first which version it speaks, how many requests may be under way, and how large a frame may be', async () => {
    const client = await open();
    expect(client.hello).toEqual({ stream: 1, credits: STREAM_CREDITS_FIRST, frame_bytes_max: 2 * 1024 * 1024 });
    await client.close();
  });

  it('compresses nothing, also where the client offers to', async () => {
    const socket = new WebSocket(world.url('/v1/stream').replace('http', 'ws'), {
      headers: { Authorization: `Bearer ${world.token}` },
      perMessageDeflate: true,
    });
    await new Promise((resolve) => socket.once('open', resolve));
    expect(socket.extensions).toBe('');
    socket.terminate();
  });

  it('is not opened without a key in force', async () => {
    for (const key of ['', world.revokedToken]) {
      await expect(StreamClient.open(world.url(''), key)).rejects.toThrow(/^401 .*"code":"unauthorized"/);
    }
  });

  it('is not opened beside itself, nor by a request with a body or a query', async () => {
    await expect(open({ 'Content-Length': '5' })).rejects.toThrow();
    const plain = await world.send('GET', '/v1/stream');
    expect([plain.status, plain.json.code]).toEqual([426, 'upgrade_required']);
    const elsewhere = new WebSocket(world.url('/v1/transactions').replace('http', 'ws'), {
      headers: { Authorization: `Bearer ${world.token}` },
    });
    expect(await new Promise((resolve) => elsewhere.once('error', () => resolve('refused')))).toBe('refused');
  });

  it('answers in the order of the engine, each with the number of its request', async () => {
    const client = await open();
    world.engine.onPost = () => null;
    const both = client.send([post('first'), post('second')]);
    await expect.poll(() => world.engine.posts.length).toBeGreaterThanOrEqual(2);
    expect(world.engine.posts.slice(-2).map(({ head }) => head.key)).toEqual(['first', 'second']);
    const [first, second] = world.engine.held.splice(0);
    second?.(recorded({ sequence: 8, position: 8 }));
    first?.(recorded({ sequence: 9, position: 9 }));
    const [one, two] = await both;
    expect(client.answers.map(({ n }) => n)).toEqual([2, 1]);
    expect([one?.status, one?.body.sequence, two?.status, two?.body.sequence]).toEqual([201, 9, 201, 8]);
    const token = world.sealer.openToken(client.token, 3);
    expect(token).toMatchObject({ sequence: 9 });
    await client.close();
  });

  it('gives one frame for all that is answered together, and credits for each answer', async () => {
    const client = await open();
    world.engine.onPost = () => recorded();
    await client.send(Array.from({ length: 100 }, (_, index) => post(`together-${index}`)));
    expect(client.frames.length).toBeLessThan(10);
    expect(client.credits, 'and as many more').toBe(STREAM_CREDITS_FIRST + 100);
    await client.close();
  });

  it('has the problems of HTTP, and goes on', async () => {
    const client = await open();
    world.engine.onPost = () => ({ refuse: 'overloaded' });
    const answers = await client.send([
      { body: { legs: [leg] } },
      { key: 'k1', body: { legs: [] } },
      { key: 'k2', body: { legs: [leg], odd: 1 } },
      { key: 'k3', to: 'GET /v1/nothing' },
      { key: 'k4', to: 'PATCH /v1/transactions' },
      { key: 'k5', body: { legs: [leg] } },
      { to: 'GET /v1/stream' },
      { to: 'GET /v1/accounts', body: { a: 1 } },
      { key: 'k6', body: 1.5 },
    ]);
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [400, 'key_missing'],
      [400, 'invalid_field'],
      [400, 'unknown_field'],
      [404, 'not_found'],
      [405, 'method_not_allowed'],
      [503, 'overloaded'],
      [426, 'upgrade_required'],
      [413, 'body_too_large'],
      [400, 'invalid_field'],
    ]);
    expect(answers[5]?.retry_after).toBe(1);
    expect(answers.every(({ body }) => /^req_/.test(body.request_id))).toBe(true);
    world.engine.onPost = () => recorded();
    expect((await client.one(post('k7'))).status).toBe(201);
    await client.close();
  });

  it('ends where a frame is none, with the reason, and does nothing of that frame', async () => {
    world.engine.onPost = () => recorded();
    const before = world.engine.posts.length;
    const cases: [Uint8Array | string, RegExp][] = [
      [Buffer.from([0x92, 0x81, 0xa1, 0x6e, 1, 0x80]), /without "n"/],
      [Buffer.from([0xc1]), /array of requests/],
      ['hello', /array of requests/],
      // A name of 32 bytes that are no letters, which would be 64 in the reason of a close frame.
      [Buffer.from([0x91, 0x81, 0xd9, 0x20, ...Array<number>(32).fill(0xff), 0]), /^"\?{32}" in a request/],
    ];
    for (const [bytes, why] of cases) {
      const client = await open();
      client.raw(bytes);
      const { code, reason } = await client.closed;
      expect([code, reason]).toEqual([1007, expect.stringMatching(why)]);
    }
    expect(world.engine.posts.length).toBe(before);
  });

  it('answers a text that is no JSON as a text', async () => {
    const client = await open();
    const answer = await client.one({ to: 'GET /metrics' });
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('# HELP') });
    await client.close();
  });

  it('gives back its connection when it ends', async () => {
    const few = await startWorld(server, { connectionsMax: 4 });
    const another = (): Promise<StreamClient> => StreamClient.open(few.url(''), few.token);
    for (let opened = 0; opened < 12; opened++) await (await another()).close();
    expect((await few.send('GET', '/healthz')).status).toBe(200);
    const held = [await another(), await another(), await another()];
    await expect(Promise.all([another(), another()]), 'open ones count').rejects.toThrow();
    for (const client of held) await client.close();
    await few.front.close();
  });

  it('ends where a number does not grow', async () => {
    const client = await open();
    client.raw(Buffer.from([0x92, 0x81, 0xa1, 0x6e, 5, 0x81, 0xa1, 0x6e, 5]));
    expect(await client.closed).toEqual({ code: 1007, reason: '"n" is 5 after 5: numbers grow on a connection' });
  });

  it('ends where more is asked than there are credits, and asks nothing of it', async () => {
    const client = await open();
    world.engine.onPost = () => null;
    const before = world.engine.posts.length;
    void client.send(Array.from({ length: STREAM_CREDITS_FIRST + 1 }, (_, index) => post(`many-${index}`)));
    expect(await client.closed).toEqual({
      code: 1008,
      reason: `${STREAM_CREDITS_FIRST + 1} requests with ${STREAM_CREDITS_FIRST} credits left`,
    });
    expect(world.engine.posts.length).toBe(before);
  });

  it('tells its clients when the engine stops, after what was under way', async () => {
    const other = await startWorld(server);
    const client = await StreamClient.open(other.url(''), other.token);
    other.engine.onPost = () => null;
    const last = client.one(post('last'));
    await expect.poll(() => other.engine.posts.length).toBe(1);
    const closing = other.front.close();
    other.engine.held[0]?.(recorded());
    expect((await last).status).toBe(201);
    expect(await client.closed).toMatchObject({ code: 1001 });
    await closing;
  });
});
