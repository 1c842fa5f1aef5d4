import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { problemStatus } from '../../../src/http/problem.js';
import type { Exchange, HttpServer, Opened, RequestHandler } from '../../../src/http/server/exchange.js';
import { startNode } from '../../../src/http/server/node.js';
import { startUws } from '../../../src/http/server/uws.js';
import type { RequestProblem } from '../../../src/http/types.js';
import { raw, request } from '../support/raw.js';

/** Answers later, as the engine does, with what it saw. */
class Recorder implements RequestHandler {
  readonly seen: string[] = [];
  readonly keys: string[] = [];
  opened = 0;

  open(): Opened {
    this.opened++;
    return { bodyMax: 1024, problem: null, stream: false };
  }

  run(exchange: Exchange): void {
    const body = Buffer.from(exchange.body).toString('latin1');
    this.seen.push(`${exchange.method} ${exchange.path} ${body}`);
    this.keys.push(exchange.headers.idempotencyKey);
    setImmediate(() => {
      if (exchange.path === '/made') exchange.respondWith(MADE_HEAD, `seen ${body}`);
      else exchange.respond(200, ['Content-Type', 'text/plain'], `seen ${body}`);
    });
  }

  refuse(exchange: Exchange, problem: RequestProblem): void {
    exchange.respond(problemStatus(problem.code), ['Content-Type', 'text/plain'], problem.code);
  }
}

const MADE_HEAD = Buffer.from('200 OK\r\nContent-Type: text/plain');
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: ledger.test\r\n\r\n';

describe.each([
  ['uws', startUws],
  ['node', startNode],
] as const)('the %s server', (kind, start) => {
  const handler = new Recorder();
  let server: HttpServer;

  beforeAll(async () => {
    server = await start({ host: '127.0.0.1', port: 0, handler, bodyBytesMax: 1024 * 1024, connectionsMax: 1000 });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    handler.seen.length = 0;
    handler.keys.length = 0;
    handler.opened = 0;
  });

  const send = (text: string | readonly string[], answers?: number) =>
    raw(server.port, text, answers === undefined ? {} : { answers });

  it.each([
    [4096, 200],
    [4097, 431],
    [8300, 431],
    [70_000, 431],
  ] as const)('answers a head of %d bytes by %d, however it arrives', async (bytes, status) => {
    const fill = (length: number) => request('POST /a?b=c', ['Content-Length: 5', `X: ${'a'.repeat(length)}`], '');
    const head = fill(bytes - fill(0).length);
    expect(head).toHaveLength(bytes);
    const ways = [
      [`${head}hello`],
      [head.slice(0, -1), '\nhello'],
      [head.slice(0, 100), head.slice(100, -1), '\nhello'],
    ];
    const answers = await Promise.all(
      ways.map(([first = '', ...later]) =>
        raw(server.port, first, { later, ...(status === 200 ? { answers: 1 } : {}) }),
      ),
    );
    for (const answer of answers) expect([answer.statuses, answer.closed]).toEqual([[status], status !== 200]);
    expect(handler.seen).toHaveLength(status === 200 ? ways.length : 0);
  });

  it('hands a body on whole, also one that comes byte by byte', async () => {
    const whole = await send(request('POST /a%2Fb?x=1', ['Content-Length: 5'], 'hello'), 1);
    expect(whole.text).toMatch(/\r\n\r\nseen hello$/);
    await new Promise<void>((resolve) => {
      void raw(server.port, [request('POST /c', ['Content-Length: 5'], 'h'), 'e', 'llo'], { answers: 1 }).then(() =>
        resolve(),
      );
    });
    expect(handler.seen).toEqual(['POST /a%2Fb hello', 'POST /c hello']);
  });

  it.each(['POST', 'HEAD'])('answers a %s with a head made beforehand by the same bytes', async (method) => {
    const body = method === 'HEAD' ? '' : 'hello';
    const ask = (path: string) =>
      raw(server.port, request(`${method} ${path}`, [`Content-Length: ${body.length}`], body), { answers: 1 });
    const [plain, made] = [await ask('/plain'), await ask('/made')];
    const withoutDate = (text: string): string => text.replace(/Date: .*\r\n/, '');
    expect(withoutDate(made.text)).toBe(withoutDate(plain.text));
    expect(made.text).toContain('Content-Type: text/plain\r\n');
  });

  it('serves one request after the other on a connection', async () => {
    const { default: http } = await import('node:http');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (path: string) =>
      new Promise<string>((resolve, reject) => {
        const message = http.request(
          { port: server.port, host: '127.0.0.1', path, method: 'POST', agent },
          (answer) => {
            let text = '';
            answer.setEncoding('utf8').on('data', (chunk) => (text += chunk));
            answer.on('end', () => resolve(text));
          },
        );
        message.on('error', reject).end('hi');
      });
    expect([await ask('/1'), await ask('/2')]).toEqual(['seen hi', 'seen hi']);
    agent.destroy();
  });

  it('answers HEAD without a body', async () => {
    const answer = await send(request('HEAD /h'), 1);
    expect(answer.statuses).toEqual([200]);
    expect(answer.text).toMatch(/content-length: 5\r\n/i);
    expect(answer.text.endsWith('\r\n\r\n')).toBe(true);
  });

  const refusals: readonly (readonly [name: string, text: string, status: number])[] = [
    [
      'two Content-Length that differ',
      request('POST /a', ['Content-Length: 0', `Content-Length: ${HIDDEN.length}`], HIDDEN),
      400,
    ],
    ['two Content-Length that agree', request('POST /a', ['Content-Length: 2', 'Content-Length: 2'], 'hi'), 400],
    [
      'an empty Content-Length before a real one',
      request('POST /a', ['Content-Length:', `Content-Length: ${HIDDEN.length}`], HIDDEN),
      400,
    ],
    ['an empty Content-Length', request('POST /a', ['Content-Length:'], HIDDEN), 400],
    ['a signed Content-Length', request('POST /a', ['Content-Length: +5'], 'hello'), 400],
    ['a negative Content-Length', request('POST /a', ['Content-Length: -5'], 'hello'), 400],
    ['a list as Content-Length', request('POST /a', ['Content-Length: 5, 5'], 'hello'), 400],
    ['a hexadecimal Content-Length', request('POST /a', ['Content-Length: 0x5'], 'hello'), 400],
    ['a Content-Length beyond all reason', request('POST /a', ['Content-Length: 99999999999999999999'], 'hello'), 400],
    [
      'Content-Length with Transfer-Encoding',
      request('POST /a', ['Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${HIDDEN}`),
      400,
    ],
    [
      'a Transfer-Encoding of several',
      request('POST /a', ['Transfer-Encoding: identity, chunked'], `0\r\n\r\n${HIDDEN}`),
      400,
    ],
    ['an unknown Transfer-Encoding', request('POST /a', ['Transfer-Encoding: xchunked'], `0\r\n\r\n${HIDDEN}`), 400],
    ['a chunked body', request('POST /a', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n'), 411],
    ['two Host fields', request('POST /a', ['Host: other.test', 'Content-Length: 2'], 'hi'), 400],
    [
      'two Authorization fields',
      request('POST /a', ['Authorization: Bearer a', 'Authorization: Bearer b', 'Content-Length: 2'], 'hi'),
      400,
    ],
    [
      'two Idempotency-Key fields',
      request('POST /a', ['Idempotency-Key: a', 'Idempotency-Key: b', 'Content-Length: 2'], 'hi'),
      400,
    ],
    ['a GET with a body', request('GET /a', ['Content-Length: 5'], 'hello'), 400],
    ['a body over the limit', request('POST /a', ['Content-Length: 1025'], 'a'), 413],
    ['header fields of 9 kB', request('POST /a', [`X-Long: ${'a'.repeat(9000)}`, 'Content-Length: 2'], 'hi'), 431],
    [
      'more than 100 header fields',
      request('POST /a', [...new Array<string>(150).fill('X: y'), 'Content-Length: 2'], 'hi'),
      431,
    ],
  ];

  it.each(refusals)('refuses %s, closes, and runs nothing that hides behind it', async (_name, text, status) => {
    const answer = await send(text);
    // Where a request hides, the native server ends the connection without a word.
    const mayBeSilent = kind === 'uws' && text.includes(HIDDEN);
    expect(mayBeSilent ? [[], [status]] : [[status]]).toContainEqual(answer.statuses);
    expect(answer.closed).toBe(true);
    expect(handler.seen).toEqual([]);
    expect(answer.tookMs).toBeLessThan(5_000);
  });

  // The native parser may find these at fault before our refusal is on its way, and then says so in its own words.
  it.each([
    ['a chunk extension', '5;x=y\r\nhello\r\n0\r\n\r\n'],
    ['a chunk trailer', `5\r\nhello\r\n0\r\nX: y\r\n\r\n${HIDDEN}`],
  ])('refuses %s, closes, and runs nothing', async (_name, body) => {
    const answer = await send(request('POST /a', ['Transfer-Encoding: chunked'], body));
    expect(answer.statuses).toHaveLength(1);
    expect([400, 411, 505]).toContain(answer.statuses[0]);
    expect(answer.closed).toBe(true);
    expect(handler.seen).toEqual([]);
  });

  it('never answers pipelined requests out of order, nor with another’s answer', async () => {
    const answer = await send(
      request('POST /1', ['Content-Length: 3'], 'one') + request('POST /2', ['Content-Length: 3'], 'two'),
      2,
    );
    const bodies = [...answer.text.matchAll(/seen (one|two)/g)].map((match) => match[1]);
    expect(kind === 'node' ? [['one', 'two']] : [[], ['one']]).toContainEqual(bodies);
  });

  it('answers a whole request, whatever follows it', async () => {
    const answer = await send(`${request('POST /a', ['Content-Length: 5'], 'hello')}\x01 no request at all\r\n\r\n`);
    expect(handler.seen).toEqual(['POST /a hello']);
    // It was run: so its own answer comes, or none; or the native parser's word for what follows, over which we have no say.
    expect(kind === 'node' ? [[200]] : [[], [200], [505]]).toContainEqual(answer.statuses);
    expect(answer.closed).toBe(true);
  });

  it.each(['GET', 'POST'])(
    'takes no body for a request, though the length of a %s hides behind a field without a name',
    async (method) => {
      const answer = await send(request(`${method} /a`, [': x', `Content-Length: ${HIDDEN.length}`], HIDDEN));
      expect(handler.seen.filter((seen) => seen.includes('/hidden'))).toEqual([]);
      expect(answer.closed).toBe(true);
    },
  );

  it('reads a value without blanks and bytes beyond ASCII at its ends', async () => {
    for (const value of ['key', '  key \t', '\xe9key\xff', ' \xa0 key\x80 ']) {
      await send(request('GET /a', [`Idempotency-Key: ${value}`]), 1);
    }
    expect(handler.keys).toEqual(['key', 'key', 'key', 'key']);
  });

  it('refuses a body whose bytes would not fit into memory with all the others', async () => {
    const small = new Recorder();
    const tight = await start({ host: '127.0.0.1', port: 0, handler: small, bodyBytesMax: 10, connectionsMax: 1000 });
    const head = request('POST /a', ['Content-Length: 1000']);
    const answer = await raw(tight.port, [head, 'a'.repeat(500)], { answers: 1 });
    expect(answer.statuses).toEqual([503]);
    expect(small.seen).toEqual([]);
    await tight.close();
  });

  it('stops listening, and the connections that are there end with their next answer', async () => {
    const own = new Recorder();
    const stopping = await start({
      host: '127.0.0.1',
      port: 0,
      handler: own,
      bodyBytesMax: 1024,
      connectionsMax: 1000,
    });
    stopping.stopListening();
    const answer = await raw(stopping.port, request('GET /a'), { timeoutMs: 1000 });
    expect(answer.statuses).toEqual([]);
    await stopping.close();
    await stopping.close();
  });

  it('ends the connection at what cannot be read, also right behind a request that was answered at once', async () => {
    const answer = vi.spyOn(handler, 'run').mockImplementation((exchange) => exchange.respond(200, [], 'at once'));
    const { statuses, closed } = await send(`${request('GET /a')}hello\r\n\r\n`);
    answer.mockRestore();
    expect(closed).toBe(true);
    // The native server looks at what follows before it answers.
    if (kind === 'node') expect(statuses).toEqual([200, 400]);
    else expect(statuses.length).toBeLessThanOrEqual(1);
  });
});
