import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Exchange, RequestHandler } from '../../../src/http/server/exchange.js';
import { startNode } from '../../../src/http/server/node.js';
import { startUws } from '../../../src/http/server/uws.js';

const CONNECTIONS_MAX = 3;

const answering: RequestHandler = {
  open: () => ({ bodyMax: 0, problem: null, stream: false }),
  run: (exchange: Exchange) => exchange.respond(200, [], 'ok'),
  refuse: (exchange: Exchange) => exchange.respond(400, [], ''),
};

/** "answered" or "closed". */
async function fate(socket: Socket): Promise<string> {
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  return Promise.race([
    once(socket, 'data').then(([data]) => (String(data).startsWith('HTTP/1.1 200') ? 'answered' : 'refused')),
    once(socket, 'close').then(() => 'closed'),
  ]).catch(() => 'closed');
}

describe.each([
  ['uws', startUws],
  ['node', startNode],
] as const)('%s', (_name, start) => {
  it('closes connections above the bound, answers the others, and takes new ones when some have gone', async () => {
    const options = {
      host: '127.0.0.1',
      port: 0,
      handler: answering,
      bodyBytesMax: 1,
      connectionsMax: CONNECTIONS_MAX,
    };
    const server = await start(options);
    try {
      const within = Array.from({ length: CONNECTIONS_MAX }, () => connect(server.port, '127.0.0.1'));
      expect(await Promise.all(within.map(fate))).toEqual(['answered', 'answered', 'answered']);
      expect(await fate(connect(server.port, '127.0.0.1'))).toBe('closed');
      const [first] = within;
      first?.end();
      if (first !== undefined) await once(first, 'close');
      const isLetIn = async (): Promise<boolean> => (await fate(connect(server.port, '127.0.0.1'))) === 'answered';
      await expect.poll(isLetIn).toBe(true);
      expect(await Promise.all(within.slice(1).map(fate)), 'those within are not touched').toEqual([
        'answered',
        'answered',
      ]);
    } finally {
      await server.close();
    }
  });
});
