/** The measurements, one function each; main.ts says in which order. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadPlan } from '../src/cli/bench/bench.js';
import type { LoadDriver, LoadPlan, LoadResult } from '../src/cli/bench/load.js';
import { openAccounts } from '../src/cli/bench/open-accounts.js';
import { accountName, newRun, OUTSIDE_ACCOUNT } from '../src/cli/bench/requests.js';
import type { BareAnswer } from './bare-front.js';
import { end, watch } from './children.js';
import type { CpuTimes } from './cpu.js';
import { cpuSince, lookAtCpu } from './cpu.js';
import type { Engine } from './engine.js';
import { countCommits, foldLag, sessionNames } from './engine.js';

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
  /** Records that the folds were behind when the load ended. */
  readonly foldLag: number;
}

export const ACCOUNTS = 10_000;

export async function prepare(engine: Engine): Promise<void> {
  for (const key of engine.keys) await openAccounts({ url: engine.url, key, accounts: ACCOUNTS });
}

export function planOf(url: string, keys: readonly string[], shape: Shape, durationS: number): LoadPlan {
  return loadPlan({ url, keys, accounts: ACCOUNTS, durationS, ...shape });
}

export async function loadEngine(
  engine: Engine,
  driver: LoadDriver,
  shape: Shape,
  durationS: number,
): Promise<EngineRound> {
  const plan = planOf(engine.url, engine.keys, shape, durationS);
  const commitsBefore = await countCommits(engine);
  const cpuBefore = lookAtCpu(engine.pid, await sessionNames(engine));
  const load = await driver.run(plan);
  const cpu = cpuSince(cpuBefore, lookAtCpu(engine.pid, await sessionNames(engine)));
  const lag = await foldLag(engine);
  const commits = await countCommits(engine);
  const rowsPerCommit =
    (commits.records - commitsBefore.records) / Math.max(1, commits.commits - commitsBefore.commits);
  return { load, cpu, rowsPerCommit, foldLag: lag };
}

/** A limit is measured on a machine that has nothing else to do: the folds have caught up, or had time enough. */
export async function foldsAtRest(engine: Engine, waitMs: number): Promise<void> {
  const until = performance.now() + waitMs;
  while (performance.now() < until && (await foldLag(engine)) > 0) await delay(100);
}

/** Posts once and keeps the answer's form, for the bare front to give. */
export async function sampleAnswer(engine: Engine): Promise<BareAnswer> {
  const legs = [{ debit: OUTSIDE_ACCOUNT, credit: accountName(1), amount: 125, currency: 'EUR' }];
  const response = await fetch(`${engine.url}/v1/transactions`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${engine.keys[0] ?? ''}`,
      'Idempotency-Key': `${newRun()}-sample`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ legs }),
  });
  const body = await response.text();
  if (response.status !== 201) throw new Error(`the engine does not post: ${response.status} ${body}`);
  // These the server writes by itself.
  const own = new Set(['date', 'content-length', 'uwebsockets', 'connection', 'keep-alive']);
  const headers = [...response.headers].filter(([name]) => !own.has(name)).flat();
  return { status: `${response.status} ${response.statusText}`, headers, body };
}

export interface BareFront {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startBareFront(answer: BareAnswer): Promise<BareFront> {
  const file = fileURLToPath(new URL('bare-front.js', import.meta.url));
  const child = watch(fork(file, [JSON.stringify(answer)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }];
  return { url: `http://127.0.0.1:${port}`, stop: () => end(child, 2000) };
}
