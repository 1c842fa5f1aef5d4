/**
 * A worker thread with one shard or several. Mirrors src/engine/worker.ts, which cannot be run here: it opens a real database and
 * lives on a real thread's port. Shard, links, rings and store contract are the engine's own.
 */
import { ChannelConsumer, ChannelProducer } from '../../../src/engine/ring/channel.js';
import { TOPIC_ELSE, topicOf } from '../../../src/engine/ring/layout.js';
import { FrontLink } from '../../../src/engine/shard/front-link.js';
import { RingSink } from '../../../src/engine/shard/ring-sink.js';
import { Shard, type ShardOptions } from '../../../src/engine/shard/shard.js';
import type { ShardState } from '../../../src/engine/shard/status.js';
import type { FrontConnection } from '../../../src/engine/supervisor/connections.js';
import { shardOf } from '../../../src/engine/wire/head.js';
import { Breaker } from '../../../src/platform/breaker.js';
import { ShardClock } from '../../../src/platform/time.js';
import type { ShardStore } from '../../../src/store/shard-store.js';

const START_RETRY_MS = 500;
const START_RETRY_MAX_MS = 5_000;

export interface WorkerOptions {
  readonly shard: Pick<ShardOptions, 'bounds' | 'settings' | 'takeOver' | 'merchants'>;
  /** A store each, by index of the shard; all of them are this worker's. */
  readonly openStores: readonly (() => ShardStore)[];
  readonly onState: (shard: number, state: ShardState, store: ShardStore | null, error: Error | null) => void;
  readonly onError: (error: Error, doing: string) => void;
  readonly onFullRing: () => void;
  /** A shard may rest between two commits, since another works. */
  readonly onRest: () => void;
}

interface Running {
  readonly openStore: () => ShardStore;
  readonly breaker: Breaker;
  shard: Shard | null;
  store: ShardStore | null;
}

/** All of its methods are called on its thread. */
export class SimulatedWorker {
  readonly #options: WorkerOptions;
  readonly #shards: readonly Running[];
  readonly #fronts: { readonly link: FrontLink; readonly consumer: ChannelConsumer }[] = [];
  #draining = false;
  #deferred = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#shards = options.openStores.map((openStore) => ({
      openStore,
      breaker: new Breaker(),
      shard: null,
      store: null,
    }));
  }

  connect(connection: FrontConnection): void {
    const producer = new ChannelProducer(connection.answers);
    const sink = new RingSink(producer);
    const link = new FrontLink(connection.front, {
      send: (bytes, offset, length) => {
        const isSent = sink.send(bytes, offset, length);
        if (!isSent) this.#options.onFullRing();
        return isSent;
      },
      flush: () => sink.flush(),
    });
    const consumer = new ChannelConsumer(connection.commands, {
      onRecord: (bytes, view, offset, length) => {
        const running = this.#shards[shardOf(view, offset)];
        if (running === undefined) throw new Error('a command came to a worker that does not write its shard');
        if (running.shard === null) Shard.refuseBeforeStart(link, view, offset);
        else running.shard.submit(link, bytes, view, offset, length);
      },
      onAhead: (bytes, view, offset) => this.#shards[shardOf(view, offset)]?.shard?.foresee(bytes, view, offset),
      onAheadEnd: () => {
        for (const { shard } of this.#shards) shard?.fetchForeseen();
      },
      onTurnEnd: () => this.#turnEnded(),
      onRung: () => this.#turnEnded(),
      onEnd: () => {
        link.close();
        this.#turnEnded();
      },
    });
    link.takesCommandsFrom(consumer);
    consumer.defer(this.#deferred);
    this.#fronts.push({ link, consumer });
    this.#turnEnded();
  }

  get backlog(): number {
    return this.#fronts.reduce((sum, { link }) => sum + link.backlog, 0);
  }

  start(): void {
    this.#shards.forEach((running, shard) => {
      void this.#start(running, shard);
    });
  }

  async #start(running: Running, shard: number): Promise<void> {
    for (let waitMs = START_RETRY_MS; !this.#draining; waitMs = Math.min(waitMs * 2, START_RETRY_MAX_MS)) {
      try {
        await this.#open(running, shard);
        return;
      } catch (error) {
        await running.store?.close().catch(() => undefined);
        running.store = null;
        running.shard = null;
        this.#options.onState(shard, 'starting', null, error as Error);
        await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random() / 2)));
      }
    }
  }

  async drain(): Promise<void> {
    this.#draining = true;
    await Promise.all(this.#shards.map(({ shard }) => shard?.drain()));
    while (this.backlog > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const { consumer } of this.#fronts) consumer.close();
    await Promise.all(this.#shards.map(({ store }) => store?.close()));
  }

  async #open(running: Running, index: number): Promise<void> {
    const store = running.openStore();
    running.store = store;
    running.shard = new Shard({
      ...this.#options.shard,
      name: `shard-${index}`,
      store,
      clock: new ShardClock(),
      onState: (state, error) => this.#options.onState(index, state, store, error),
      onBusy: (busy) => this.#busy(index, busy),
      breaker: running.breaker,
      mayRest: () => this.#shards.some((other) => other !== running && other.shard?.isBusy === true) && this.#rests(),
      onCommitted: () => undefined,
      onError: this.#options.onError,
    });
    await running.shard.start();
  }

  #busy(shard: number, busy: boolean): void {
    const topic = topicOf(shard) & ~TOPIC_ELSE;
    const deferred = busy ? this.#deferred | topic : this.#deferred & ~topic;
    if (deferred === this.#deferred) return;
    this.#deferred = deferred;
    for (const { consumer } of this.#fronts) consumer.defer(deferred);
    if (!busy) for (const { consumer } of this.#fronts) consumer.look();
  }

  #rests(): boolean {
    this.#options.onRest();
    return true;
  }

  #turnEnded(): void {
    for (const { shard } of this.#shards) shard?.turnEnded();
  }
}
