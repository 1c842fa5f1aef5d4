import { expect, it } from 'vitest';
import type { RequestHandler } from '../../../src/http/server/exchange.js';
import { startNode } from '../../../src/http/server/node.js';
import { PortInUseError, reservePort } from '../../../src/http/server/port.js';
import { startUws } from '../../../src/http/server/uws.js';

const named = (name: string): RequestHandler => ({
  open: () => ({ bodyMax: 0, problem: null, stream: false }),
  run: (exchange) => exchange.respond(200, [], name),
  refuse: (exchange) => exchange.respond(400, [], ''),
});
const options = (port: number, name = 'a') => ({
  host: '127.0.0.1',
  port,
  handler: named(name),
  bodyBytesMax: 1,
  connectionsMax: 1000,
});

const ask = async (port: number): Promise<string> =>
  (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text();

it('several native servers share a port that was chosen first, and the last serves alone when the others have closed', async () => {
  const port = await reservePort('127.0.0.1', 0);
  const first = await startUws(options(port, 'first'));
  const second = await startUws(options(port, 'second'));
  expect([first.port, second.port]).toEqual([port, port]);
  const names = new Set<string>();
  for (let i = 0; i < 64 && names.size < 2; i++) names.add(await ask(port));
  expect(names).toEqual(new Set(['first', 'second']));
  await first.close();
  for (let i = 0; i < 10; i++) expect(await ask(port)).toBe('second');
  await second.close();
});

it('a port that somebody listens on is said to be in use', async () => {
  const holder = await startUws(options(0));
  expect(holder.port).toBeGreaterThan(0);
  await expect(reservePort('127.0.0.1', holder.port)).rejects.toThrow(PortInUseError);
  await expect(startNode(options(holder.port))).rejects.toThrow(PortInUseError);
  await holder.close();
  const other = await startNode(options(0));
  expect(await ask(other.port)).toBe('a');
  await expect(startUws(options(other.port))).rejects.toThrow(PortInUseError);
  await other.close();
  expect(await reservePort('127.0.0.1', other.port)).toBe(other.port);
});
