/**
 * `npm run bench`: what a fresh engine does on this machine, and in the same run what the machine could do at most.
 *
 *     npm run bench                              a few minutes
 *     npm run bench -- --quick                   under a minute, for a first look and for CI
 *     npm run bench -- --json results.json       the figures as a file too
 *
 * Rounds are interleaved (front, engine, front, engine, …), so that a machine that is slow for a while is slow for both;
 * a ratio is the median of those of neighbours. No figure is asserted: it ends with 1 only where answers and log disagree.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { autocannonDriver } from '../src/cli/bench/autocannon.js';
import type { LoadDriver, LoadResult } from '../src/cli/bench/load.js';
import { tps } from '../src/cli/bench/load.js';
import { hasWrk, wrkDriver } from '../src/cli/bench/wrk.js';
import { PIECE_ROWS } from '../src/store/postgres/writer.js';
import { BareCopy } from './bare-copy.js';
import { endAll } from './children.js';
import type { Engine } from './engine.js';
import { countLog, startEngine, verify } from './engine.js';
import type { MemoryFigures } from './memory.js';
import type { Ordinary } from './ordinary/ordinary.js';
import { startOrdinary } from './ordinary/ordinary.js';
import type { BatchRounds, Measured, Settlement, SingleRounds } from './report.js';
import { describeMachine, jsonOf, textOf } from './report.js';
import type { EngineRound, Shape } from './rounds.js';
import { ACCOUNTS, foldsAtRest, loadEngine, planOf, prepare, sampleAnswer, startBareFront } from './rounds.js';

interface Settings {
  readonly rounds: number;
  readonly autocannonRounds: number;
  /** Seconds of one measurement. */
  readonly durationS: number;
  readonly warmUpS: number;
  readonly foldWaitMs: number;
  readonly verifyMaxMs: number;
  /** The bench gives up after this. */
  readonly allMaxMs: number;
}

const FULL: Settings = {
  rounds: 5,
  autocannonRounds: 3,
  durationS: 8,
  warmUpS: 4,
  foldWaitMs: 60_000,
  verifyMaxMs: 240_000,
  allMaxMs: 1_200_000,
};
const QUICK: Settings = {
  rounds: 2,
  autocannonRounds: 1,
  durationS: 2,
  warmUpS: 1,
  foldWaitMs: 3_000,
  verifyMaxMs: 40_000,
  allMaxMs: 120_000,
};

const MERCHANTS = 8;
const SINGLE: Shape = { connections: 256, batch: 1 };
const BATCH: Shape = { connections: 32, batch: 200 };
const END_MS = 35_000;

const { values: args } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    rounds: { type: 'string' },
    duration: { type: 'string' },
  },
});

class Bench {
  readonly #settings: Settings;
  readonly #engine: Engine;
  #posted = 0;
  #dropped = 0;

  constructor(settings: Settings, engine: Engine) {
    this.#settings = settings;
    this.#engine = engine;
  }

  async run(): Promise<Omit<Measured, 'machine' | 'memory' | 'seconds'>> {
    const { rounds, autocannonRounds, warmUpS } = this.#settings;
    const driver = hasWrk() ? wrkDriver : autocannonDriver;
    await prepare(this.#engine);
    await this.#load(driver, SINGLE, warmUpS, 'warm-up');
    await this.#load(driver, BATCH, warmUpS, 'warm-up');
    const [database = ''] = this.#engine.databaseUrls;
    const ordinary = await startOrdinary(database, this.#engine.keys, ACCOUNTS);
    const singles = [await this.#single(driver, SINGLE, rounds, ordinary)];
    await this.#settleOrdinary(ordinary, singles);
    if (driver === wrkDriver) singles.push(await this.#single(autocannonDriver, SINGLE, autocannonRounds));
    const batch = await this.#batch(driver, rounds);
    return { singles, batch, settlement: await this.#settle() };
  }

  async #load(driver: LoadDriver, shape: Shape, durationS: number, name: string): Promise<EngineRound> {
    const round = await loadEngine(this.#engine, driver, shape, durationS);
    this.#posted += round.load.posted;
    this.#dropped += round.load.unanswered * shape.batch;
    const problems = round.load.non2xx + round.load.errors;
    say(
      `${name}, ${driver.name}: ${whole(tps(round.load))} transactions/s${problems === 0 ? '' : `, ${problems} answers not 2xx or lost`}`,
    );
    return round;
  }

  /** @param rival loaded between the engine's rounds */
  async #single(
    driver: LoadDriver,
    shape: Shape,
    rounds: number,
    rival: Ordinary | null = null,
  ): Promise<SingleRounds> {
    const { durationS, foldWaitMs } = this.#settings;
    const answer = await sampleAnswer(this.#engine);
    this.#posted += 1;
    const limits: LoadResult[] = [];
    const engine: EngineRound[] = [];
    const ordinary: LoadResult[] = [];
    const front = await startBareFront(answer);
    for (let round = 1; round <= rounds; round++) {
      await foldsAtRest(this.#engine, foldWaitMs);
      const limit = await driver.run(planOf(front.url, this.#engine.keys, shape, durationS));
      say(`single ${round}/${rounds}, bare front, ${driver.name}: ${whole(tps(limit))} answers/s`);
      limits.push(limit);
      engine.push(await this.#load(driver, shape, durationS, `single ${round}/${rounds}, engine`));
      if (rival === null) continue;
      await foldsAtRest(this.#engine, foldWaitMs);
      const loaded = await driver.run(planOf(rival.url, this.#engine.keys, shape, durationS));
      say(`single ${round}/${rounds}, the ordinary way, ${driver.name}: ${whole(tps(loaded))} transactions/s`);
      ordinary.push(loaded);
    }
    await front.stop();
    return { driver: driver.name, connections: shape.connections, front: limits, engine, ordinary };
  }

  /** A rival that loses what it answers would be none. */
  async #settleOrdinary(ordinary: Ordinary, singles: readonly SingleRounds[]): Promise<void> {
    const { stored, agrees } = await ordinary.settle();
    await ordinary.stop();
    const loads = singles.flatMap((single) => single.ordinary);
    const answered = loads.reduce((sum, { posted }) => sum + posted, 0);
    const unanswered = loads.reduce((sum, load) => sum + load.unanswered, 0);
    if (!agrees || stored < answered || stored > answered + unanswered) {
      throw new Error(`the ordinary way answered ${answered} and stored ${stored}: it is no measure`);
    }
  }

  async #batch(driver: LoadDriver, rounds: number): Promise<BatchRounds> {
    const { durationS, foldWaitMs } = this.#settings;
    const engine: EngineRound[] = [];
    const copy: number[] = [];
    const copyInPieces: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const loaded = await this.#load(driver, BATCH, durationS, `batches ${round}/${rounds}, engine`);
      engine.push(loaded);
      await foldsAtRest(this.#engine, foldWaitMs);
      const rows = Math.max(1, Math.round(loaded.rowsPerCommit));
      for (const [name, rowsPerCopy, rates] of [
        ['bare COPY', rows, copy],
        [`bare COPY in pieces of ${PIECE_ROWS} rows`, PIECE_ROWS, copyInPieces],
      ] as const) {
        const bare = await BareCopy.open(this.#engine.databaseUrls, rows, rowsPerCopy);
        const { rows: copied, seconds } = await bare.run(durationS);
        await bare.close();
        rates.push(copied / seconds);
        say(`batches ${round}/${rounds}, ${name}, ${whole(rows)} rows a commit: ${whole(copied / seconds)} rows/s`);
      }
    }
    return {
      driver: driver.name,
      connections: BATCH.connections,
      transactions: BATCH.batch,
      engine,
      copy,
      copyInPieces,
    };
  }

  async #settle(): Promise<Settlement> {
    await foldsAtRest(this.#engine, this.#settings.foldWaitMs);
    const { posted, refused } = await countLog(this.#engine);
    say('verify …');
    const answered = this.#posted;
    return {
      answered,
      dropped: this.#dropped,
      stored: posted,
      refused,
      agrees: answered <= posted && posted <= answered + this.#dropped,
      verify: await verify(this.#engine, this.#settings.verifyMaxMs),
    };
  }
}

const startedAt = performance.now();
const whole = (value: number): string => Math.round(value).toLocaleString('en');

function say(line: string): void {
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);
}

async function measureMemory(): Promise<MemoryFigures> {
  const file = fileURLToPath(new URL('memory.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', file], { timeout: 120_000 });
  return JSON.parse(stdout) as MemoryFigures;
}

function settingsOf(): Settings {
  const base = args.quick ? QUICK : FULL;
  const rounds = Number(args.rounds ?? base.rounds);
  const durationS = Number(args.duration ?? base.durationS);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be an integer from 1');
  if (!Number.isInteger(durationS) || durationS < 1) throw new Error('--duration must be seconds, an integer from 1');
  return { ...base, rounds, durationS };
}

async function main(): Promise<number> {
  const settings = settingsOf();
  say('memory of a million accounts and a million keys …');
  const memory = await measureMemory();
  say('a fresh engine …');
  // Keys enough for every transaction of a long run on a fast machine.
  const engine = await startEngine(MERCHANTS, { MILLRACE_KEYS__KEYS_MAX: '200000000', MILLRACE_LOG__LEVEL: 'warn' });
  try {
    const results = await new Bench(settings, engine).run();
    const measured = {
      ...results,
      memory,
      machine: describeMachine(),
      seconds: (performance.now() - startedAt) / 1000,
    };
    process.stdout.write(`\n${textOf(measured)}\n`);
    if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(jsonOf(measured), null, 2)}\n`);
    const { agrees, verify: verified } = measured.settlement;
    return agrees && (verified === 'clean' || verified.startsWith('not done')) ? 0 : 1;
  } finally {
    await engine.stop();
  }
}

async function giveUp(why: string): Promise<never> {
  process.stderr.write(`bench: ${why}\n`);
  await endAll(END_MS);
  process.exit(1);
}

process.once('SIGINT', () => void giveUp('interrupted'));
process.once('SIGTERM', () => void giveUp('told to end'));
setTimeout(() => void giveUp('took too long'), settingsOf().allMaxMs).unref();
try {
  process.exitCode = await main();
} catch (error) {
  await giveUp(error instanceof Error ? error.message : String(error));
}
