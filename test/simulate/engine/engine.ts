/** One start of the engine: its process with a worker and fronts, and the supervisor that starts a dead worker again. */
import { RingClient } from '../../../src/engine/client.js';
import type { ShardBounds, ShardState } from '../../../src/engine/shard/status.js';
import { ShardReader } from '../../../src/folds/read/shard-reader.js';
import type { LedgerSettings } from '../../../src/ledger/command.js';
import type { ShardStore } from '../../../src/store/shard-store.js';
import { frontSql } from '../database/front-sql.js';
import type { Server } from '../database/server.js';
import { SimulatedStore } from '../database/store.js';
import type { Random } from '../random.js';
import { type Loop, Machine, Thread } from '../time/loop.js';
import type { Trace } from '../trace.js';
import { connectRings, type Rings } from './rings.js';
import { SimulatedWorker } from './worker.js';

export interface EngineOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly trace: Trace;
  /** Where its shards lie, by index. */
  readonly servers: readonly Server[];
  readonly number: number;
  readonly fronts: number;
  readonly ringBytes: number;
  readonly inFlightMax: number;
  readonly deadlineMs: number;
  readonly commitDeadlineMicros: number;
  readonly bounds: ShardBounds;
  readonly settings: LedgerSettings;
  readonly takeOver: boolean;
  readonly merchants: ReadonlyMap<number, { readonly merchant: string; readonly environment: 'test' | 'live' }>;
  readonly onState: (shard: number, state: ShardState) => void;
}

interface Front {
  readonly number: number;
  readonly thread: Thread;
  readonly client: RingClient;
  /** By shard. */
  readonly readers: readonly ShardReader[];
}

export class Engine {
  readonly machine = new Machine();
  readonly fronts: Front[] = [];
  alive = true;
  draining = false;
  /** By index of the shard. */
  readonly states: ShardState[];
  worker: { readonly thread: Thread; readonly code: SimulatedWorker } | null = null;
  readonly #options: EngineOptions;
  readonly #supervisor: Thread;
  #rings: Rings[] = [];
  #workers = 0;
  readonly #had = new Set<number>();
  readonly #lost = new Set<number>();
  /** Of the newest store of each shard. */
  readonly #owners: string[] = [];

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#supervisor = new Thread(`engine ${options.number} supervisor`, this.machine);
    this.states = options.servers.map(() => 'starting');
  }

  get number(): number {
    return this.#options.number;
  }

  get settings(): LedgerSettings {
    return this.#options.settings;
  }

  /** All of its shards. */
  get ready(): boolean {
    return this.states.every((state) => state === 'ready');
  }

  isReady(shard: number): boolean {
    return this.states[shard] === 'ready';
  }

  /** Called in the world's name; everything begins on the engine's own threads. */
  start(): void {
    const { loop, fronts, inFlightMax, deadlineMs, servers } = this.#options;
    for (let number = 0; number < fronts; number++) {
      const thread = new Thread(`engine ${this.number} front ${number}`, this.machine);
      loop.after(0, thread, () => {
        const readers = servers.map((server) => new ShardReader(frontSql(server), { name: server.name }));
        this.fronts.push({
          number,
          thread,
          client: new RingClient(servers.length, { inFlightMax, deadlineMs }),
          readers,
        });
      });
    }
    loop.after(1, this.#supervisor, () => this.#startWorker());
  }

  /** kill -9: nothing of it runs any more. */
  kill(): void {
    this.alive = false;
    for (const rings of this.#rings) rings.cut();
    for (const thread of this.#threads()) this.#die(thread);
  }

  /** The worker's thread throws; the supervisor starts another. */
  killWorker(): void {
    const { worker } = this;
    if (worker === null || !this.alive || this.draining) return;
    this.#die(worker.thread);
    this.worker = null;
    this.states.fill('starting');
    for (const rings of this.#rings) rings.cut();
    const { loop, random } = this.#options;
    loop.after(random.between(100, 200_000), this.#supervisor, () => this.#startWorker());
  }

  /** SIGSTOP until then. */
  stopUntil(at: number): void {
    for (const thread of this.#threads()) thread.stoppedUntil = Math.max(thread.stoppedUntil, at);
  }

  /** SIGTERM: what was taken is finished. Calls back when it is gone. */
  drain(gone: () => void): void {
    const { worker } = this;
    if (worker === null || !this.alive || this.draining) return;
    this.draining = true;
    const { loop } = this.#options;
    loop.after(0, worker.thread, () => {
      void worker.code.drain().then(() => {
        // Answers are with the fronts a moment later.
        loop.after(5_000, loop.world, () => {
          if (!this.alive) return;
          this.kill();
          gone();
        });
      });
    });
  }

  #threads(): Thread[] {
    const worker = this.worker === null ? [] : [this.worker.thread];
    return [this.#supervisor, ...worker, ...this.fronts.map(({ thread }) => thread)];
  }

  #die(thread: Thread): void {
    const { loop, random, servers } = this.#options;
    thread.alive = false;
    servers.forEach((server, shard) => {
      const owner = this.#owners[shard];
      // The sockets are closed by its kernel; the server hears of it a little later.
      loop.after(random.between(50, 20_000), server.thread, () => {
        server.clientDied(thread);
        if (server.lockHolder === owner) server.lockHolder = null;
      });
    });
  }

  /** As the supervisor: what was ours is taken back from the dead worker, but not where another engine took a shard. */
  #mayTakeOver(): boolean {
    if (this.#lost.size > 0) return false;
    return this.#options.takeOver || this.#had.size === this.#options.servers.length;
  }

  #startWorker(): void {
    const { loop, random, trace, servers, number, bounds, settings, merchants, ringBytes } = this.#options;
    const thread = new Thread(`engine ${number} worker ${this.#workers++}`, this.machine);
    const code = new SimulatedWorker({
      shard: { bounds, settings, merchants, takeOver: this.#mayTakeOver() },
      openStores: servers.map((server, shard) => () => this.#openStore(server, shard)),
      onState: (shard, state, store, error) => {
        if (this.worker?.thread === thread) this.#became(shard, state, store, error);
      },
      onError: (error, doing) => {
        trace.say(loop.now, `engine ${number} problem ${doing}: ${error.message}`);
        trace.mark(`problem: ${doing}`);
      },
      onFullRing: () => trace.mark('answers wait for room in the ring'),
      onRest: () => trace.mark('may rest while another shard works'),
    });
    this.worker = { thread, code };
    const shards = servers.map(({ shard }) => shard);
    this.#rings = this.fronts.map((front) => connectRings(loop, random, trace, front, thread, ringBytes, shards));
    this.#rings.forEach((rings, index) => {
      const front = this.fronts[index] as Front; // one each
      loop.after(random.between(5, 50), front.thread, () => front.client.connect(rings.frontSide));
    });
    loop.after(random.between(5, 50), thread, () => {
      for (const rings of this.#rings) code.connect(rings.workerSide);
      code.start();
    });
    trace.say(loop.now, `engine ${number} worker started`);
  }

  #openStore(server: Server, shard: number): ShardStore {
    const { random, number, commitDeadlineMicros } = this.#options;
    const owner = uuid(random);
    this.#owners[shard] = owner;
    return new SimulatedStore({ server, engine: number, owner, commitDeadlineMicros });
  }

  #became(shard: number, state: ShardState, store: ShardStore | null, error: Error | null): void {
    const { loop, trace, random, number, onState } = this.#options;
    this.states[shard] = state;
    if (state === 'ready') this.#had.add(shard);
    if (state === 'stopped') this.#lost.add(shard);
    trace.say(loop.now, `engine ${number} shard ${shard} ${state} ${error?.message ?? ''}`);
    onState(shard, state);
    if (store === null || state === 'starting') return;
    const { logId, incarnation, hashKey, partitionRecords } = store;
    for (const { thread, client } of this.fronts) {
      loop.after(random.between(5, 50), thread, () =>
        client.setShard(shard, { logId, incarnation, hashKey, partitionRecords }),
      );
    }
  }
}

function uuid(random: Random): string {
  const hex = Buffer.from(random.bytes(16)).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
