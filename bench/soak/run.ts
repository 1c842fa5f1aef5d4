/** Finds what the engine can do, offers a share of it for long, and looks at it again and again. */
import { singleRequests } from '../../src/cli/bench/requests.js';
import { type Engine, startEngine } from '../engine.js';
import { describeMachine } from '../figures/machine.js';
import { round } from '../figures/results.js';
import { medianOf } from '../figures/spread.js';
import { foldLag, walFileBytes } from '../log.js';
import { postmastersOf, processes, proportionalBytes, residentBytes } from '../proc.js';
import { ACCOUNTS, foldsAtRest, prepare } from '../rounds.js';
import { Books } from '../suite/books.js';
import { Generated, type OpenWindow } from '../suite/generated.js';
import { say, whole } from '../suite/progress.js';
import { LONG } from '../suite/settings.js';
import { ENVIRONMENT, MERCHANTS } from '../suite/suite.js';
import { summaryOf } from './figures.js';
import type { SoakResults, SoakWindow } from './schema.js';
import { windowText } from './text.js';

export interface SoakPlan {
  /** Of the open loop. */
  readonly seconds: number;
  readonly windows: number;
  /** Of the capacity, more than 0. */
  readonly share: number;
  readonly connections: number;
  readonly seed: number;
}

const WARM_UP_S = 3;
const CAPACITY_ROUNDS = 3;
const CAPACITY_S = 5;

export async function runSoak(plan: SoakPlan): Promise<SoakResults> {
  const at = new Date().toISOString();
  const began = performance.now();
  const machine = describeMachine();
  const { connections, seed, share } = plan;
  say('a fresh engine …');
  const engine = await startEngine(MERCHANTS, ENVIRONMENT);
  try {
    await prepare(engine);
    const books = new Books();
    const { url, keys } = engine;
    const requests = { templates: singleRequests({ url, keys, accounts: ACCOUNTS }) };
    const generated = await Generated.start({ url, requests, connections, seed, transactionsPerRequest: 1 }, books);
    try {
      const rounds = await capacityOf(generated, connections);
      const perSecond = Math.round(medianOf(rounds));
      const offeredPerSecond = Math.max(1, Math.round(perSecond * share));
      await foldsAtRest(engine, LONG.foldWaitMs);
      say(`${whole(offeredPerSecond)}/s for ${whole(plan.seconds)} s …`);
      const windows = await openLoop(engine, generated, books, plan, offeredPerSecond);
      say('verify …');
      const settlement = await books.settle(engine, LONG);
      return {
        version: 1,
        at,
        seconds: round((performance.now() - began) / 1000, 1),
        machine,
        connections,
        seed,
        capacity: { perSecond, rounds: rounds.map(Math.round) },
        share,
        offeredPerSecond,
        windowS: plan.seconds / plan.windows,
        windows,
        ...summaryOf(windows),
        settlement,
      };
    } finally {
      await generated.stop();
    }
  } finally {
    await engine.stop();
  }
}

/** With the folds at work beside it, as they are in the open loop. */
async function capacityOf(generated: Generated, connections: number): Promise<number[]> {
  await generated.warmUp({ closed: connections }, WARM_UP_S);
  const rates: number[] = [];
  for (let number = 1; number <= CAPACITY_ROUNDS; number++) {
    const rate = await generated.closedRate(connections, CAPACITY_S);
    say(`capacity ${number}/${CAPACITY_ROUNDS}, ${connections} connections: ${whole(rate)} transactions/s`);
    rates.push(rate);
  }
  return rates;
}

async function openLoop(
  engine: Engine,
  generated: Generated,
  books: Books,
  plan: SoakPlan,
  rate: number,
): Promise<SoakWindow[]> {
  const windows: SoakWindow[] = [];
  let second = 0;
  for await (const window of generated.windows(rate, plan.seconds / plan.windows, plan.windows)) {
    second += window.seconds;
    const looked = await lookAt(engine, window, second);
    books.loaded({ ms: looked.foldLagMs, records: looked.foldLagRecords });
    windows.push(looked);
    say(`${windows.length}/${plan.windows}: ${windowText(looked)}`);
  }
  return windows;
}

/** What was answered in a window, and how engine and databases are at its end. */
async function lookAt(engine: Engine, window: OpenWindow, second: number): Promise<SoakWindow> {
  const { seconds, requests, postedPerSecond, errors, errorsByKind, p50Ms, p99Ms, p999Ms, generatorLagP99Ms } = window;
  const lag = await foldLag(engine);
  return {
    second: round(second, 2),
    offeredPerSecond: round(requests / seconds, 1),
    achievedPerSecond: round(postedPerSecond, 1),
    errors,
    errorsByKind,
    p50Ms,
    p99Ms,
    p999Ms,
    generatorLagP99Ms,
    engineBytes: residentBytes(engine.pid),
    serverBytes: serverBytes(engine.pid),
    walFileBytes: await walFileBytes(engine),
    foldLagMs: lag.ms,
    foldLagRecords: lag.records,
  };
}

/** Of the postmasters that the engine has started and of all of their processes, which share most of it. */
function serverBytes(enginePid: number): number {
  const all = processes();
  const masters = postmastersOf(all, enginePid);
  return all
    .filter(({ id, parent }) => masters.has(id) || masters.has(parent))
    .reduce((sum, { id }) => sum + proportionalBytes(id), 0);
}
