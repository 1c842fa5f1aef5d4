/** Answers that nobody reads are not held for ever, whoever asks for them. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Exchange, HttpServer, RequestHandler, ServerOptions } from '../../../src/http/server/exchange.js';
import { startNode } from '../../../src/http/server/node.js';
import { startUws } from '../../../src/http/server/uws.js';

const MEGABYTE = 2 ** 20;
/** More than two sockets hold between them. */
const LARGE = Buffer.alloc(32 * MEGABYTE, 'large ');
const SMALL = 'x'.repeat(1000);
const REQUESTS = 100_000;

class Answering implements RequestHandler {
  runs = 0;
  open = () => ({ bodyMax: 0, problem: null, stream: false });
  refuse = (exchange: Exchange) => exchange.respond(400, [], '');

  run(exchange: Exchange): void {
    this.runs++;
    exchange.respond(200, [], exchange.path === '/large' ? LARGE : SMALL);
  }
}

const request = (path: string, method = 'GET'): string => `${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

async function connected(server: HttpServer): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

const optionsFor = (handler: RequestHandler): ServerOptions => ({
  host: '127.0.0.1',
  port: 0,
  handler,
  bodyBytesMax: 1,
  connectionsMax: 10,
});

/** Whether it comes true within a second, looking in every turn. */
async function eventually(isSo: () => boolean): Promise<boolean> {
  const end = performance.now() + 1_000;
  while (!isSo() && performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
  return isSo();
}

/** Until the head and so many bytes of body are here. */
async function read(socket: Socket, bodyBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).byteLength;
    const headBytes = (chunks[0]?.indexOf('\r\n\r\n') ?? 0) + 4;
    if (length >= headBytes + bodyBytes) return Buffer.concat(chunks).subarray(headBytes);
  }
  throw new Error(`the connection ended after ${length} bytes`);
}

describe.each([
  ['uws', startUws],
  ['node', startNode],
] as const)('%s', (_name, start) => {
  it('sends a large answer whole to a client that is slow to begin, and then the next one', async () => {
    const handler = new Answering();
    const server = await start(optionsFor(handler));
    try {
      const socket = await connected(server);
      socket.pause();
      for (const expected of [LARGE, LARGE, Buffer.from(SMALL)]) {
        socket.write(request(expected === LARGE ? '/large' : '/small'));
        const before = handler.runs;
        await expect.poll(() => handler.runs).toBeGreaterThan(before === handler.runs ? 0 : before);
        expect((await read(socket, expected.byteLength)).equals(expected)).toBe(true);
      }
      socket.destroy();
    } finally {
      await server.close();
    }
  });
});

describe('uws', () => {
  it('ends a connection that asks again and again and never reads', async () => {
    const handler = new Answering();
    const server = await startUws(optionsFor(handler));
    try {
      const socket = await connected(server);
      socket.pause();
      // One after the other: what stands behind a request in the same packet ends the connection anyway.
      let asked = 0;
      let isRun = true;
      while (isRun && asked < REQUESTS) {
        socket.write(request('/small'));
        asked++;
        isRun = await eventually(() => handler.runs === asked || socket.destroyed);
      }
      expect(asked).toBeLessThan(REQUESTS);
      const closed = once(socket, 'close');
      socket.resume();
      await closed;
    } finally {
      await server.close();
    }
  });

  it('ends a connection whose answer is more than may be held for clients that do not read', async () => {
    const handler = new Answering();
    const server = await startUws({ ...optionsFor(handler), unreadBytesMax: MEGABYTE });
    try {
      const socket = await connected(server);
      socket.write(request('/large'));
      let received = 0;
      for await (const chunk of socket) received += (chunk as Buffer).byteLength;
      expect(received).toBeLessThan(LARGE.byteLength);
    } finally {
      await server.close();
    }
  });
});
