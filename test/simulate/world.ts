/** The world of one run: clients in it until they have asked enough, then peace, and what is left at the end. */
import type { LedgerSettings } from '../../src/ledger/command.js';
import { KeyedHash } from '../../src/ledger/hash.js';
import { Ledger } from '../../src/ledger/ledger.js';
import { Chaos } from './chaos.js';
import { Clients } from './client/clients.js';
import { Network } from './client/network.js';
import { Server } from './database/server.js';
import { FAIR } from './database/weather.js';
import type { Engine } from './engine/engine.js';
import type { AccountState, FinalState, History } from './history.js';
import { Operator } from './operator.js';
import { Random } from './random.js';
import { type Temper, temperOf } from './temper.js';
import type { Loop } from './time/loop.js';
import type { Trace } from './trace.js';

/** µs that a peaceful world gets to settle in. */
const PEACE_MICROS = 120_000_000;
/** µs after which whoever is stopped, or owns a shard no more, has found that out. */
const QUIET_MICROS = 15_000_000;

const BOOKS = [
  { book: 1, merchant: 'acme', environment: 'live' },
  { book: 2, merchant: 'acme', environment: 'test' },
  { book: 3, merchant: 'globex', environment: 'live' },
] as const;

export class World {
  readonly #seed: number;
  readonly #loop: Loop;
  readonly #trace: Trace;
  readonly #temper: Temper;
  readonly #servers: readonly Server[];
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
    this.#servers = Array.from({ length: temper.shards }, (_, shard) => {
      const random = new Random(seed, `database ${shard}`);
      const server = new Server(loop, random, trace, temper.partitionRecords, shard);
      Object.assign(server.weather, temper.weather);
      return server;
    });
    this.#network = new Network(loop, new Random(seed, 'network'), trace, this.#servers);
    Object.assign(this.#network.weather, { requestLost: temper.requestLost, answerLost: temper.answerLost });
    const parts = { loop, trace, servers: this.#servers, network: this.#network };
    const merchants = new Map(
      BOOKS.slice(0, temper.books).map(({ book, merchant, environment }) => [book, { merchant, environment }] as const),
    );
    const { fronts, ringBytes, inFlightMax, deadlineMs, commitDeadlineMicros, bounds, settings } = temper;
    this.#operator = new Operator({
      ...parts,
      random: new Random(seed, 'operator'),
      settings,
      engine: { fronts, ringBytes, inFlightMax, deadlineMs, commitDeadlineMicros, bounds, merchants },
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
      engine: (book) => this.#operator.target(this.#network.shardOf(book)),
      currencies: () => this.#operator.currencies,
      onOperation: () => this.#chaos.maybe(this.#clients),
    });
  }

  /** @returns what each shard leaves behind */
  live(): readonly History[] {
    this.#operator.start();
    this.#clients.start();
    this.#until(() => this.#clients.busy === 0, Number.POSITIVE_INFINITY);
    const last = this.#makePeace();
    return this.#servers.map((server) => this.#history(server, last));
  }

  #until(isDone: () => boolean, until: number): boolean {
    while (!isDone()) {
      if (this.#loop.now > until || !this.#loop.step()) return false;
    }
    return true;
  }

  /** Nothing goes wrong any more: some engine becomes ready and finishes what it has taken. @returns that engine */
  #makePeace(): Engine | null {
    const loop = this.#loop;
    this.#chaos.end();
    for (const { weather } of this.#servers) Object.assign(weather, FAIR);
    Object.assign(this.#network.weather, { requestLost: 0, answerLost: 0 });
    for (const { machine } of this.#operator.engines) machine.clockOffset = 0;
    this.#trace.say(loop.now, 'peace');
    const readyOne = () => this.#operator.engines.find(({ alive, draining, ready }) => alive && !draining && ready);
    this.#until(() => false, loop.now + QUIET_MICROS);
    this.#until(() => readyOne() !== undefined, loop.now + PEACE_MICROS);
    const engine = readyOne();
    if (engine === undefined) return null;
    for (const other of this.#operator.engines) if (other !== engine) this.#operator.kill(other);
    this.#operator.end();
    let isGone = false;
    engine.drain(() => {
      isGone = true;
    });
    if (!this.#until(() => isGone, loop.now + PEACE_MICROS)) return null;
    return engine;
  }

  #history(server: Server, last: Engine | null): History {
    const { log, fold, shard, logId, hashKey, raises } = server;
    fold.advance(Number.POSITIVE_INFINITY);
    const { operations, answers } = this.#network.wayOf(shard);
    return {
      seed: this.#seed,
      shard,
      settings: this.#operator.settings,
      books: BOOKS.slice(0, this.#temper.books).filter(({ book }) => this.#network.shardOf(book) === shard),
      operations,
      answers,
      batches: log.batches,
      seals: { logId, hashKey, rows: log.batches },
      log: log.rows,
      events: [...this.#operator.events, ...raises],
      final: finalState(server, this.#temper.settings, last),
    };
  }
}

/** Nobody's settings: the log's own are in it. */
const beforeTheLog = (settings: LedgerSettings): LedgerSettings => ({
  ...settings,
  customCurrencies: [],
  accountsMax: 0,
});

function finalState(server: Server, settings: LedgerSettings, last: Engine | null): FinalState {
  const { log, fold, hashKey, partitionRecords } = server;
  const memory = last?.worker == null ? undefined : server.memoryOf(last.worker.thread);
  const hash = new KeyedHash(hashKey);
  const replayed = new Ledger({
    keyHash: (...key) => hash.hash128(...key),
    partitionRecords,
    settings: beforeTheLog(settings),
  });
  replayed.replay(log.records);
  return {
    memoryHead: memory?.head ?? -1,
    logHead: log.head,
    memoryDigest: memory?.digest() ?? 'no engine became ready in a world at peace',
    replayDigest: replayed.digest(),
    accounts: memory === undefined ? [] : accountsOf(memory),
    folded: fold.accounts,
  };
}

function accountsOf(ledger: Ledger): AccountState[] {
  return Array.from({ length: ledger.accountCount }, (_, index) => {
    const { currency, ...account } = ledger.accountByNumber(index + 1);
    return { ...account, currency: ledger.currencies.byCode(currency)?.number ?? 0 };
  });
}
