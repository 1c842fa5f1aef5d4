/**
 * A worker thread with one shard. Mirrors src/engine/worker.ts, which cannot be run here: it opens a real database and
 * lives on a real thread's port. Shard, links, rings and store contract are the engine's own.
 */
import { ChannelConsumer, ChannelProducer } from '../../../src/engine/ring/channel.js';
import { TOPIC_ELSE, topicOf } from '../../../src/engine/ring/layout.js';
import { FrontLink } from '../../../src/engine/shard/front-link.js';
import { RingSink } from '../../../src/engine/shard/ring-sink.js';
import { Shard, type ShardOptions } from '../../../src/engine/shard/shard.js';
import type { ShardState } from '../../../src/engine/shard/status.js';
import type { FrontConnection } from '../../../src/engine/supervisor/connections.js';
import { Breaker } from '../../../src/platform/breaker.js';
import { ShardClock } from '../../../src/platform/time.js';
import type { ShardStore } from '../../../src/store/shard-store.js';

const START_RETRY_MS = 500;
const START_RETRY_MAX_MS = 5_000;

export interface WorkerOptions {
  readonly shard: Pick<ShardOptions, 'bounds' | 'settings' | 'takeOver' | 'merchants'>;
  readonly openStore: () => ShardStore;
  readonly onState: (state: ShardState, store: ShardStore | null, error: Error | null) => void;
  readonly onError: (error: Error, doing: string) => void;
  readonly onFullRing: () => void;
  readonly onCommitted: (position: number) => void;
}

/** All of its methods are called on its thread. */
export class SimulatedWorker {
  shard: Shard | null = null;
  readonly #options: WorkerOptions;
  readonly #fronts: { readonly link: FrontLink; readonly consumer: ChannelConsumer }[] = [];
  #store: ShardStore | null = null;
  #draining = false;
  #deferred = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
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
        if (this.shard === null) Shard.refuseBeforeStart(link, view, offset);
        else this.shard.submit(link, bytes, view, offset, length);
      },
      onTurnEnd: () => this.shard?.turnEnded(),
      onEnd: () => link.close(),
    });
    consumer.defer(this.#deferred & ~TOPIC_ELSE);
    this.#fronts.push({ link, consumer });
  }

  get backlog(): number {
    return this.#fronts.reduce((sum, { link }) => sum + link.backlog, 0);
  }

  async start(): Promise<void> {
    for (let waitMs = START_RETRY_MS; !this.#draining; waitMs = Math.min(waitMs * 2, START_RETRY_MAX_MS)) {
      try {
        await this.#open();
        return;
      } catch (error) {
        await this.#store?.close().catch(() => undefined);
        this.#store = null;
        this.shard = null;
        this.#options.onState('starting', null, error as Error);
        await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random() / 2)));
      }
    }
  }

  async drain(): Promise<void> {
    this.#draining = true;
    await this.shard?.drain();
    while (this.backlog > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const { consumer } of this.#fronts) consumer.close();
    await this.#store?.close();
  }

  async #open(): Promise<void> {
    const store = this.#options.openStore();
    this.#store = store;
    const { onError, onCommitted } = this.#options;
    this.shard = new Shard({
      ...this.#options.shard,
      name: 'shard-0',
      store,
      clock: new ShardClock(),
      onState: (state, error) => this.#options.onState(state, store, error),
      onBusy: (busy) => this.#busy(busy),
      breaker: new Breaker(),
      onCommitted,
      onError,
    });
    await this.shard.start();
  }

  #busy(busy: boolean): void {
    this.#deferred = busy ? this.#deferred | topicOf(0) : this.#deferred & ~topicOf(0);
    for (const { consumer } of this.#fronts) consumer.defer(this.#deferred & ~TOPIC_ELSE);
    if (!busy) this.#look();
  }

  #look(): void {
    for (const { consumer } of this.#fronts) consumer.look();
  }
}
