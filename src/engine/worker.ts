/**
 * A worker thread: one long task of the pool, the single writer of its shards. Commands come up the rings of the
 * fronts, each to its shard; answers go down again when what they saw is committed.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { Breaker } from '../platform/breaker.js';
import { ShardClock } from '../platform/time.js';
import { DatabaseNewerError, ShardHeldError, ShardMismatchError, UnfitServerError } from '../store/errors.js';
import { openShardStore } from '../store/open.js';
import { servePortSql } from '../store/port-sql.js';
import type { ShardStore } from '../store/shard-store.js';
import { ChannelConsumer, ChannelProducer } from './ring/channel.js';
import { TOPIC_ELSE, topicOf } from './ring/layout.js';
import { FrontLink } from './shard/front-link.js';
import { codeOf, isDamage } from './shard/lasting.js';
import { RingSink } from './shard/ring-sink.js';
import { Shard } from './shard/shard.js';
import type { ShardStatus } from './shard/status.js';
import { parseSlots } from './slot.js';
import type { FrontConnection } from './supervisor/connections.js';
import type { FromWorker, ShardSpec, ToWorker, WorkerTask } from './supervisor/messages.js';
import { shardOf } from './wire/head.js';

/** A shard that could not start tries again after this; meanwhile its merchants get 503. */
const START_RETRY_MS = 500;
const START_RETRY_MAX_MS = 5_000;
/** The sessions of an engine that was killed go within this; a shard that is still held then has a living owner. */
const HELD_MS_MAX = 3_000;

interface Running {
  readonly spec: ShardSpec;
  readonly breaker: Breaker;
  shard: Shard | null;
  store: ShardStore | null;
  /** Its data are damaged: it is not tried again. */
  stopped: boolean;
}

class Worker {
  readonly #task: WorkerTask;
  readonly #port: MessagePort;
  readonly #merchants = new Map<number, { readonly merchant: string; readonly environment: 'test' | 'live' }>();
  /** By index of the shard in the configuration; empty where another worker writes it. */
  readonly #shards: (Running | undefined)[] = [];
  readonly #fronts = new Map<number, { readonly link: FrontLink; readonly consumer: ChannelConsumer }>();
  #draining = false;
  #onControl: (message: ToWorker) => void = () => undefined;

  constructor(task: WorkerTask) {
    this.#task = task;
    this.#port = task.control;
    for (const { book, merchant, environment } of task.merchants) this.#merchants.set(book, { merchant, environment });
  }

  /** Runs until it is told to drain. */
  async run(): Promise<void> {
    const drained = new Promise<void>((resolve, reject) => {
      this.#onControl = (message) => {
        if (message.type === 'drain') this.#drain().then(resolve, reject);
        else this.#onMessage(message);
      };
      this.#port.on('message', (message: ToWorker) => this.#onControl(message));
    });
    for (const spec of this.#task.shards) {
      const running: Running = { spec, breaker: new Breaker(), shard: null, store: null, stopped: false };
      this.#shards[spec.shard] = running;
      void this.#startShard(running);
    }
    for (const connection of this.#task.fronts) this.#connect(connection);
    const telling = setInterval(() => {
      // A store that is closed has nothing to say.
      if (!this.#draining) this.#say({ type: 'status', shards: this.#statuses() });
    }, STATUS_EVERY_MS);
    await drained.finally(() => clearInterval(telling));
    this.#port.close();
  }

  #onMessage(message: Exclude<ToWorker, { type: 'drain' }>): void {
    switch (message.type) {
      case 'connect':
        this.#connect(message.connection);
        break;
      case 'merchant': {
        const { book, merchant, environment } = message.merchant;
        this.#merchants.set(book, { merchant, environment });
        break;
      }
      case 'database-back':
        this.#shards[message.shard]?.breaker.tryNow();
        break;
      case 'sql': {
        const store = this.#shards[message.shard]?.store;
        if (store === null || store === undefined) message.port.close();
        else servePortSql(message.port, store.sql);
        break;
      }
    }
  }

  /**
   * A merchant was said before its key was given out, but rings are quicker than ports: what was said and not heard yet
   * is heard now.
   */
  #merchantOf(book: number) {
    while (!this.#merchants.has(book)) {
      const said = receiveMessageOnPort(this.#port) as { readonly message: ToWorker } | undefined;
      if (said === undefined) break;
      this.#onControl(said.message);
    }
    return this.#merchants.get(book);
  }

  #connect(connection: FrontConnection): void {
    this.#fronts.get(connection.front)?.link.close();
    this.#fronts.get(connection.front)?.consumer.close();
    const producer = new ChannelProducer(connection.answers);
    const link = new FrontLink(connection.front, new RingSink(producer));
    const consumer = new ChannelConsumer(connection.commands, {
      onRecord: (bytes, view, offset, length) => {
        const running = this.#shards[shardOf(view, offset)];
        if (running === undefined) throw new Error('a command came to a worker that does not write its shard');
        if (running.shard === null) Shard.refuseBeforeStart(link, view, offset);
        else running.shard.submit(link, bytes, view, offset, length);
      },
      onAhead: (bytes, view, offset) => this.#shards[shardOf(view, offset)]?.shard?.foresee(bytes, view, offset),
      onAheadEnd: () => {
        for (const running of this.#shards) running?.shard?.fetchForeseen();
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
    this.#fronts.set(connection.front, { link, consumer });
    // Whoever waited for what the old one brings waits no more.
    this.#turnEnded();
  }

  /** Commands for a shard that is busy wait in the rings without ringing: it takes them when it has an ear for them. */
  #deferred = 0;
  #busy(shard: number, busy: boolean): void {
    const topic = topicOf(shard) & ~TOPIC_ELSE;
    const deferred = busy ? this.#deferred | topic : this.#deferred & ~topic;
    // What was not deferred has rung: there is nothing to look for.
    if (deferred === this.#deferred) return;
    this.#deferred = deferred;
    for (const { consumer } of this.#fronts.values()) consumer.defer(deferred);
    if (!busy) for (const { consumer } of this.#fronts.values()) consumer.look();
  }

  #turnEnded(): void {
    for (const running of this.#shards) running?.shard?.turnEnded();
  }

  async #startShard(running: Running): Promise<void> {
    const { spec, breaker } = running;
    const since = performance.now();
    for (let waitMs = START_RETRY_MS; !this.#draining; waitMs = Math.min(waitMs * 2, START_RETRY_MAX_MS)) {
      try {
        breaker.trying();
        await this.#openShard(running);
        breaker.succeeded();
        return;
      } catch (error) {
        await running.store?.close().catch(() => undefined);
        running.store = null;
        running.shard = null;
        running.stopped = isDamage(error);
        if (running.stopped) breaker.succeeded();
        this.#say({
          type: 'shard',
          shard: spec.shard,
          state: running.stopped ? 'stopped' : 'starting',
          identity: null,
          error: (error as Error).message,
          code: codeOf(error),
          hopeless: isHopeless(error, performance.now() - since),
        });
        if (running.stopped) return;
        await breaker.rest(waitMs);
      }
    }
  }

  async #openShard(running: Running): Promise<void> {
    const { spec } = running;
    const { bounds, settings, takeOver, commitDeadlineMs, durability, partitionRecords } = this.#task;
    const store = openShardStore({
      name: spec.name,
      slots: parseSlots(spec.slots).map(({ first, last }) => [first, last] as const),
      place: spec.place,
      commitDeadlineMs,
      durability,
      partitionRecords,
      breaker: running.breaker,
    });
    running.store = store;
    const shard: Shard = new Shard({
      name: spec.name,
      store,
      clock: new ShardClock(),
      bounds,
      settings,
      takeOver,
      breaker: running.breaker,
      merchants: { get: (book) => this.#merchantOf(book) },
      onState: (state, error) =>
        this.#say({
          type: 'shard',
          shard: spec.shard,
          state,
          identity:
            state === 'starting'
              ? null
              : {
                  logId: store.logId,
                  incarnation: store.incarnation,
                  restores: store.restores ?? [],
                  hashKey: store.hashKey,
                  partitionRecords: store.partitionRecords,
                },
          error: error?.message ?? null,
          code: codeOf(error),
          hopeless: false,
        }),
      mayRest: () => this.#shards.some((other) => other !== running && other?.shard?.isBusy === true),
      othersCommit: () => this.#shards.some((other) => other !== running && other?.shard?.isCommitting === true),
      onBusy: (busy) => this.#busy(spec.shard, busy),
      onCommitted: (position) => this.#committed(spec.shard, position),
      onError: (error, doing) => this.#problem(spec.name, doing, error),
    });
    running.shard = shard;
    await shard.start();
  }

  /** Tells the folds, at most once a turn of the event loop. */
  readonly #newest = new Map<number, number>();
  #committed(shard: number, position: number): void {
    if (this.#newest.size === 0) {
      setTimeout(() => {
        for (const [which, last] of this.#newest) this.#say({ type: 'committed', shard: which, position: last });
        this.#newest.clear();
      }, COMMITTED_EVERY_MS).unref();
    }
    this.#newest.set(shard, position);
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    await Promise.all(this.#shards.map((running) => running?.shard?.drain()));
    // Answers are in the rings or wait for room there; fronts drain until their last request is answered.
    await this.#answersGone();
    for (const { consumer } of this.#fronts.values()) consumer.close();
    await Promise.all(this.#shards.map((running) => running?.store?.close()));
  }

  async #answersGone(): Promise<void> {
    const until = performance.now() + ANSWERS_GONE_MAX_MS;
    while ([...this.#fronts.values()].some(({ link }) => link.backlog > 0) && performance.now() < until) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #statuses(): ShardStatus[] {
    return this.#shards.flatMap((running) =>
      running === undefined
        ? []
        : [
            {
              shard: running.spec.shard,
              ...(running.shard?.status() ?? Shard.statusBeforeStart(running.spec.name, running.breaker)),
              ...(running.stopped ? { state: 'stopped' as const } : {}),
            },
          ],
    );
  }

  #problem(shard: string, doing: string, error: Error): void {
    this.#say({ type: 'problem', shard, doing, message: error.message });
  }

  #say(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}

/** What no other attempt will mend, as far as can be told after so many milliseconds of attempts. */
function isHopeless(error: unknown, triedMs: number): boolean {
  if (error instanceof ShardHeldError) return triedMs > HELD_MS_MAX;
  return (
    error instanceof ShardMismatchError || error instanceof UnfitServerError || error instanceof DatabaseNewerError
  );
}

const STATUS_EVERY_MS = 500;
const COMMITTED_EVERY_MS = 20;
const ANSWERS_GONE_MAX_MS = 2_000;

export default async function runWorker(task: WorkerTask): Promise<void> {
  await new Worker(task).run();
}
