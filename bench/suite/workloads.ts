/** Runs a workload: its merchants and accounts first, then closed loops, each after its limit, then open loops. */
import { newRun } from '../../src/cli/bench/requests.js';
import { createKeys, type Engine } from '../engine.js';
import type { ClosedLoopFigures, OpenLoopFigures, WorkloadFigures } from '../figures/schema.js';
import { randomOf } from '../load/arrivals.js';
import { sampleAnswer, startBareFront } from '../rounds.js';
import type { RequestWorkload, Workload } from '../workloads/workload.js';
import type { Books } from './books.js';
import { Generated } from './generated.js';
import { importLines } from './imported.js';
import { openFor } from './open.js';
import { say, whole } from './progress.js';
import type { Settings } from './settings.js';

/** What replaces a workload's own choice. */
export interface Chosen {
  readonly connections: readonly number[] | null;
  /** Requests a second. */
  readonly rates: readonly number[] | null;
}

const MERCHANTS_AT_A_TIME = 8;
/** The front's share of the time of an engine's measurement: it is steadier. */
const FRONT_SHARE = 0.3;

export async function runWorkload(
  engine: Engine,
  settings: Settings,
  books: Books,
  workload: Workload,
  chosen: Chosen,
): Promise<WorkloadFigures> {
  say(`${workload.name}: ${workload.title}`);
  const began = performance.now();
  const keys = await prepare(engine, workload);
  const preparedInSeconds = (performance.now() - began) / 1000;
  const accounts = workload.merchants * workload.accounts;
  say(
    `${workload.name}: ${whole(workload.merchants)} merchants, ${whole(accounts)} accounts in ${whole(preparedInSeconds)} s`,
  );
  const { name, title, seed, merchants, transactionsPerRequest } = workload;
  const measured =
    workload.kind === 'import'
      ? { closed: [await importLines(engine, books, workload, keys)], open: [] }
      : await measure(engine, settings, books, workload, keys, chosen);
  return { name, title, seed, merchants, accounts, transactionsPerRequest, preparedInSeconds, ...measured };
}

async function prepare(engine: Engine, workload: Workload): Promise<string[]> {
  const keys = await createKeys(engine.folder, workload.name, workload.merchants);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let key = keys[next++]; key !== undefined; key = keys[next++]) {
      await openFor(engine.url, key, workload);
    }
  };
  await Promise.all(Array.from({ length: MERCHANTS_AT_A_TIME }, lane));
  return keys;
}

async function measure(
  engine: Engine,
  settings: Settings,
  books: Books,
  workload: RequestWorkload,
  keys: readonly string[],
  chosen: Chosen,
): Promise<{ closed: ClosedLoopFigures[]; open: OpenLoopFigures[] }> {
  const { durationS, warmUpS } = settings.workloads;
  const loops = chosen.connections ?? workload.connections;
  const { seed, transactionsPerRequest } = workload;
  const requests = { workload: workload.name, keys };
  const connections = Math.max(...loops);
  const options = { requests, connections, seed, transactionsPerRequest };
  const front = await startBareFront(await sampleOf(engine, books, workload, keys));
  const bare = await Generated.start({ ...options, url: front.url }, null);
  const generated = await Generated.start({ ...options, url: engine.url }, books);
  const closed: ClosedLoopFigures[] = [];
  const open: OpenLoopFigures[] = [];
  try {
    await bare.warmUp({ closed: connections }, warmUpS);
    await generated.warmUp({ closed: connections }, warmUpS);
    for (const count of loops) {
      const frontPerSecond = await bare.closedRate(count, Math.max(1, durationS * FRONT_SHARE));
      const figures = await generated.closed(engine, count, durationS);
      closed.push({ ...figures, frontPerSecond });
      say(
        `${workload.name}, ${count} connections: ${whole(figures.tps)} transactions/s ` +
          `(${Math.round((100 * figures.requestsPerSecond) / frontPerSecond)} % of the bare front), ` +
          `p99 ${figures.p99Ms.toFixed(1)} ms, folds ${whole(figures.foldLagMs)} ms behind, ${figures.errors} errors`,
      );
    }
    for (const rate of chosen.rates ?? workload.rates) {
      const figures = await generated.open(engine, rate, durationS);
      open.push(figures);
      say(`${workload.name}, ${openText(figures)}`);
    }
  } finally {
    await bare.stop();
    await generated.stop();
    await front.stop();
  }
  return { closed, open };
}

/** The answer to the workload's first request, which is thereby posted. */
async function sampleOf(engine: Engine, books: Books, workload: RequestWorkload, keys: readonly string[]) {
  const { host } = new URL(engine.url);
  const random = randomOf(workload.seed);
  const request = workload.source({ host, keys, random, run: newRun() }).next();
  const answer = await sampleAnswer(engine.url, request.text);
  books.add(request.posted(answer.body), 0);
  return answer;
}

export function openText({
  offeredPerSecond,
  achievedPerSecond,
  p50Ms,
  p99Ms,
  p999Ms,
  errors,
}: OpenLoopFigures): string {
  return (
    `open loop: offered ${whole(offeredPerSecond)}/s, achieved ${whole(achievedPerSecond)}/s, ` +
    `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, p99.9 ${p999Ms.toFixed(1)} ms, ${errors} errors`
  );
}
