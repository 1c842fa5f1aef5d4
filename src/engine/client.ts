/**
 * The engine as a front sees it: requests go up the ring of the worker that writes their shard, answers come back by
 * the request's number. Lives on the front's thread, which is never made to wait: a full ring or table is an answer.
 */

import type { ErrorCode } from '../ledger/errors.js';
import { KeyedHash } from '../ledger/hash.js';
import type { Micros, Position } from '../ledger/record.js';
import { InFlight } from './in-flight.js';
import { ChannelConsumer, ChannelProducer } from './ring/channel.js';
import { topicOf } from './ring/layout.js';
import type { WorkerConnection } from './supervisor/connections.js';
import type { ShardIdentity } from './supervisor/messages.js';
import { deliverAnswer, plainSuccess } from './wire/answer.js';
import { encodeCold } from './wire/cold.js';
import { type NumberedHead, requestIdOf } from './wire/head.js';
import type {
  Answer,
  AnswerReceiver,
  ColdRequest,
  EngineClient,
  MerchantPlace,
  OnAnswer,
  PostRequest,
  RequestHead,
} from './wire/messages.js';
import { encodePlain, type PlainPosts, plainSize } from './wire/plain-post.js';
import { encodePost, postSizeMax } from './wire/post.js';
import { encodeReadAccount, readAccountSize } from './wire/read-account.js';

export interface RingClientOptions {
  /** Requests that may wait for an answer at a time, those that were given up not counted; at most 2^20. */
  readonly inFlightMax: number;
  /** A request that has no answer after this is told that its outcome is unknown. */
  readonly deadlineMs: number;
}

interface WorkerRings {
  readonly producer: ChannelProducer;
  readonly consumer: ChannelConsumer;
  readonly shards: readonly number[];
  /** Topics of what was written since the last publish; 0: nothing was. */
  topics: number;
}

const SWEEP_MS = 1_000;
const OUTCOME_UNKNOWN: Answer = { type: 'unavailable', code: 'outcome_unknown', retryAfterSeconds: 1 };

export class RingClient implements EngineClient {
  readonly #options: RingClientOptions;
  readonly #workers = new Map<number, WorkerRings>();
  readonly #workerOf: (WorkerRings | undefined)[] = [];
  /** By shard; null until it has said who it is. */
  readonly #hashes: (KeyedHash | null)[];
  readonly #waiting = new InFlight<WorkerRings>();
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
  /** Whether something was done since it was last asked, and whether that is being asked. */
  #active = false;
  #watching = false;
  #idle: (() => void)[] = [];

  constructor(shards: number, options: RingClientOptions) {
    this.#options = options;
    this.#hashes = Array.from({ length: shards }, () => null);
    this.#sweep = setInterval(() => this.#sweepLate(), SWEEP_MS);
    this.#sweep.unref();
  }

  get inFlight(): number {
    return this.#waiting.count;
  }

  get #hasRoom(): boolean {
    return this.inFlight < this.#options.inFlightMax && !this.#waiting.isFull;
  }

  /** Rings to a worker, new or in place of those of one that died. */
  connect(connection: WorkerConnection): void {
    const old = this.#workers.get(connection.worker);
    if (old !== undefined) this.#lost(old);
    const rings: WorkerRings = {
      producer: new ChannelProducer(connection.commands),
      consumer: new ChannelConsumer(connection.answers, {
        onRecord: (bytes, view, offset, length) => this.#onRecord(bytes, view, offset, length),
        onTurnEnd: () => this.#wasActive(),
        onEnd: () => this.#lost(rings),
      }),
      shards: connection.shards,
      topics: 0,
    };
    this.#workers.set(connection.worker, rings);
    for (const shard of connection.shards) this.#workerOf[shard] = rings;
  }

  setShard(shard: number, identity: ShardIdentity | null): void {
    if (identity !== null) this.#hashes[shard] = new KeyedHash(identity.hashKey);
  }

  post(head: RequestHead, request: PostRequest, receiver: AnswerReceiver, tag: number): ErrorCode | null {
    const rings = this.#workerOf[head.shard];
    const hash = this.#hashes[head.shard];
    if (rings === undefined || hash === null || hash === undefined) return 'shard_unavailable';
    if (!this.#hasRoom) return 'overloaded';
    const { producer } = rings;
    const offset = producer.claim(postSizeMax(request));
    if (offset < 0) return 'overloaded';
    const requestId = this.#waiting.enter(receiver, tag, rings, this.#nowMs);
    producer.commit(encodePost(this.#numberedHead(head, requestId), request, hash, producer.target, offset));
    this.#publishSoon(rings, head.shard);
    return null;
  }

  postPlain(
    merchant: MerchantPlace,
    key: string | null,
    posts: PlainPosts,
    index: number,
    receiver: AnswerReceiver,
    tag: number,
  ): ErrorCode | null {
    const rings = this.#workerOf[merchant.shard];
    const hash = this.#hashes[merchant.shard];
    if (rings === undefined || hash === null || hash === undefined) return 'shard_unavailable';
    if (!this.#hasRoom) return 'overloaded';
    const { producer } = rings;
    const offset = producer.claim(plainSize(posts, index, key));
    if (offset < 0) return 'overloaded';
    const requestId = this.#waiting.enter(receiver, tag, rings, this.#nowMs);
    producer.commit(encodePlain(merchant, requestId, key, posts, index, hash, producer.target, offset));
    this.#publishSoon(rings, merchant.shard);
    return null;
  }

  ask(head: RequestHead, request: ColdRequest, onAnswer: OnAnswer): ErrorCode | null {
    const rings = this.#workerOf[head.shard];
    const hash = this.#hashes[head.shard];
    if (rings === undefined || hash === null || hash === undefined) return 'shard_unavailable';
    if (!this.#hasRoom) return 'overloaded';
    const requestId = this.#waiting.enter(new ColdReceiver(onAnswer), 0, rings, this.#nowMs);
    if (!send(rings.producer, this.#numberedHead(head, requestId), request, hash)) {
      this.#take(this.#waiting.slotOf(requestId));
      return 'overloaded';
    }
    this.#publishSoon(rings, head.shard);
    return null;
  }

  /** Resolves when no request waits for an answer. */
  async settled(): Promise<void> {
    if (this.inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
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

  #onRecord(bytes: Uint8Array, view: DataView, offset: number, length: number): void {
    const slot = this.#waiting.slotOf(requestIdOf(view, offset));
    if (slot < 0) return;
    const tag = this.#waiting.tagOf(slot);
    const receiver = this.#take(slot);
    if (receiver !== null) deliverAnswer(bytes, view, offset, length, receiver, tag);
  }

  /** Whoever waits at the slot, which is free from here on. */
  #take(slot: number): AnswerReceiver | null {
    const receiver = this.#waiting.leave(slot);
    this.#tellIfSettled();
    return receiver;
  }

  #tellIfSettled(): void {
    if (this.#idle.length > 0 && this.inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Requests of one turn of the event loop are published together: one wake-up, one batch. */
  #publishSoon(rings: WorkerRings, shard: number): void {
    rings.topics |= topicOf(shard);
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      for (const worker of this.#workers.values()) {
        if (worker.topics === 0) continue;
        worker.producer.publish(worker.topics);
        worker.topics = 0;
      }
      this.#wasActive();
    });
  }

  /**
   * A worker that gathers commands wants to know when no more are to come for now. That is when a turn of the event loop
   * has brought neither requests nor answers.
   */
  #wasActive(): void {
    this.#active = true;
    if (this.#watching) return;
    for (const { producer } of this.#workers.values()) {
      if (!producer.isAwaited) continue;
      this.#watching = true;
      setImmediate(this.#lookForIdleness);
      return;
    }
  }

  readonly #lookForIdleness = (): void => {
    if (this.#active || this.#flushing || this.#hasAnswers()) {
      this.#active = false;
      setImmediate(this.#lookForIdleness);
      return;
    }
    this.#watching = false;
    for (const { producer } of this.#workers.values()) producer.idle();
  };

  #hasAnswers(): boolean {
    for (const { consumer } of this.#workers.values()) if (!consumer.isEmpty) return true;
    return false;
  }

  /** The worker is gone, and with it what it had not answered. */
  #lost(rings: WorkerRings): void {
    for (const shard of rings.shards) if (this.#workerOf[shard] === rings) this.#workerOf[shard] = undefined;
    rings.consumer.close();
    rings.producer.close();
    for (const slot of this.#waiting.slotsOf(rings)) {
      const tag = this.#waiting.tagOf(slot);
      this.#take(slot)?.answered(tag, OUTCOME_UNKNOWN);
    }
  }

  /** The worker still has them and will answer: their numbers are not given to others before. */
  #sweepLate(): void {
    this.#nowMs = performance.now();
    for (const slot of this.#waiting.slotsBefore(this.#nowMs - this.#options.deadlineMs)) {
      const tag = this.#waiting.tagOf(slot);
      const receiver = this.#waiting.giveUp(slot);
      this.#tellIfSettled();
      receiver?.answered(tag, OUTCOME_UNKNOWN);
    }
  }
}

/** @returns false where the ring is full */
function send(producer: ChannelProducer, head: NumberedHead, request: ColdRequest, hash: KeyedHash): boolean {
  if (request.type !== 'read_account') return producer.send(encodeCold(head, request, hash));
  const offset = producer.claim(readAccountSize(request.account));
  if (offset < 0) return false;
  producer.commit(encodeReadAccount(head, request.account, producer.target, offset));
  return true;
}

/** Requests that are no postings are answered to a function. */
class ColdReceiver implements AnswerReceiver {
  constructor(readonly onAnswer: OnAnswer) {}

  recorded(_tag: number, position: Position, sequence: number, recordedAt: Micros, expiresAt: Micros): void {
    this.onAnswer(plainSuccess(position, sequence, recordedAt, expiresAt));
  }

  answered(_tag: number, answer: Answer): void {
    this.onAnswer(answer);
  }
}
