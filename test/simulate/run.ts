/** One run: a world by its seed, clients in it until they have asked enough, then peace, and what is left at the end. */
import { KeyedHash } from '../../src/ledger/hash.js';
import { Ledger } from '../../src/ledger/ledger.js';
import { judgeBasics } from './basics.js';
import { Chaos } from './chaos.js';
import { Clients } from './client/clients.js';
import { Network } from './client/network.js';
import { Server } from './database/server.js';
import { FAIR } from './database/weather.js';
import { observeLedgers } from './engine/observe.js';
import type { AccountState, Complaint, FinalState, History } from './history.js';
import { markHistory } from './marks.js';
import { judge } from './model/judge.js';
import { Operator } from './operator.js';
import { Random } from './random.js';
import { type Temper, temperOf } from './temper.js';
import { onVirtualTime } from './time/globals.js';
import { Loop } from './time/loop.js';
import { Trace } from './trace.js';

export interface RunOptions {
  readonly seed: number;
  /** @defaultValue 1000 */
  readonly operations?: number;
  /** Keeps the lines of the trace. @defaultValue false */
  readonly keepLines?: boolean;
}

export interface RunResult {
  readonly seed: number;
  readonly operations: number;
  /** sha256 of all that happened, in order. */
  readonly digest: string;
  readonly complaints: readonly Complaint[];
  readonly marks: ReadonlyMap<string, number>;
  readonly lines: readonly string[];
  readonly history: History | null;
}

export const OPERATIONS = 1_000;
/** µs that a peaceful world gets to settle in. */
const PEACE_MICROS = 120_000_000;

/** Synchronous: to be called from outside of any promise, because a run empties the queue of these again and again. */
export function run(options: RunOptions): RunResult {
  const { seed } = options;
  const loop = new Loop(new Random(seed, 'loop'));
  const trace = new Trace(options.keepLines ?? false);
  const problems: Complaint[] = [];
  const complain = (rule: string, error: unknown): void => {
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
    problems.push({ rule, step: trace.nextStep(), said, expected: 'nothing of the kind' });
  };
  const onRejection = (error: unknown): void => complain('unhandled_rejection', error);
  process.on('unhandledRejection', onRejection);
  try {
    const world = onVirtualTime(loop, new Random(seed, 'program'), () => {
      try {
        return new World(seed, options.operations ?? OPERATIONS, loop, trace).live();
      } catch (error) {
        complain('crashed', error);
        return null;
      }
    });
    if (world !== null) markHistory(world, trace);
    const complaints = [...problems, ...(world === null ? [] : [...judgeBasics(world), ...judge(world)])];
    for (const { rule, said } of complaints) trace.say(loop.now, `complaint ${rule} ${said.split('\n')[0]}`);
    return {
      seed,
      operations: world?.operations.length ?? 0,
      digest: trace.digest(),
      complaints,
      marks: trace.marks,
      lines: trace.lines,
      history: world,
    };
  } finally {
    process.off('unhandledRejection', onRejection);
  }
}

const BOOKS = [
  { book: 1, merchant: 'acme', environment: 'live' },
  { book: 2, merchant: 'acme', environment: 'test' },
  { book: 3, merchant: 'globex', environment: 'live' },
] as const;

class World {
  readonly #seed: number;
  readonly #loop: Loop;
  readonly #trace: Trace;
  readonly #temper: Temper;
  readonly #server: Server;
  readonly #network: Network;
  readonly #operator: Operator;
  readonly #chaos: Chaos;
  readonly #clients: Clients;

  constructor(seed: number, operations: number, loop: Loop, trace: Trace) {
    this.#seed = seed;
    this.#loop = loop;
    this.#trace = trace;
    const temper = temperOf(new Random(seed, 'temper'));
    this.#temper = temper;
    this.#server = new Server(loop, new Random(seed, 'database'), trace, temper.partitionRecords);
    Object.assign(this.#server.weather, temper.weather);
    this.#network = new Network(loop, new Random(seed, 'network'), trace, this.#server);
    Object.assign(this.#network.weather, { requestLost: temper.requestLost, answerLost: temper.answerLost });
    const parts = { loop, trace, server: this.#server, network: this.#network };
    const merchants = new Map(
      BOOKS.slice(0, temper.books).map(({ book, merchant, environment }) => [book, { merchant, environment }] as const),
    );
    const { fronts, ringBytes, inFlightMax, deadlineMs, commitDeadlineMicros, bounds, settings } = temper;
    this.#operator = new Operator({
      ...parts,
      random: new Random(seed, 'operator'),
      engine: { fronts, ringBytes, inFlightMax, deadlineMs, commitDeadlineMicros, bounds, settings, merchants },
    });
    this.#chaos = new Chaos({ ...parts, random: new Random(seed, 'chaos'), operator: this.#operator, temper });
    this.#clients = new Clients({
      loop,
      trace,
      network: this.#network,
      random: new Random(seed, 'clients'),
      clients: temper.clients,
      books: [...merchants.keys()],
      operations,
      thinkMicros: temper.thinkMicros,
      engine: () => this.#operator.target(),
      onOperation: () => this.#chaos.maybe(this.#clients),
    });
  }

  live(): History {
    const loop = this.#loop;
    const ledgers = observeLedgers(loop);
    try {
      this.#operator.start();
      this.#clients.start();
      this.#until(() => this.#clients.busy === 0, Number.POSITIVE_INFINITY);
      const memory = this.#makePeace(ledgers.of);
      return this.#history(memory);
    } finally {
      ledgers.stop();
    }
  }

  #until(isDone: () => boolean, until: number): boolean {
    while (!isDone()) {
      if (this.#loop.now > until || !this.#loop.step()) return false;
    }
    return true;
  }

  /** Nothing goes wrong any more: some engine becomes ready and finishes what it has taken. @returns its memory */
  #makePeace(ledgerOf: (thread: object) => Ledger | undefined): Ledger | null {
    const loop = this.#loop;
    this.#chaos.end();
    Object.assign(this.#server.weather, FAIR);
    Object.assign(this.#network.weather, { requestLost: 0, answerLost: 0 });
    for (const { machine } of this.#operator.engines) machine.clockOffset = 0;
    this.#trace.say(loop.now, 'peace');
    const ready = () =>
      this.#operator.engines.find(({ alive, draining, state }) => alive && !draining && state === 'ready');
    // Long enough for whoever is stopped, or owns the shard no more, to find that out.
    this.#until(() => false, loop.now + 15_000_000);
    if (!this.#until(() => ready() !== undefined, loop.now + PEACE_MICROS)) return null;
    const engine = ready();
    const worker = engine?.worker;
    if (engine === undefined || worker == null) return null;
    for (const other of this.#operator.engines) if (other !== engine) this.#operator.kill(other);
    this.#operator.end();
    let isGone = false;
    engine.drain(() => {
      isGone = true;
    });
    if (!this.#until(() => isGone, loop.now + PEACE_MICROS)) return null;
    return ledgerOf(worker.thread) ?? null;
  }

  #history(memory: Ledger | null): History {
    const { log, fold } = this.#server;
    fold.advance(Number.POSITIVE_INFINITY);
    const { customCurrencies: _, ...settings } = this.#temper.settings;
    return {
      seed: this.#seed,
      settings,
      books: BOOKS.slice(0, this.#temper.books),
      operations: this.#network.operations,
      answers: this.#network.answers,
      batches: log.batches,
      log: log.rows,
      events: this.#operator.events,
      final: this.#final(memory),
    };
  }

  #final(memory: Ledger | null): FinalState {
    const { log, fold, hashKey, partitionRecords } = this.#server;
    const hash = new KeyedHash(hashKey);
    const replayed = new Ledger({
      keyHash: (book, key, into) => hash.hash128(book, key, 0, key.length, into),
      partitionRecords,
      settings: { ...this.#temper.settings, accountsMax: 0 },
    });
    for (const record of log.records) replayed.replay(record);
    return {
      memoryHead: memory?.head ?? -1,
      logHead: log.head,
      memoryDigest: memory?.digest() ?? 'no engine became ready in a world at peace',
      replayDigest: replayed.digest(),
      accounts: memory === null ? [] : accountsOf(memory),
      folded: fold.accounts,
    };
  }
}

function accountsOf(ledger: Ledger): AccountState[] {
  return Array.from({ length: ledger.accountCount }, (_, index) => {
    const { currency, ...account } = ledger.accountByNumber(index + 1);
    return { ...account, currency: ledger.currencies.byCode(currency)?.number ?? 0 };
  });
}
