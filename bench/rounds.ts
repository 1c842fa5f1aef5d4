/** The measurements, one function each; main.ts says in which order. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadPlan } from '../src/cli/bench/bench.js';
import { type LoadDriver, type LoadPlan, type LoadResult, NUMBER_LENGTH } from '../src/cli/bench/load.js';
import { openAccounts } from '../src/cli/bench/open-accounts.js';
import { newRun, singleRequests } from '../src/cli/bench/requests.js';
import type { BareAnswer } from './bare-front.js';
import { end, watch } from './children.js';
import type { CpuTimes } from './cpu.js';
import { lookAtCpu, lookAtSwitches, usedSince } from './cpu.js';
import type { Engine } from './engine.js';
import { countCommits, type FoldLag, foldLag, sessionNames, walBytes } from './log.js';
import type { Span } from './watch/threads.js';

export interface Shape {
  readonly connections: number;
  /** Transactions a request. */
  readonly batch: number;
}

export interface EngineRound {
  readonly load: LoadResult;
  /** µs by thread. */
  readonly cpu: CpuTimes;
  readonly rowsPerCommit: number;
  /** When the load ended. */
  readonly foldLag: FoldLag;
  /** Context switches by thread and session. */
  readonly switches: ReadonlyMap<string, number>;
  /** That the databases wrote meanwhile. */
  readonly walBytes: number;
  readonly span: Span;
}

export const ACCOUNTS = 10_000;

/** Opens the accounts, of two merchants at a time. */
export async function prepare(engine: Engine): Promise<void> {
  const keys = [...engine.keys];
  const lane = async (): Promise<void> => {
    for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
      await openAccounts({ url: engine.url, key, accounts: ACCOUNTS });
    }
  };
  await Promise.all([lane(), lane()]);
}

export function planOf(url: string, keys: readonly string[], shape: Shape, durationS: number): LoadPlan {
  return loadPlan({ url, keys, accounts: ACCOUNTS, durationS, ...shape });
}

export function loadEngine(engine: Engine, driver: LoadDriver, shape: Shape, durationS: number): Promise<EngineRound> {
  return loadBy(engine, () => driver.run(planOf(engine.url, engine.keys, shape, durationS)));
}

/** Any load, and what it cost. */
export async function loadBy(engine: Engine, run: () => Promise<LoadResult>): Promise<EngineRound> {
  const before = await lookAt(engine);
  const from = Date.now();
  const load = await run();
  const span = { from, to: Date.now() };
  const after = await lookAt(engine);
  const lag = await foldLag(engine);
  return {
    load,
    cpu: usedSince(before.cpu, after.cpu),
    rowsPerCommit: (after.records - before.records) / Math.max(1, after.commits - before.commits),
    foldLag: lag,
    switches: usedSince(before.switches, after.switches),
    walBytes: after.wal - before.wal,
    span,
  };
}

async function lookAt(engine: Engine) {
  const counted = await countCommits(engine);
  const wal = await walBytes(engine);
  const sessions = await sessionNames(engine);
  const switches = lookAtSwitches(engine.pid, sessions);
  return { ...counted, wal, switches, cpu: lookAtCpu(engine.pid, sessions) };
}

/** A limit is measured on a machine that has nothing else to do: the folds have caught up, or had time enough. */
export async function foldsAtRest(engine: Engine, waitMs: number): Promise<void> {
  const until = performance.now() + waitMs;
  while (performance.now() < until && (await foldLag(engine)).records > 0) await delay(100);
}

/** Posts a single transaction and keeps the answer's form, for the bare front to give. */
export function sampleSingle(engine: Engine): Promise<BareAnswer> {
  const [template] = singleRequests({ url: engine.url, keys: engine.keys, accounts: ACCOUNTS });
  return sampleAnswer(engine.url, template?.pieces.join(newRun().padEnd(NUMBER_LENGTH, 's')) ?? '');
}

/** Sends a request as a generator has it, head and body, and keeps the answer's form. */
export async function sampleAnswer(url: string, request: string): Promise<BareAnswer> {
  const [head = '', sent = ''] = request.split('\r\n\r\n');
  const [line = '', ...fields] = head.split('\r\n');
  const [method = '', path = ''] = line.split(' ');
  const own = new Set(['host', 'content-length']);
  const headers = fields
    .map((field): [string, string] => [field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 2)])
    .filter(([name]) => !own.has(name.toLowerCase()));
  const response = await fetch(`${url}${path}`, { method, headers, ...(sent === '' ? {} : { body: sent }) });
  const body = await response.text();
  if (!response.ok) throw new Error(`the engine does not post: ${response.status} ${body}`);
  // These the server writes by itself.
  const written = new Set(['date', 'content-length', 'uwebsockets', 'connection', 'keep-alive']);
  const kept = [...response.headers].filter(([name]) => !written.has(name)).flat();
  return { status: `${response.status} ${response.statusText}`, headers: kept, body };
}

export interface BareFront {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startBareFront(answer: BareAnswer): Promise<BareFront> {
  const file = fileURLToPath(new URL('bare-front.js', import.meta.url));
  const child = watch(fork(file, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  child.send(answer);
  const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }];
  return { url: `http://127.0.0.1:${port}`, stop: () => end(child, 2000) };
}
