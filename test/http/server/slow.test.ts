import { connect } from 'node:net';
import { expect, it } from 'vitest';
import type { Exchange, HttpServer, Opened, RequestHandler } from '../../../src/http/server/exchange.js';
import { startNode } from '../../../src/http/server/node.js';
import { startUws } from '../../../src/http/server/uws.js';
import { type RawAnswer, raw, request } from '../support/raw.js';

/** 12 s is the promise; the rest is for a busy machine. */
const LONGEST_MS = 12_800;

const never: RequestHandler = {
  open: (): Opened => ({ bodyMax: 1024, problem: null, stream: false }),
  run: (exchange: Exchange) => exchange.respond(200, [], 'run'),
  refuse: (exchange: Exchange) => exchange.respond(400, [], 'refused'),
};

const CASES: Readonly<Record<string, string>> = {
  'half a head': 'POST /a HTTP/1.1\r\nHost: x\r\nX: ',
  'half a body': request('POST /a', ['Content-Length: 100'], 'half'),
  nothing: '',
  'no Host': 'POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi',
  'a space before the colon': request('POST /a', ['Transfer-Encoding : chunked', 'Content-Length: 2'], 'hi'),
  'a folded field': request('POST /a', ['X: y', ' z', 'Content-Length: 2'], 'hi'),
  'bare line feeds': 'POST /a HTTP/1.1\nHost: x\nContent-Length: 2\n\nhi',
  'no HTTP at all': 'hello\r\n\r\n',
  'another version': 'GET /a HTTP/0.9\r\nHost: x\r\n\r\n',
};

/** A whole request, and behind it nothing, or what never becomes one. */
const SECOND: Readonly<Record<string, string>> = {
  'nothing behind a GET': request('GET /a'),
  'nothing behind a HEAD': request('HEAD /a'),
  'half a head behind a HEAD': `${request('HEAD /a')}POST /a HTTP/1.1\r\nHost: x\r\nX: `,
  'nothing behind a HEAD that is refused': request('HEAD /a', ['Content-Length: 2']),
  'nothing behind a posting': request('POST /a', ['Content-Length: 2'], 'hi'),
};

/** Sends a part every second until the server has had enough. */
function drip(port: number, head: string, part: string): Promise<RawAnswer> {
  const started = performance.now();
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(head);
    const timer = setInterval(() => socket.write(part), 1000);
    socket.on('error', () => undefined).resume();
    socket.on('close', () => {
      clearInterval(timer);
      resolve({ text: '', statuses: [], closed: true, tookMs: performance.now() - started });
    });
  });
}

it('what never becomes a whole request is refused or cut within 12 s, on both servers', async () => {
  const options = { host: '127.0.0.1', port: 0, handler: never, bodyBytesMax: 1024, connectionsMax: 1000 };
  const servers: Record<string, HttpServer> = { uws: await startUws(options), node: await startNode(options) };
  const waits = Object.entries(servers).flatMap(([kind, { port }]) => [
    ...Object.entries(CASES).map(async ([name, text]) => ({ name: `${kind}: ${name}`, answer: await raw(port, text) })),
    drip(port, 'POST /a HTTP/1.1\r\nHost: x\r\n', 'X: y\r\n').then((answer) => ({
      name: `${kind}: a dripping head`,
      answer,
    })),
    drip(port, request('POST /a', ['Content-Length: 1000']), 'a').then((answer) => ({
      name: `${kind}: a dripping body`,
      answer,
    })),
  ]);
  for (const { name, answer } of await Promise.all(waits)) {
    expect(answer.closed, name).toBe(true);
    expect(answer.tookMs, name).toBeLessThan(LONGEST_MS);
    expect(answer.text, name).not.toContain('run');
    expect(
      answer.statuses.filter((status) => status < 400),
      name,
    ).toEqual([]);
  }
  await Promise.all(Object.values(servers).map((server) => server.close()));
});

it('a connection on which nothing more comes is ended within 12 s, whatever was answered on it, on both servers', async () => {
  const options = { host: '127.0.0.1', port: 0, handler: never, bodyBytesMax: 1024, connectionsMax: 1000 };
  const servers: Record<string, HttpServer> = { uws: await startUws(options), node: await startNode(options) };
  const waits = Object.entries(servers).flatMap(([kind, { port }]) =>
    Object.entries(SECOND).map(async ([name, text]) => ({ name: `${kind}: ${name}`, answer: await raw(port, text) })),
  );
  for (const { name, answer } of await Promise.all(waits)) {
    expect(answer.closed, name).toBe(true);
    expect(answer.statuses[0], name).toBe(name.endsWith('refused') ? 400 : 200);
    expect(answer.tookMs, name).toBeLessThan(LONGEST_MS);
  }
  await Promise.all(Object.values(servers).map((server) => server.close()));
});
