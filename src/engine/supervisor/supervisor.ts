/**
 * The main thread's job: starts workers, fronts and the folds' thread, connects them, watches them, and starts again
 * what dies. It touches no request.
 *
 * A worker that dies takes its requests in flight with it: their fronts see the rings end and answer 503
 * `outcome_unknown`. A front that dies natively takes the process; the small parent of `serve` starts that again.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { LedgerSettings } from '../../ledger/command.js';
import type { ShardBounds } from '../shard/shard.js';
import type { Connection } from './connections.js';
import { connect } from './connections.js';
import type {
  ApiKeyEntry,
  Durability,
  FromFront,
  FromWorker,
  Merchant,
  ShardIdentity,
  ShardSpec,
  ShardStatus,
  ToFront,
  ToWorker,
} from './messages.js';
import { Restarts } from './restarts.js';
import type { Topology } from './topology.js';

export interface SupervisorLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface SupervisorOptions {
  readonly topology: Topology;
  readonly shards: readonly ShardSpec[];
  readonly settings: LedgerSettings;
  readonly bounds: ShardBounds;
  readonly ringBytes: number;
  readonly commitDeadlineMs: number;
  readonly durability: Durability;
  readonly partitionRecords: number;
  readonly takeOver: boolean;
  /** Module of a front thread; it gets {@link FrontThreadData}. */
  readonly frontEntry: URL;
  /** Module of the folds' thread; it gets `{ shards: [{ name, connection }] }`. */
  readonly foldEntry: URL;
  /** Handed to every front as it is. */
  readonly frontConfig: unknown;
  readonly host: string;
  readonly port: number;
  readonly log: SupervisorLog;
}

/** `workerData` of a front thread. */
export interface FrontThreadData {
  readonly front: number;
  readonly fronts: number;
  readonly host: string;
  readonly port: number;
  readonly shards: readonly ShardSpec[];
  readonly connections: readonly Connection['frontSide'][];
  readonly keys: readonly ApiKeyEntry[];
  readonly keysStale: boolean;
  readonly settings: LedgerSettings;
  readonly config: unknown;
}

/** A message of the folds' thread, as far as the supervisor cares. */
interface FoldMessage {
  readonly type: 'lag' | 'error';
  readonly shard: string;
  readonly message?: string;
  readonly lagRecords?: number;
  readonly lagMs?: number;
}

export interface ShardView extends ShardStatus {
  readonly worker: number;
  readonly slots: string;
  readonly error: string | null;
  readonly lagRecords: number;
  readonly lagMs: number;
}

interface ShardHealth {
  state: ShardStatus['state'];
  identity: ShardIdentity | null;
  error: string | null;
  lagRecords: number;
  lagMs: number;
  statusAt: ShardStatus | null;
}

interface FrontThread {
  readonly thread: Worker;
  listening: boolean;
}

const STATUS_TIMEOUT_MS = 1_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #pool: Piscina;
  readonly #controls: (import('node:worker_threads').MessagePort | null)[] = [];
  readonly #workerRuns: Promise<void>[] = [];
  readonly #fronts: (FrontThread | null)[] = [];
  readonly #health: ShardHealth[];
  readonly #merchants = new Map<number, Merchant>();
  #keys: readonly ApiKeyEntry[] = [];
  #keysStale = false;
  #folds: Worker | null = null;
  #port: number;
  #draining = false;
  #onChange: () => void = () => undefined;
  #statusWaiters: ((shards: readonly ShardStatus[]) => void)[] = [];

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#health = options.shards.map(() => ({
      state: 'starting',
      identity: null,
      error: null,
      lagRecords: 0,
      lagMs: 0,
      statusAt: null,
    }));
    const { workers } = options.topology;
    this.#pool = new Piscina({
      filename: new URL('../worker.js', import.meta.url).href,
      minThreads: workers,
      maxThreads: workers,
      concurrentTasksPerWorker: 1,
      // A worker lives on its event loop: waiting for tasks by Atomics would put its sockets to sleep.
      atomics: 'disabled',
    });
  }

  /** Starts the workers. Resolves when every shard is ready. */
  async startWorkers(): Promise<void> {
    for (let worker = 0; worker < this.topology.workers; worker++) this.#workerRuns[worker] = this.#keepWorker(worker);
    await this.#until(() => this.#health.every(({ state }) => state === 'ready'));
    this.#startFolds();
  }

  /** Starts the fronts. Resolves with their port when all of them listen. */
  async startFronts(): Promise<{ readonly port: number }> {
    for (let front = 0; front < this.topology.fronts; front++) {
      this.#startFront(front, new Restarts());
      // One by one: the first may be given a free port, which the others then share.
      await this.#until(() => this.#fronts[front]?.listening === true);
    }
    return { port: this.#port };
  }

  get topology(): Topology {
    return this.#options.topology;
  }

  /** The keys that fronts know, from now on. */
  setKeys(keys: readonly ApiKeyEntry[], stale: boolean): void {
    this.#keys = keys;
    this.#keysStale = stale;
    this.#toFronts({ type: 'keys', keys, stale });
  }

  /** To be called before a key of the merchant is given out. */
  addMerchant(merchant: Merchant): void {
    if (this.#merchants.has(merchant.book)) return;
    this.#merchants.set(merchant.book, merchant);
    for (const control of this.#controls) control?.postMessage({ type: 'merchant', merchant } satisfies ToWorker);
  }

  /** How the shards are, asked of their workers now. */
  async shards(): Promise<readonly ShardView[]> {
    const known = new Map<number, ShardStatus>();
    const asked = this.#controls.filter((control) => control !== null);
    await new Promise<void>((resolve) => {
      let missing = asked.length;
      const timer = setTimeout(resolve, STATUS_TIMEOUT_MS);
      for (const control of asked) {
        this.#statusWaiters.push((shards) => {
          for (const status of shards) known.set(status.shard, status);
          if (--missing === 0) {
            clearTimeout(timer);
            resolve();
          }
        });
        control.postMessage({ type: 'status' } satisfies ToWorker);
      }
    });
    return this.#options.shards.map((spec) => this.#view(spec, known.get(spec.shard) ?? null));
  }

  #view(spec: ShardSpec, status: ShardStatus | null): ShardView {
    const health = this.#healthOf(spec.shard);
    const none = { epoch: 0, position: 0, commits: 0, records: 0, ambiguous: 0, failed: 0 };
    return {
      ...(status ?? { ...none, parked: 0, accounts: 0, keys: 0, openHolds: 0 }),
      shard: spec.shard,
      name: spec.name,
      slots: spec.slots,
      state: health.state,
      error: health.error,
      worker: this.#options.topology.workerOf[spec.shard] ?? 0,
      lagRecords: health.lagRecords,
      lagMs: health.lagMs,
    };
  }

  /**
   * Stops accepting, finishes what is in flight, commits, ends all threads.
   * @param beforeWorkers closes what still needs the databases that workers hold
   */
  async drain(beforeWorkers: () => Promise<void>): Promise<void> {
    this.#draining = true;
    await Promise.all(this.#fronts.map((front) => this.#endFront(front)));
    await this.#endFolds();
    await beforeWorkers();
    for (const control of this.#controls) control?.postMessage({ type: 'drain' } satisfies ToWorker);
    await Promise.allSettled(this.#workerRuns);
    await this.#pool.destroy();
  }

  async #keepWorker(worker: number): Promise<void> {
    const restarts = new Restarts();
    while (!this.#draining) {
      restarts.started(performance.now());
      try {
        await this.#runWorker(worker);
        return;
      } catch (error) {
        this.#controls[worker] = null;
        if (this.#draining) return;
        const waitMs = restarts.delayMs(performance.now());
        this.#options.log.error(`worker ${worker} died (${(error as Error).message}); started again in ${waitMs} ms`);
        for (const shard of this.#shardsOf(worker)) this.#shardChanged(shard, 'starting', null, 'its worker died');
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  async #runWorker(worker: number): Promise<void> {
    const { options } = { options: this.#options };
    const shards = this.#shardsOf(worker);
    const { port1, port2 } = new MessageChannel();
    const connections = this.#fronts.flatMap((front, index) =>
      front === null ? [] : [{ front, connection: connect(index, worker, shards, options.ringBytes) }],
    );
    this.#controls[worker] = port1;
    port1.on('message', (message: FromWorker) => this.#fromWorker(message));
    const running = this.#pool.run(
      {
        worker,
        shards: options.shards.filter((spec) => shards.includes(spec.shard)),
        fronts: connections.map(({ connection }) => connection.workerSide),
        merchants: [...this.#merchants.values()],
        settings: options.settings,
        bounds: options.bounds,
        commitDeadlineMs: options.commitDeadlineMs,
        durability: options.durability,
        partitionRecords: options.partitionRecords,
        takeOver: options.takeOver,
        control: port2,
      },
      { transferList: [port2, ...connections.flatMap(({ connection }) => connection.workerTransfers)] },
    );
    for (const { front, connection } of connections) {
      front.thread.postMessage({ type: 'connect', connection: connection.frontSide } satisfies ToFront, [
        ...connection.frontTransfers,
      ]);
    }
    try {
      await running;
    } finally {
      port1.close();
    }
  }

  #startFront(front: number, restarts: Restarts): void {
    restarts.started(performance.now());
    const { topology, ringBytes, shards, settings, frontConfig, frontEntry, host } = this.#options;
    const connections = Array.from({ length: topology.workers }, (_, worker) =>
      connect(front, worker, this.#shardsOf(worker), ringBytes),
    );
    const data: FrontThreadData = {
      front,
      fronts: topology.fronts,
      host,
      port: this.#port,
      shards,
      connections: connections.map(({ frontSide }) => frontSide),
      keys: this.#keys,
      keysStale: this.#keysStale,
      settings,
      config: frontConfig,
    };
    const thread = new Worker(frontEntry, {
      workerData: data,
      transferList: connections.flatMap(({ frontTransfers }) => [...frontTransfers]),
    });
    const entry: FrontThread = { thread, listening: false };
    this.#fronts[front] = entry;
    connections.forEach((connection, worker) => {
      this.#controls[worker]?.postMessage({ type: 'connect', connection: connection.workerSide } satisfies ToWorker, [
        ...connection.workerTransfers,
      ]);
    });
    this.#health.forEach((_, shard) => {
      this.#introduceShard(entry, shard);
    });
    thread.on('message', (message: FromFront) => this.#fromFront(front, entry, message));
    thread.on('error', (error) => this.#options.log.error(`front ${front} failed: ${error.message}`));
    thread.once('exit', () => {
      this.#fronts[front] = null;
      if (this.#draining) return;
      const waitMs = restarts.delayMs(performance.now());
      this.#options.log.error(`front ${front} ended; started again in ${waitMs} ms`);
      setTimeout(() => {
        if (!this.#draining) this.#startFront(front, restarts);
      }, waitMs);
    });
  }

  #fromFront(front: number, entry: FrontThread, message: FromFront): void {
    switch (message.type) {
      case 'listening':
        this.#port = message.port;
        entry.listening = true;
        this.#onChange();
        break;
      case 'problem':
        this.#options.log.warn(`front ${front}: ${message.doing}: ${message.message}`);
        break;
    }
  }

  async #endFront(front: FrontThread | null): Promise<void> {
    if (front === null) return;
    const gone = new Promise((resolve) => front.thread.once('exit', resolve));
    front.thread.postMessage({ type: 'drain' } satisfies ToFront);
    await gone;
  }

  #fromWorker(message: FromWorker): void {
    switch (message.type) {
      case 'shard':
        this.#shardChanged(message.shard, message.state, message.identity, message.error);
        break;
      case 'committed':
        this.#folds?.postMessage({ type: 'poke', shard: this.#options.shards[message.shard]?.name });
        break;
      case 'status':
        this.#statusWaiters.shift()?.(message.shards);
        break;
      case 'problem':
        this.#options.log.warn(`${message.shard}: ${message.doing}: ${message.message}`);
        break;
    }
  }

  #shardChanged(
    shard: number,
    state: ShardStatus['state'],
    identity: ShardIdentity | null,
    error: string | null,
  ): void {
    const health = this.#healthOf(shard);
    if (health.state !== state || health.error !== error) {
      const name = this.#options.shards[shard]?.name ?? String(shard);
      this.#options.log[error === null ? 'info' : 'warn'](`${name} is ${state}${error === null ? '' : `: ${error}`}`);
    }
    health.state = state;
    health.error = error;
    if (identity !== null) health.identity = identity;
    for (const front of this.#fronts) if (front !== null) this.#introduceShard(front, shard);
    this.#onChange();
  }

  /** Tells a front how a shard is, and how to read it. */
  #introduceShard(front: FrontThread, shard: number): void {
    const { state, identity } = this.#healthOf(shard);
    front.thread.postMessage({ type: 'shard', shard, state, identity } satisfies ToFront);
    const place = this.#options.shards[shard]?.place;
    if (state !== 'ready' || place?.kind !== 'pglite') return;
    const port = this.sqlPort(shard);
    front.thread.postMessage({ type: 'sql', shard, port } satisfies ToFront, [port]);
  }

  /** A port to the thread that holds this shard's database; for shards on PGlite. */
  sqlPort(shard: number): import('node:worker_threads').MessagePort {
    const { port1, port2 } = new MessageChannel();
    const control = this.#controls[this.#options.topology.workerOf[shard] ?? 0];
    control?.postMessage({ type: 'sql', shard, port: port2 } satisfies ToWorker, [port2]);
    return port1;
  }

  #startFolds(): void {
    const connections = this.#options.shards.map((spec) => {
      const port = spec.place.kind === 'pglite' ? this.sqlPort(spec.shard) : null;
      return {
        port,
        entry: {
          name: spec.name,
          connection:
            spec.place.kind === 'postgres' ? { kind: 'postgres', url: spec.place.url } : { kind: 'port', port },
        },
      };
    });
    const thread = new Worker(this.#options.foldEntry, {
      workerData: { shards: connections.map(({ entry }) => entry) },
      transferList: connections.flatMap(({ port }) => (port === null ? [] : [port])),
    });
    this.#folds = thread;
    thread.on('message', (message: FoldMessage) => this.#fromFolds(message));
    thread.on('error', (error) => this.#options.log.error(`folds failed: ${error.message}`));
    thread.once('exit', () => {
      if (this.#folds !== thread) return;
      this.#folds = null;
      if (this.#draining) return;
      this.#options.log.error('the thread of the folds ended; started again');
      setTimeout(() => {
        if (!this.#draining) this.#startFolds();
      }, FOLDS_RESTART_MS);
    });
  }

  #fromFolds(message: FoldMessage): void {
    const shard = this.#options.shards.findIndex(({ name }) => name === message.shard);
    if (shard === -1) return;
    if (message.type === 'error') {
      this.#options.log.warn(`${message.shard}: folding: ${message.message ?? ''}`);
      return;
    }
    const health = this.#healthOf(shard);
    health.lagRecords = message.lagRecords ?? 0;
    health.lagMs = message.lagMs ?? 0;
    this.#toFronts({ type: 'lag', shard, lagRecords: health.lagRecords, lagMs: health.lagMs });
  }

  async #endFolds(): Promise<void> {
    const thread = this.#folds;
    if (thread === null) return;
    const gone = new Promise((resolve) => thread.once('exit', resolve));
    thread.postMessage({ type: 'stop' });
    await gone;
  }

  #toFronts(message: ToFront): void {
    for (const front of this.#fronts) front?.thread.postMessage(message);
  }

  #shardsOf(worker: number): readonly number[] {
    return this.#options.topology.workerOf.flatMap((owner, shard) => (owner === worker ? [shard] : []));
  }

  #healthOf(shard: number): ShardHealth {
    const health = this.#health[shard];
    if (health === undefined) throw new Error(`there is no shard ${shard}`);
    return health;
  }

  /** Waits until the condition holds; it is looked at when a thread reports. */
  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
  }
}

const FOLDS_RESTART_MS = 500;
