/** All that a run measures, in its order. */
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { singleRequests } from '../../src/cli/bench/requests.js';
import { measureDisk } from '../disk.js';
import { type Engine, startEngine } from '../engine.js';
import { describeMachine } from '../figures/machine.js';
import { resultsOf } from '../figures/results.js';
import type { OpenLoopFigures, Results, WorkloadFigures } from '../figures/schema.js';
import type { MemoryFigures } from '../memory.js';
import { startOrdinary } from '../ordinary/ordinary.js';
import { startPgbench } from '../pgbench.js';
import { profileStages } from '../profile/profile.js';
import { ACCOUNTS, foldsAtRest, prepare } from '../rounds.js';
import type { Workload } from '../workloads/workload.js';
import { Books } from './books.js';
import { type BatchRounds, Driven, type SingleRounds } from './driven.js';
import { Generated } from './generated.js';
import { grow } from './growth.js';
import { say, whole } from './progress.js';
import type { Settings } from './settings.js';
import { type Chosen, openText, runWorkload } from './workloads.js';

export interface Plan {
  readonly suite: Results['suite'];
  readonly settings: Settings;
  readonly workloads: readonly Workload[];
  readonly chosen: Chosen;
  /** Of the suite `growth`: single transactions are measured when the log has so many transactions, in this order. */
  readonly growth: readonly number[];
}

export const MERCHANTS = 8;
const LATENCY_CONNECTIONS = 64;
const LATENCY_SEED = 5;
/** Keys enough for every transaction of a long run on a fast machine, and accounts for all workloads together. */
export const ENVIRONMENT = {
  MILLRACE_KEYS__KEYS_MAX: '200000000',
  MILLRACE_LIMITS__ACCOUNTS_MAX: '10000000',
  MILLRACE_LOG__LEVEL: 'warn',
};

export async function runSuite(plan: Plan): Promise<Results> {
  const at = new Date().toISOString();
  const began = performance.now();
  const machine = describeMachine();
  const { settings, suite } = plan;
  const isWhole = suite === 'quick' || suite === 'long';
  say(isWhole ? 'a fresh engine; meanwhile, memory of a million accounts and a million keys …' : 'a fresh engine …');
  // Beside the engine's start, which waits for disks: none of its figures is a time.
  const measuring = isWhole ? measureMemory() : Promise.resolve(null);
  const engine = await startEngine(MERCHANTS, ENVIRONMENT);
  const memory = await measuring;
  try {
    const disk = measureDisk(dirname(engine.folder), settings.diskS);
    say(`the disk: ${whole(disk.syncsPerSecond)} syncs/s, p50 ${disk.p50Ms.toFixed(2)} ms`);
    const books = new Books();
    const driven = isWhole ? await runDriven(engine, settings, books) : null;
    const workloads: WorkloadFigures[] = [];
    for (const workload of plan.workloads) {
      workloads.push(await runWorkload(engine, settings, books, workload, plan.chosen));
      await foldsAtRest(engine, settings.foldWaitMs);
    }
    const growth = suite === 'growth' ? await grow(engine, settings, books, plan.growth) : [];
    say('verify …');
    const settlement = await books.settle(engine, settings);
    await engine.stop();
    const stages = settings.profileS === 0 || !isWhole ? {} : await profileStages(settings.profileS);
    const parts = {
      singles: driven?.singles ?? [],
      batch: driven?.batch ?? null,
      stream: driven?.stream ?? null,
      latency: driven?.latency ?? null,
    };
    return resultsOf({
      suite,
      at,
      seconds: (performance.now() - began) / 1000,
      machine,
      disk,
      ...parts,
      workloads,
      growth,
      stages,
      settlement,
      memory,
    });
  } finally {
    await engine.stop();
  }
}

interface DrivenResults {
  readonly singles: readonly SingleRounds[];
  readonly batch: BatchRounds;
  readonly stream: BatchRounds | null;
  readonly latency: OpenLoopFigures;
}

async function runDriven(engine: Engine, settings: Settings, books: Books): Promise<DrivenResults> {
  const [database = ''] = engine.databaseUrls;
  const [ordinary] = await Promise.all([startOrdinary(database, engine.keys, ACCOUNTS), prepare(engine)]);
  const driven = new Driven(engine, settings, books);
  await driven.warmUp();
  const singles = await driven.singles(ordinary, settings.pgbenchS === 0 ? null : await startPgbench(database, say));
  const latency = await measureLatency(engine, settings, books);
  return { singles, latency, batch: await driven.batches(), stream: await driven.stream() };
}

async function measureLatency(engine: Engine, settings: Settings, books: Books): Promise<OpenLoopFigures> {
  const { rate, warmUpS, durationS, repeats } = settings.latency;
  const templates = singleRequests({ url: engine.url, keys: engine.keys, accounts: ACCOUNTS });
  const generated = await Generated.start(
    {
      url: engine.url,
      requests: { templates },
      connections: LATENCY_CONNECTIONS,
      seed: LATENCY_SEED,
      transactionsPerRequest: 1,
    },
    books,
  );
  try {
    await generated.warmUp({ open: rate }, warmUpS);
    const figures = await generated.open(engine, rate, durationS, repeats);
    say(`single, ${openText(figures)}`);
    return figures;
  } finally {
    await generated.stop();
  }
}

async function measureMemory(): Promise<MemoryFigures> {
  const file = fileURLToPath(new URL('../memory.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', file], { timeout: 120_000 });
  return JSON.parse(stdout) as MemoryFigures;
}
