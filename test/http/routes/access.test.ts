import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../../src/http/openapi/routes.js';
import { createApiKey } from '../../../src/platform/api-key.js';
import { POSTING, recorded, startWorld, type World } from '../support/fake.js';

const filled = (path: string): string => path.replace('{id}', 'txn_x').replace('{name}', 'customer%2F42');

describe.each(['uws', 'node'] as const)('the door of the %s server', (kind) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(kind);
  });
  afterAll(() => world.front.close());

  const closed = ROUTES.filter(({ auth }) => auth);
  it.each(closed.map(({ method, path }) => [method, path] as const))(
    '%s %s is for keys that are in force only',
    async (method, path) => {
      const senders = [
        '',
        'Bearer',
        `Basic ${world.token}`,
        `Bearer ${createApiKey('test').token}`,
        `Bearer ${world.revokedToken}`,
      ];
      for (const authorization of senders) {
        const answer = await world.send(method, filled(path), {
          headers: { authorization },
          ...(method === 'GET' ? {} : { body: {} }),
        });
        expect(answer.json, authorization).toMatchObject({ status: 401, code: 'unauthorized', outcome: 'none' });
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
        expect(answer.headers.get('consistency-token')).toBeNull();
        expect(answer.json.request_id).toBe(answer.headers.get('x-request-id'));
      }
    },
  );

  it.each(ROUTES.filter(({ auth }) => !auth).map(({ path }) => path))('GET %s is for everybody', async (path) => {
    const answer = await world.send('GET', path, { headers: { authorization: '' } });
    expect(answer.status).toBe(200);
    expect(answer.json).toBeTypeOf('object');
  });

  it('every path names the methods that it takes', async () => {
    const byPath = new Map<string, Set<string>>();
    for (const { method, path } of ROUTES) {
      const methods = byPath.get(path) ?? new Set();
      byPath.set(path, methods.add(method));
    }
    for (const [path, methods] of byPath) {
      const answer = await world.send('DELETE', filled(path));
      expect(answer.json, path).toMatchObject({ status: 405, code: 'method_not_allowed' });
      const allow = new Set(answer.headers.get('allow')?.split(', '));
      for (const method of methods) expect(allow, path).toContain(method);
    }
  });

  it.each([
    '/',
    '/v1',
    '/v1/',
    '/v1/transactions/',
    '/v1/accounts/a/b/c',
    '/V1/accounts',
    '/v1/accounts/',
    '/v1//accounts',
  ])('there is nothing at %s', async (path) =>
    expect((await world.send('GET', path)).json).toMatchObject({ status: 404, code: 'not_found' }),
  );

  it('a refusal leaves the connection good for the next request', async () => {
    const http = await import('node:http');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (method: string, path: string, body: string) =>
      new Promise<readonly [status: number, port: number]>((resolve, reject) => {
        const message = http.request({ host: '127.0.0.1', port: world.front.port, method, path, agent }, (answer) => {
          const port = answer.socket.localPort ?? 0;
          answer.resume().on('end', () => resolve([answer.statusCode ?? 0, port]));
        });
        message.on('error', reject).end(body);
      });
    const [refused, port] = await ask('POST', '/v1/transactions', JSON.stringify(POSTING));
    expect(refused).toBe(401);
    expect(await ask('GET', '/healthz', '')).toEqual([200, port]);
    agent.destroy();
  });

  it('says that keys cannot be checked while their table is too old', async () => {
    world.keys.setAvailable(false);
    const answer = await world.send('GET', '/v1/accounts');
    expect(answer.json).toMatchObject({ status: 503, code: 'keys_unavailable' });
    expect(answer.headers.get('retry-after')).toBe('1');
    world.keys.setAvailable(true);
    expect((await world.send('GET', '/v1/accounts')).status).toBe(200);
  });

  it('a key that is revoked while a body comes in is refused', async () => {
    const key = createApiKey('test');
    const row = {
      id: key.id,
      hash: key.hash,
      merchant: 'm1',
      environment: 'test',
      book: 3,
      shard: 0,
      scopes: [],
    } as const;
    world.keys.update([{ ...row, revoked: false }]);
    world.engine.onPost = () => recorded();
    const { connect } = await import('node:net');
    const body = JSON.stringify(POSTING);
    const socket = connect(world.front.port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    const head = `POST /v1/transactions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key.token}\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\n`;
    socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
    // Another request on another connection comes back: the head above was read before it.
    await world.send('GET', '/healthz');
    world.keys.update([{ ...row, revoked: true }]);
    socket.write(body.slice(10));
    await new Promise<void>((resolve) => socket.once('data', () => resolve()));
    expect(text).toContain('HTTP/1.1 401');
    socket.destroy();
  });

  it('takes no more requests at a time than it may', async () => {
    const small = await startWorld(kind, { inFlightMax: 2 });
    small.engine.onPost = () => null;
    const held = [1, 2].map((n) => small.send('POST', '/v1/transactions', { body: POSTING, key: `k${n}` }));
    await expect.poll(() => small.engine.held.length).toBe(2);
    const third = await small.send('POST', '/v1/transactions', { body: POSTING, key: 'k3' });
    expect(third.json).toMatchObject({ status: 503, code: 'overloaded', outcome: 'none' });
    for (const answer of small.engine.held) answer(recorded());
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([201, 201]);
    expect(small.front.inFlight).toBe(0);
    await small.front.close();
  });

  it('drains: what is under way is answered, what is new is refused, and then it is gone', async () => {
    const leaving = await startWorld(kind);
    leaving.engine.onPost = () => null;
    const http = await import('node:http');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const get = () =>
      new Promise<number>((resolve, reject) => {
        const message = http.get({
          host: '127.0.0.1',
          port: leaving.front.port,
          path: '/v1/accounts',
          agent,
          headers: { authorization: `Bearer ${leaving.token}` },
        });
        message
          .on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)))
          .on('error', reject);
      });
    expect(await get()).toBe(200);
    const pending = leaving.send('POST', '/v1/transactions', { body: POSTING, key: 'k1' });
    await expect.poll(() => leaving.engine.held.length).toBe(1);
    const closing = leaving.front.close();
    // node ends connections that are idle at once, the other server with their next answer.
    expect([503, 'gone']).toContain(await get().catch(() => 'gone'));
    leaving.engine.held[0]?.(recorded());
    expect((await pending).status).toBe(201);
    await closing;
    agent.destroy();
    await expect(fetch(leaving.url('/healthz'))).rejects.toThrow();
  });

  it('does not mind a client that goes away before its answer', async () => {
    const { connect } = await import('node:net');
    world.engine.onPost = () => null;
    world.engine.held.length = 0;
    const body = JSON.stringify(POSTING);
    const socket = connect(world.front.port, '127.0.0.1');
    socket.write(
      `POST /v1/transactions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${world.token}\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await expect.poll(() => world.engine.held.length).toBe(1);
    socket.destroy();
    await world.send('GET', '/healthz');
    world.engine.held[0]?.(recorded());
    expect(world.front.inFlight).toBe(0);
    expect((await world.send('GET', '/healthz')).status).toBe(200);
    expect(world.errors).toEqual([]);
  });

  it('is not ready while a shard is not', async () => {
    const shards = [{ name: 's0', ready: false, state: 'resolving' }];
    const half = await startWorld(kind, { readiness: () => ({ ready: false, shards }), shard: () => null });
    const answer = await half.send('GET', '/readyz');
    expect(answer.status).toBe(503);
    expect(answer.json).toMatchObject({ status: 'not_ready', shards });
    expect((await half.send('GET', '/v1/accounts')).json).toMatchObject({ status: 503, code: 'shard_unavailable' });
    await half.front.close();
  });
});
