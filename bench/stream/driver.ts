/**
 * Load by the stream, in this process: frames of many requests on a few connections, as fast as the engine gives credits for
 * them. Nothing is left unanswered at the end: it stops asking, and waits for what is under way.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Histogram } from 'hdr-histogram-js';
import { WebSocket } from 'ws';
import type { LoadResult } from '../../src/cli/bench/load.js';
import { newRun } from '../../src/cli/bench/requests.js';
import { newHistogram, percentilesOf, record } from '../figures/latency.js';
import { readAnswerFrame } from './answer-frame.js';
import { FrameTemplate } from './frame-template.js';

export interface StreamPlan {
  readonly url: string;
  /** API keys, one for each merchant, taken in turn by the connections. */
  readonly keys: readonly string[];
  /** Of each merchant, to be credited. */
  readonly accounts: number;
  readonly connections: number;
  readonly requestsPerFrame: number;
  readonly durationS: number;
}

const DRAIN_MS = 20_000;
const LOOK_MS = 5;
/** Different frames of each connection. */
const TEMPLATES = 8;

export async function loadByStream(plan: StreamPlan): Promise<LoadResult> {
  const latencies = newHistogram();
  const numbers = new Numbers();
  const run = newRun();
  const opened = Array.from({ length: plan.connections }, (_, index) =>
    Connection.open(plan, plan.keys[index % plan.keys.length] ?? '', templatesOf(plan, run, index), numbers, latencies),
  );
  const connections = await Promise.all(opened);
  const startedAt = performance.now();
  for (const connection of connections) connection.start();
  await delay(plan.durationS * 1000);
  for (const connection of connections) connection.stop();
  const giveUp = performance.now() + DRAIN_MS;
  while (connections.some(({ waiting, lost }) => waiting > 0 && !lost) && performance.now() < giveUp)
    await delay(LOOK_MS);
  for (const connection of connections) connection.close();
  const sum = (of: (connection: Connection) => number): number => connections.reduce((all, one) => all + of(one), 0);
  const answers = sum((one) => one.answers);
  const posted = sum((one) => one.posted);
  const lastAt = Math.max(startedAt, ...connections.map((one) => one.lastAt));
  const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = percentilesOf(latencies);
  return {
    driver: 'stream',
    seconds: (lastAt - startedAt) / 1000,
    answers,
    non2xx: answers - posted,
    unanswered: sum((one) => one.waiting),
    errors: sum((one) => (one.lost ? 1 : 0)),
    posted,
    latency: { p50: p50Ms, p90: p90Ms, p99: p99Ms, p999: p999Ms, max: maxMs },
  };
}

/** Of requests, over all connections: a merchant with several of them must not use a key twice. */
class Numbers {
  #next = 0;

  take(count: number): number {
    const first = this.#next;
    this.#next += count;
    return first;
  }
}

function templatesOf({ requestsPerFrame, accounts }: StreamPlan, run: string, connection: number): FrameTemplate[] {
  let account = connection;
  return Array.from({ length: TEMPLATES }, () => {
    // Neighbours in time are not neighbours in memory.
    const numbers = Array.from({ length: requestsPerFrame }, () => {
      account = (account + 7919) % accounts;
      return account + 1;
    });
    return new FrameTemplate(run, numbers);
  });
}

class Connection {
  answers = 0;
  posted = 0;
  lastAt = 0;
  /** Ended before it was closed here. */
  lost = false;
  readonly #socket: WebSocket;
  readonly #templates: readonly FrameTemplate[];
  readonly #numbers: Numbers;
  readonly #latencies: Histogram;
  /** Frames under way, in their order: answered up to where they end, and when they were sent. */
  readonly #frames: { readonly end: number; readonly sentAt: number }[] = [];
  #sent = 0;
  #credits = 0;
  #turn = 0;
  #running = false;
  #closed = false;

  static async open(
    { url }: StreamPlan,
    key: string,
    templates: readonly FrameTemplate[],
    numbers: Numbers,
    latencies: Histogram,
  ): Promise<Connection> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/stream`, {
      headers: { Authorization: `Bearer ${key}` },
      perMessageDeflate: false,
    });
    const connection = new Connection(socket, templates, numbers, latencies);
    await once(socket, 'open');
    return connection;
  }

  private constructor(socket: WebSocket, templates: readonly FrameTemplate[], numbers: Numbers, latencies: Histogram) {
    this.#socket = socket;
    this.#templates = templates;
    this.#numbers = numbers;
    this.#latencies = latencies;
    socket.on('message', (bytes: Buffer) => this.#onFrame(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.lost = !this.#closed;
    });
  }

  /** Requests without an answer. */
  get waiting(): number {
    return this.#sent - this.answers;
  }

  start(): void {
    this.#running = true;
    this.#send();
  }

  stop(): void {
    this.#running = false;
  }

  close(): void {
    this.#closed = true;
    this.#socket.terminate();
  }

  #onFrame(bytes: Buffer): void {
    const { credits, answers, posted } = readAnswerFrame(bytes);
    this.#credits += credits;
    this.answers += answers;
    this.posted += posted;
    this.lastAt = performance.now();
    for (let [frame] = this.#frames; frame !== undefined && frame.end <= this.answers; [frame] = this.#frames) {
      record(this.#latencies, this.lastAt - frame.sentAt);
      this.#frames.shift();
    }
    this.#send();
  }

  #send(): void {
    while (this.#running) {
      const template = this.#templates[this.#turn];
      if (template === undefined || this.#credits < template.requests) return;
      this.#turn = (this.#turn + 1) % this.#templates.length;
      this.#credits -= template.requests;
      this.#sent += template.requests;
      this.#frames.push({ end: this.#sent, sentAt: performance.now() });
      // Masked in a copy of its own, so the template may be used again at once.
      this.#socket.send(template.from(this.#numbers.take(template.requests)));
    }
  }
}
