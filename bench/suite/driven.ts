/** Measurements by wrk and autocannon: single transactions and batches, each in turn with its limit. */
import { autocannonDriver } from '../../src/cli/bench/autocannon.js';
import { type DriverName, type LoadDriver, type LoadResult, tps } from '../../src/cli/bench/load.js';
import { hasWrk, wrkDriver } from '../../src/cli/bench/wrk.js';
import { PIECE_ROWS } from '../../src/store/postgres/writer.js';
import { BareCopy } from '../bare-copy.js';
import type { Engine } from '../engine.js';
import type { ThreadFigures } from '../figures/schema.js';
import type { Ordinary } from '../ordinary/ordinary.js';
import type { Pgbench } from '../pgbench.js';
import {
  ACCOUNTS,
  type EngineRound,
  foldsAtRest,
  loadBy,
  loadEngine,
  planOf,
  type Shape,
  sampleSingle,
  startBareFront,
} from '../rounds.js';
import { loadByStream } from '../stream/driver.js';
import { threadFigures } from '../watch/threads.js';
import type { Books } from './books.js';
import { say, whole } from './progress.js';
import type { Settings } from './settings.js';

export const SINGLE: Shape = { connections: 256, batch: 1 };
export const BATCH: Shape = { connections: 32, batch: 200 };
/** A connection for each merchant. */
const STREAM: Shape = { connections: 8, batch: 100 };

/** By driver, in the order of the rounds. */
export interface SingleRounds {
  readonly driver: LoadDriver['name'];
  readonly connections: number;
  readonly front: readonly LoadResult[];
  readonly engine: readonly EngineRound[];
  readonly threads: Readonly<Record<string, ThreadFigures>>;
  /** The ordinary way, in the first of the rounds. */
  readonly ordinary: readonly LoadResult[];
  /** Transactions a second of pgbench beside each of the rounds; none where it is left out. */
  readonly pgbench: readonly number[];
}

export interface BatchRounds {
  readonly driver: DriverName;
  readonly connections: number;
  /** In a request, or in a frame of the stream. */
  readonly transactions: number;
  readonly engine: readonly EngineRound[];
  readonly threads: Readonly<Record<string, ThreadFigures>>;
  /** Rows a second, one COPY a commit. */
  readonly copy: readonly number[];
  /** Rows a second, with commits cut into as many COPYs as the engine's. */
  readonly copyInPieces: readonly number[];
}

/** A round, when it is in the books and has been told. */
export function booked(books: Books, round: EngineRound, transactionsPerAnswer: number, name: string): EngineRound {
  const { load, foldLag } = round;
  books.add(load.posted, load.unanswered * transactionsPerAnswer);
  books.loaded(foldLag);
  const problems = load.non2xx + load.errors;
  const failed = problems === 0 ? '' : `, ${problems} answers not 2xx or lost`;
  say(`${name}, ${load.driver}: ${whole(tps(load))} transactions/s${failed}`);
  return round;
}

export class Driven {
  readonly #driver: LoadDriver = hasWrk() ? wrkDriver : autocannonDriver;
  readonly #engine: Engine;
  readonly #settings: Settings;
  readonly #books: Books;

  constructor(engine: Engine, settings: Settings, books: Books) {
    this.#engine = engine;
    this.#settings = settings;
    this.#books = books;
  }

  /** By autocannon, which can be told parts of a second. */
  async warmUp(): Promise<void> {
    await this.#load(autocannonDriver, SINGLE, this.#settings.warmUpS, 'warm-up, single');
    await this.#load(autocannonDriver, BATCH, this.#settings.warmUpS, 'warm-up, batches');
  }

  /** The ordinary way is loaded between the engine's rounds, and pgbench is. */
  async singles(ordinary: Ordinary, pgbench: Pgbench | null): Promise<SingleRounds[]> {
    const { rounds, durationS, autocannonRounds, autocannonS, ordinaryRounds } = this.#settings;
    const first = await this.#single(this.#driver, rounds, durationS, ordinary, ordinaryRounds, pgbench);
    await settleOrdinary(ordinary, first.ordinary);
    await pgbench?.stop();
    if (this.#driver === autocannonDriver) return [first];
    return [first, await this.#single(autocannonDriver, autocannonRounds, autocannonS, ordinary, 0, null)];
  }

  /** One round of single transactions, without a limit: how the speed changes as the log grows. */
  async grown(): Promise<number> {
    return tps((await this.#load(this.#driver, SINGLE, this.#settings.durationS, 'single')).load);
  }

  /** Batches, to make the log longer. */
  async grow(seconds: number): Promise<number> {
    return (await this.#load(this.#driver, BATCH, seconds, 'growing')).load.posted;
  }

  batches(): Promise<BatchRounds> {
    const { rounds, batchS } = this.#settings;
    return this.#besideCopy('batches', rounds, this.#driver.name, BATCH, (name) =>
      this.#load(this.#driver, BATCH, batchS, name),
    );
  }

  /** By frames of requests, each a transaction. */
  async stream(): Promise<BatchRounds | null> {
    const { streamRounds, batchS, warmUpS } = this.#settings;
    if (streamRounds === 0) return null;
    const { url, keys } = this.#engine;
    const { connections, batch: requestsPerFrame } = STREAM;
    const plan = { url, keys, accounts: ACCOUNTS, connections, requestsPerFrame };
    const load = async (name: string, durationS: number): Promise<EngineRound> =>
      this.#loaded(await loadBy(this.#engine, () => loadByStream({ ...plan, durationS })), 1, name);
    await load('warm-up, stream', warmUpS);
    return this.#besideCopy('stream', streamRounds, 'stream', STREAM, (name) => load(name, batchS));
  }

  async #besideCopy(
    what: string,
    rounds: number,
    driver: BatchRounds['driver'],
    { connections, batch: transactions }: Shape,
    load: (name: string) => Promise<EngineRound>,
  ): Promise<BatchRounds> {
    const { piecesRounds, copyS, foldWaitMs } = this.#settings;
    const engine: EngineRound[] = [];
    const copy: number[] = [];
    const copyInPieces: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const name = `${what} ${round}/${rounds}`;
      const loaded = await load(`${name}, engine`);
      engine.push(loaded);
      await foldsAtRest(this.#engine, foldWaitMs);
      const rows = Math.max(1, Math.round(loaded.rowsPerCommit));
      copy.push(await this.#copy(`${name}, bare COPY`, rows, rows, copyS));
      if (round > piecesRounds) continue;
      copyInPieces.push(
        await this.#copy(`${name}, bare COPY in pieces of ${PIECE_ROWS} rows`, rows, PIECE_ROWS, copyS),
      );
    }
    return { driver, connections, transactions, engine, threads: await this.#threads(engine), copy, copyInPieces };
  }

  async #single(
    driver: LoadDriver,
    rounds: number,
    durationS: number,
    rival: Ordinary,
    rivalRounds: number,
    pgbench: Pgbench | null,
  ): Promise<SingleRounds> {
    const { foldWaitMs, frontS, ordinaryS, pgbenchS } = this.#settings;
    const limits: LoadResult[] = [];
    const engine: EngineRound[] = [];
    const ordinary: LoadResult[] = [];
    const pgbenchRates: number[] = [];
    const front = await startBareFront(await sampleSingle(this.#engine));
    this.#books.add(1, 0);
    const other = async (url: string, name: string, seconds: number): Promise<LoadResult> => {
      await foldsAtRest(this.#engine, foldWaitMs);
      const loaded = await driver.run(planOf(url, this.#engine.keys, SINGLE, seconds));
      say(`${name}, ${driver.name}: ${whole(tps(loaded))} answers/s`);
      return loaded;
    };
    for (let round = 1; round <= rounds; round++) {
      const name = `single ${round}/${rounds}`;
      limits.push(await other(front.url, `${name}, bare front`, frontS));
      engine.push(await this.#load(driver, SINGLE, durationS, `${name}, engine`));
      if (round <= rivalRounds) ordinary.push(await other(rival.url, `${name}, the ordinary way`, ordinaryS));
      if (pgbench === null) continue;
      await foldsAtRest(this.#engine, foldWaitMs);
      const rate = await pgbench.run(pgbenchS);
      say(`${name}, pgbench, TPC-B: ${whole(rate)} transactions/s`);
      pgbenchRates.push(rate);
    }
    await front.stop();
    const threads = await this.#threads(engine);
    const { connections } = SINGLE;
    return { driver: driver.name, connections, front: limits, engine, threads, ordinary, pgbench: pgbenchRates };
  }

  #threads(rounds: readonly EngineRound[]): Promise<Record<string, ThreadFigures>> {
    const { threadsFolder, pid } = this.#engine;
    return threadFigures(
      threadsFolder,
      pid,
      rounds.map(({ span }) => span),
    );
  }

  async #load(driver: LoadDriver, shape: Shape, durationS: number, name: string): Promise<EngineRound> {
    return this.#loaded(await loadEngine(this.#engine, driver, shape, durationS), shape.batch, name);
  }

  #loaded(round: EngineRound, transactionsPerAnswer: number, name: string): EngineRound {
    return booked(this.#books, round, transactionsPerAnswer, name);
  }

  async #copy(name: string, rowsPerCommit: number, rowsPerCopy: number, durationS: number): Promise<number> {
    const bare = await BareCopy.open(this.#engine.databaseUrls, rowsPerCommit, rowsPerCopy);
    const { rows, seconds } = await bare.run(durationS);
    await bare.close();
    say(`${name}, ${whole(rowsPerCommit)} rows a commit: ${whole(rows / seconds)} rows/s`);
    return rows / seconds;
  }
}

/** @throws Error where it lost what it answered: it would be no rival */
async function settleOrdinary(ordinary: Ordinary, loads: readonly LoadResult[]): Promise<void> {
  const { stored, agrees } = await ordinary.settle();
  await ordinary.stop();
  const answered = loads.reduce((sum, { posted }) => sum + posted, 0);
  const unanswered = loads.reduce((sum, load) => sum + load.unanswered, 0);
  if (!agrees || stored < answered || stored > answered + unanswered) {
    throw new Error(`the ordinary way answered ${answered} and stored ${stored}: it is no measure`);
  }
}
