/**
 * The engine as a front sees it: requests go up the ring of the worker that writes their shard, answers come back by
 * the request's number. Lives on the front's thread, which is never made to wait: a full ring or table is an answer.
 */

import type { ErrorCode } from '../ledger/errors.js';
import { KeyedHash } from '../ledger/hash.js';
import { ChannelConsumer, ChannelProducer } from './ring/channel.js';
import type { WorkerConnection } from './supervisor/connections.js';
import type { ShardIdentity } from './supervisor/messages.js';
import { decodeAnswer } from './wire/answer.js';
import { encodeCold } from './wire/cold.js';
import { requestIdOf } from './wire/head.js';
import type { ColdRequest, EngineClient, OnAnswer, PostRequest, RequestHead } from './wire/messages.js';
import { encodePost, postSizeMax } from './wire/post.js';

export interface RingClientOptions {
  /** Requests that may wait for an answer at a time; at most 2^20. */
  readonly inFlightMax: number;
  /** A request that has no answer after this is told that its outcome is unknown. */
  readonly deadlineMs: number;
}

interface WorkerRings {
  readonly producer: ChannelProducer;
  readonly consumer: ChannelConsumer;
  readonly shards: readonly number[];
  /** Something was written since the last publish. */
  dirty: boolean;
}

/** A request's number is its place in the table and, above that, how often the place was used. */
const SLOT_BITS = 20;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const SWEEP_MS = 1_000;
const RETRY_AFTER_SECONDS = 1;

export class RingClient implements EngineClient {
  readonly #options: RingClientOptions;
  readonly #workers = new Map<number, WorkerRings>();
  readonly #workerOf: (WorkerRings | undefined)[] = [];
  /** By shard; null until it has said who it is. */
  readonly #hashes: (KeyedHash | null)[];
  /** By slot: who waits (null: nobody), which use of the slot, its worker, since when. */
  readonly #waiting: (OnAnswer | null)[] = [];
  readonly #uses: number[] = [];
  readonly #owner: (WorkerRings | null)[] = [];
  readonly #since: number[] = [];
  readonly #free: number[] = [];
  readonly #numbered: { shard: number; book: number; key: string | null; route: string; requestId: number } = {
    shard: 0,
    book: 0,
    key: null,
    route: '',
    requestId: 0,
  };
  readonly #sweep: NodeJS.Timeout;
  #nowMs = performance.now();
  #flushing = false;
  #inFlight = 0;
  #idle: (() => void)[] = [];

  constructor(shards: number, options: RingClientOptions) {
    this.#options = options;
    this.#hashes = Array.from({ length: shards }, () => null);
    this.#sweep = setInterval(() => this.#sweepLate(), SWEEP_MS);
    this.#sweep.unref();
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Rings to a worker, new or in place of those of one that died. */
  connect(connection: WorkerConnection): void {
    const old = this.#workers.get(connection.worker);
    if (old !== undefined) this.#lost(old);
    const rings: WorkerRings = {
      producer: new ChannelProducer(connection.commands),
      consumer: new ChannelConsumer(connection.answers, {
        onRecord: (bytes, view, offset, length) => {
          const onAnswer = this.#take(requestIdOf(view, offset));
          if (onAnswer !== null) onAnswer(decodeAnswer(bytes, view, offset, length));
        },
        onEnd: () => this.#lost(rings),
      }),
      shards: connection.shards,
      dirty: false,
    };
    this.#workers.set(connection.worker, rings);
    for (const shard of connection.shards) this.#workerOf[shard] = rings;
  }

  setShard(shard: number, identity: ShardIdentity | null): void {
    if (identity !== null) this.#hashes[shard] = new KeyedHash(identity.hashKey);
  }

  post(head: RequestHead, request: PostRequest, onAnswer: OnAnswer): ErrorCode | null {
    const rings = this.#workerOf[head.shard];
    const hash = this.#hashes[head.shard];
    if (rings === undefined || hash === null || hash === undefined) return 'shard_unavailable';
    if (this.#inFlight >= this.#options.inFlightMax) return 'overloaded';
    const { producer } = rings;
    const offset = producer.claim(postSizeMax(request));
    if (offset < 0) return 'overloaded';
    const requestId = this.#enter(rings, onAnswer);
    producer.commit(encodePost(this.#numberedHead(head, requestId), request, hash, producer.target, offset));
    this.#publishSoon(rings);
    return null;
  }

  ask(head: RequestHead, request: ColdRequest, onAnswer: OnAnswer): ErrorCode | null {
    const rings = this.#workerOf[head.shard];
    const hash = this.#hashes[head.shard];
    if (rings === undefined || hash === null || hash === undefined) return 'shard_unavailable';
    if (this.#inFlight >= this.#options.inFlightMax) return 'overloaded';
    const requestId = this.#enter(rings, onAnswer);
    const encoded = encodeCold(this.#numberedHead(head, requestId), request, hash);
    if (!rings.producer.send(encoded)) {
      this.#take(requestId);
      return 'overloaded';
    }
    this.#publishSoon(rings);
    return null;
  }

  /** Resolves when no request waits for an answer. */
  async settled(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  close(): void {
    clearInterval(this.#sweep);
    for (const { producer, consumer } of this.#workers.values()) {
      producer.close();
      consumer.close();
    }
  }

  // One object is reused for all heads: it is read before the call returns.
  #numberedHead(head: RequestHead, requestId: number) {
    const numbered = this.#numbered;
    numbered.shard = head.shard;
    numbered.book = head.book;
    numbered.key = head.key;
    numbered.route = head.route;
    numbered.requestId = requestId;
    return numbered;
  }

  #enter(rings: WorkerRings, onAnswer: OnAnswer): number {
    const slot = this.#free.pop() ?? this.#waiting.length;
    const use = ((this.#uses[slot] ?? 0) + 1) & 0xfff;
    this.#uses[slot] = use;
    this.#waiting[slot] = onAnswer;
    this.#owner[slot] = rings;
    this.#since[slot] = this.#nowMs;
    this.#inFlight++;
    return ((use << SLOT_BITS) | slot) >>> 0;
  }

  /** Who waits for this number; null where nobody does any more. */
  #take(requestId: number): OnAnswer | null {
    const slot = requestId & SLOT_MASK;
    const onAnswer = this.#waiting[slot] ?? null;
    if (onAnswer === null || this.#uses[slot] !== requestId >>> SLOT_BITS) return null;
    this.#waiting[slot] = null;
    this.#owner[slot] = null;
    this.#free.push(slot);
    this.#inFlight--;
    if (this.#inFlight === 0 && this.#idle.length > 0) for (const resolve of this.#idle.splice(0)) resolve();
    return onAnswer;
  }

  /** Requests of one turn of the event loop are published together: one wake-up, one batch. */
  #publishSoon(rings: WorkerRings): void {
    rings.dirty = true;
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      for (const worker of this.#workers.values()) {
        if (!worker.dirty) continue;
        worker.dirty = false;
        worker.producer.publish();
      }
    });
  }

  /** The worker is gone, and with it what it had not answered. */
  #lost(rings: WorkerRings): void {
    for (const shard of rings.shards) if (this.#workerOf[shard] === rings) this.#workerOf[shard] = undefined;
    rings.consumer.close();
    rings.producer.close();
    this.#giveUp((slot) => this.#owner[slot] === rings);
  }

  #sweepLate(): void {
    this.#nowMs = performance.now();
    const latest = this.#nowMs - this.#options.deadlineMs;
    this.#giveUp((slot) => (this.#since[slot] ?? 0) < latest);
  }

  #giveUp(which: (slot: number) => boolean): void {
    for (let slot = 0; slot < this.#waiting.length; slot++) {
      if (this.#waiting[slot] === null || !which(slot)) continue;
      const onAnswer = this.#take((((this.#uses[slot] ?? 0) << SLOT_BITS) | slot) >>> 0);
      onAnswer?.({ type: 'unavailable', code: 'outcome_unknown', retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
  }
}
