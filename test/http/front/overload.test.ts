/** What a client sees of admission, on both servers. */
import { describe, expect, it } from 'vitest';
import { KeyTable } from '../../../src/http/front.js';
import { createApiKey } from '../../../src/platform/api-key.js';
import type { Sent } from '../support/fake.js';
import { POSTING, recorded, startWorld } from '../support/fake.js';

/** As many as are let in whatever the rate. */
const QUEUE = 256;
/** Clearly more than half of what is under way. */
const FLOOD = 127;
/** A busy machine takes its time for so many connections. */
const PATIENT = { timeout: 20_000 };

describe.each(['uws', 'node'] as const)('%s', (kind) => {
  it('refuses what a shard cannot serve soon, with Retry-After and without reading a body, until room is there again', async () => {
    const world = await startWorld(kind);
    world.engine.onPost = () => null;
    const held = Array.from({ length: QUEUE }, (_, n) => post(world, world.token, `held ${n}`));
    await expect.poll(() => world.engine.held.length, PATIENT).toBe(QUEUE);
    world.engine.onPost = () => recorded();
    // A queue is a backlog when it has stood for a while.
    await expect.poll(async () => (await post(world, world.token, 'probe')).status, PATIENT).toBe(503);
    const { length } = world.engine.posts;
    for (const body of [POSTING, 'not even JSON']) {
      const refused = await post(world, world.token, 'more', body);
      expect(refused.status).toBe(503);
      expect(refused.json).toMatchObject({ code: 'overloaded', outcome: 'none', retryable: true, final: false });
      expect(refused.headers.get('retry-after')).toBe('1');
    }
    expect(world.engine.posts.length).toBe(length);
    for (const answer of world.engine.held.splice(0)) answer(recorded());
    expect(new Set((await Promise.all(held)).map(({ status }) => status))).toEqual(new Set([201]));
    expect((await post(world, world.token, 'again')).status).toBe(201);
    await world.front.close();
  });

  it('answers 429 to a merchant that holds more than its share, and serves another one', async () => {
    const [flooding, other] = [createApiKey('test'), createApiKey('test')];
    const row = { environment: 'test', shard: 0, scopes: [], revoked: false } as const;
    const keys = new KeyTable([
      { ...row, merchant: 'm1', book: 1, id: flooding.id, hash: flooding.hash },
      { ...row, merchant: 'm2', book: 2, id: other.id, hash: other.hash },
    ]);
    const world = await startWorld(kind, { keys });
    world.engine.onPost = () => null;
    const held = [post(world, other.token, 'first')];
    await expect.poll(() => world.engine.held.length, PATIENT).toBe(1);
    // A machine that takes long for so many sees the backlog before the last of them.
    let refusals = 0;
    for (let n = 0; n < FLOOD; n++) {
      const one = post(world, flooding.token, `k${n}`);
      held.push(one);
      void one.then(({ status }) => (refusals += status === 429 ? 1 : 0));
    }
    await expect.poll(() => world.engine.held.length + refusals, PATIENT).toBe(1 + FLOOD);
    world.engine.onPost = () => recorded();
    await expect.poll(async () => (await post(world, flooding.token, 'probe')).status, PATIENT).toBe(429);
    const refused = await post(world, flooding.token, 'one more');
    expect(refused.status).toBe(429);
    expect(refused.json).toMatchObject({ code: 'too_many_requests', outcome: 'none', retryable: true, final: false });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await post(world, other.token, 'second')).status).toBe(201);
    for (const answer of world.engine.held.splice(0)) answer(recorded());
    expect((await Promise.all(held)).filter(({ status }) => status === 201).length).toBe(1 + FLOOD - refusals);
    await world.front.close();
  });
});

async function post(
  world: Awaited<ReturnType<typeof startWorld>>,
  token: string,
  key: string,
  body: unknown = POSTING,
): Promise<Sent> {
  const response = await fetch(world.url('/v1/transactions'), {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) };
}
