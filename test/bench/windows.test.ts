import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomOf } from '../../bench/load/arrivals.js';
import type { LoadRequest } from '../../bench/load/request.js';
import { Sender } from '../../bench/load/sender.js';

/** Longer than a window is. */
const ANSWER_MS = 150;
const WINDOW_MS = 100;
const REQUEST: LoadRequest = {
  text: 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
  wantsBody: false,
  refusal: null,
  posted: () => 1,
};

describe('windows of an open loop', () => {
  let server: Server;
  let sender: Sender;
  let status: number;

  beforeEach(async () => {
    status = 201;
    server = createServer((_request, response) => {
      setTimeout(() => response.writeHead(status, { 'Content-Length': 0 }).end(), ANSWER_MS);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const group = { name: 'load', requests: { templates: [] }, connections: 64, connectionsMax: 64, patienceMs: 5_000 };
    const plan = { host: '127.0.0.1', port, groups: [group], seed: 1 };
    sender = new Sender(plan, group, { next: () => REQUEST }, randomOf(1), () => undefined);
  });
  afterEach(() => {
    sender.end();
    server.closeAllConnections();
    server.close();
  });

  const ticksFor = async (ms: number): Promise<void> => {
    const until = performance.now() + ms;
    while (performance.now() < until) {
      sender.tick(performance.now());
      await delay(1);
    }
  };

  it('follow one another without a pause, and each has the late answers to what was intended in it', async () => {
    const sending = { open: 200 };
    sender.begin(sending, performance.now());
    await ticksFor(WINDOW_MS);
    const first = sender.turn(sending, performance.now());
    expect(first.intended).toBeGreaterThan(0);
    // Nothing is answered yet: all of it is owed, and nobody waited for it.
    expect(first.owed).toBe(first.intended);
    await ticksFor(ANSWER_MS * 2);
    const second = sender.turn(undefined, performance.now());
    expect(first.owed).toBe(0);
    expect(first.result(WINDOW_MS)).toMatchObject({ posted: first.intended, statuses: { 201: first.intended } });
    expect(second.intended).toBeGreaterThan(0);
    await ticksFor(ANSWER_MS * 3);
    expect(second.owed).toBe(0);
  });

  it('are not sent into connections that the other side is about to cut', async () => {
    sender.begin({ open: 200 }, performance.now());
    await ticksFor(WINDOW_MS);
    sender.turn(undefined, performance.now());
    await ticksFor(ANSWER_MS * 2);
    const connections = () =>
      new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
    expect(await connections()).toBeGreaterThan(0);
    sender.tick(performance.now() + 6_000);
    await expect.poll(connections).toBe(0);
    // What comes later is sent on new ones.
    sender.begin({ open: 200 }, performance.now());
    await ticksFor(WINDOW_MS);
    const later = sender.turn(undefined, performance.now());
    await ticksFor(ANSWER_MS * 2);
    expect(later.result(WINDOW_MS)).toMatchObject({ posted: later.intended, errors: 0 });
  });

  it('say which statuses nobody expected', async () => {
    status = 503;
    sender.begin({ open: 200 }, performance.now());
    await ticksFor(WINDOW_MS);
    const first = sender.turn(undefined, performance.now());
    await ticksFor(ANSWER_MS * 2);
    expect(first.result(WINDOW_MS)).toMatchObject({ posted: 0, unexpected: { 503: first.intended } });
  });

  it('have the rate of the answers that came in each', async () => {
    const sending = { open: 200 };
    sender.begin(sending, performance.now());
    await ticksFor(WINDOW_MS);
    const first = sender.turn(sending, performance.now());
    await ticksFor(ANSWER_MS * 2);
    const second = sender.turn(undefined, performance.now());
    expect(first.result(WINDOW_MS).postedPerSecond).toBe(0);
    expect(second.result(1000).postedPerSecond).toBeGreaterThanOrEqual(first.intended);
  });
});
