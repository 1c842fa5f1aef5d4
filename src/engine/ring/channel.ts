/**
 * A ring with a doorbell: from one thread's event loop to another's. The port rings when the consumer is parked and
 * carries records that are too large for the ring; a handle in the ring keeps their place, so order is that of commits.
 *
 * Neither side ever blocks its event loop: sockets live on both.
 */
import { performance } from 'node:perf_hooks';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { RingConsumer } from './consumer.js';
import { DamagedRecordError } from './damage.js';
import { createRing, LARGE_RELEASED_WORD, Tag } from './layout.js';
import { RECORD_TOO_LARGE, RING_FULL, RingProducer } from './producer.js';

/** One end, to be sent to its thread with `port` in the transfer list. */
export interface ChannelEnd {
  readonly shared: SharedArrayBuffer;
  readonly port: MessagePort;
}

/** @param capacityBytes of the ring: a power of two from 1 KiB to 1 GiB */
export function createChannel(capacityBytes: number): { readonly producer: ChannelEnd; readonly consumer: ChannelEnd } {
  const shared = createRing(capacityBytes);
  const { port1, port2 } = new MessageChannel();
  return { producer: { shared, port: port1 }, consumer: { shared, port: port2 } };
}

/** Where a record is written: the ring's memory, or a large record's own. */
export interface RecordTarget {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

interface LargeRecord {
  readonly handle: number;
  readonly length: number;
  readonly buffer: ArrayBuffer;
}

const HANDLE_BYTES = 4;
const DOORBELL = 0;

export interface ChannelProducerOptions {
  /** Bytes of large records on their way at a time; beyond it `claim` answers RING_FULL. 64 MiB if not given. */
  readonly largeBytesMax?: number;
  /** The port is closed: by `close` here, by the consumer, or by the death of its thread. */
  readonly onEnd?: () => void;
}

export class ChannelProducer {
  /** Where the record of the open claim is written. Read it anew after each `claim`. */
  target: RecordTarget;
  readonly #ring: RingProducer;
  readonly #port: MessagePort;
  readonly #words: Int32Array;
  readonly #largeBytesMax: number;
  #handle = 0;
  #largeSentBytes = 0;
  #large: (RecordTarget & { readonly buffer: ArrayBuffer }) | null = null;

  constructor(end: ChannelEnd, options: ChannelProducerOptions = {}) {
    this.#port = end.port;
    const { onEnd } = options;
    if (onEnd !== undefined) this.#port.once('close', onEnd);
    // Nothing is ever received here, and a port that only sends must not keep the thread alive.
    this.#port.unref();
    this.#words = new Int32Array(end.shared);
    this.#largeSentBytes = Atomics.load(this.#words, LARGE_RELEASED_WORD);
    this.#largeBytesMax = options.largeBytesMax ?? 64 * 2 ** 20;
    this.#ring = new RingProducer(end.shared, () => this.#port.postMessage(DOORBELL));
    this.target = this.#ring;
  }

  /**
   * Claims room for a record of any size.
   * @returns where in `target` to write it, a multiple of 8; RING_FULL (−1) if there is no room now
   */
  claim(maxBytes: number): number {
    const offset = this.#ring.claim(maxBytes);
    if (offset === RECORD_TOO_LARGE) return this.#claimLarge(maxBytes);
    this.#large = null;
    this.target = this.#ring;
    return offset;
  }

  /** Ends the claim with the record's true length. */
  commit(lengthBytes: number): void {
    const large = this.#large;
    if (large === null) {
      this.#ring.commit(lengthBytes);
      return;
    }
    this.#large = null;
    this.#handle = (this.#handle + 1) | 0;
    this.#largeSentBytes = (this.#largeSentBytes + large.buffer.byteLength) | 0;
    const message: LargeRecord = { handle: this.#handle, length: lengthBytes, buffer: large.buffer };
    // Before the handle is published: a consumer that meets the handle can rely on the buffer to come.
    this.#port.postMessage(message, [large.buffer]);
    this.#ring.commit(HANDLE_BYTES, Tag.handle);
    this.target = this.#ring;
  }

  /**
   * Shows the consumer all records committed so far. Once for several records, e.g. once a turn of the event loop.
   * @param topics of these records (layout.ts); of none in particular if not given
   */
  publish(topics?: number): void {
    this.#ring.publish(topics);
  }

  /** Says that this thread has nothing more to do for now: a consumer that gathers is told so. */
  idle(): void {
    this.#ring.idle();
  }

  /** True while the consumer waits for {@link idle}. */
  get isAwaited(): boolean {
    return this.#ring.isAwaited;
  }

  /**
   * Claims, copies and commits a record that was encoded elsewhere; publish follows.
   * @returns false if there is no room now
   */
  send(record: Uint8Array): boolean {
    const offset = this.claim(record.length);
    if (offset < 0) return false;
    this.target.bytes.set(record, offset);
    this.commit(record.length);
    return true;
  }

  /** Bytes of the ring that the consumer has not let go of. */
  get usedBytes(): number {
    return this.#ring.usedBytes;
  }

  get capacityBytes(): number {
    return this.#ring.capacityBytes;
  }

  /** Publishes what is committed and closes the port: the consumer takes all of it and then sees the end. */
  close(): void {
    this.#ring.publish();
    this.#port.close();
  }

  #claimLarge(maxBytes: number): number {
    const onTheWay = (this.#largeSentBytes - Atomics.load(this.#words, LARGE_RELEASED_WORD)) | 0;
    // One is always let through, so that a record above the bound is not refused for ever.
    if (onTheWay > 0 && onTheWay + maxBytes > this.#largeBytesMax) return RING_FULL;
    const offset = this.#ring.claim(HANDLE_BYTES);
    if (offset < 0) return offset;
    this.#ring.view.setInt32(offset, (this.#handle + 1) | 0, true);
    const buffer = new ArrayBuffer(maxBytes);
    this.#large = { buffer, bytes: new Uint8Array(buffer), view: new DataView(buffer) };
    this.target = this.#large;
    return 0;
  }
}

export interface ChannelConsumerOptions {
  /** Takes one record; its bytes are the producer's again as soon as this returns. */
  readonly onRecord: (bytes: Uint8Array, view: DataView, offset: number, lengthBytes: number) => void;
  /** Is shown records that `onRecord` takes soon, some dozens at a time, so that what they need can be fetched together. */
  readonly onAhead?: (bytes: Uint8Array, view: DataView, offset: number) => void;
  /** After the last record that is shown. */
  readonly onAheadEnd?: () => void;
  /** After a turn that handed over at least one record: the place to publish answers or to start a commit. */
  readonly onTurnEnd?: () => void;
  /** The doorbell rang; what came with it was handed over. */
  readonly onRung?: () => void;
  /** The producer's port is closed (also by its thread's death) and everything that it had published was handed over. */
  readonly onEnd?: () => void;
  /** Most records handed over in one turn of the event loop. */
  readonly recordsPerTurn?: number;
  /** About how long a turn may last, ms: the thread's sockets wait meanwhile. */
  readonly turnMs?: number;
}

const RECORDS_PER_TURN = 4096;
const TURN_MS = 1;
/** Records between two looks at the clock. */
const RECORDS_PER_LOOK = 64;

export class ChannelConsumer {
  readonly #ring: RingConsumer;
  readonly #port: MessagePort;
  readonly #options: ChannelConsumerOptions;
  readonly #recordsPerTurn: number;
  readonly #turnMs: number;
  /** Large records that came before their handle was met. */
  readonly #arrived = new Map<number, LargeRecord>();
  #immediate: NodeJS.Immediate | null = null;
  #paused = false;
  #producerGone = false;
  #closed = false;
  #waitsForLarge = false;
  #refed = true;

  constructor(end: ChannelEnd, options: ChannelConsumerOptions) {
    this.#ring = new RingConsumer(end.shared);
    this.#port = end.port;
    this.#options = options;
    this.#recordsPerTurn = options.recordsPerTurn ?? RECORDS_PER_TURN;
    this.#turnMs = options.turnMs ?? TURN_MS;
    this.#port.on('message', (message: LargeRecord | typeof DOORBELL) => this.#onMessage(message));
    this.#port.on('close', () => this.#onPortClosed());
    this.#port.start();
    this.#schedule();
  }

  /** Stops handing over after the current record; the ring fills, and the producer is told so by RING_FULL. */
  pause(): void {
    this.#paused = true;
    this.#ring.stop();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#schedule();
  }

  /** Records of these topics alone do not wake this side, until the next call: see {@link look}. */
  defer(topics: number): void {
    this.#ring.defer(topics);
  }

  /** See {@link RingConsumer.gather}. */
  gather(records: number): void {
    this.#ring.gather(records);
  }

  gatherOn(records: number): void {
    this.#ring.gatherOn(records);
  }

  get gathers(): boolean {
    return this.#ring.gathers;
  }

  gatherNoMore(): void {
    this.#ring.gatherNoMore();
  }

  /** True if nothing waits to be handed over. */
  get isEmpty(): boolean {
    return this.#ring.isEmpty;
  }

  /** Takes what is there, now: what was deferred has not rung. */
  look(): void {
    if (this.#immediate === null) this.#turn();
  }

  /** Lets the thread end although this channel is open. */
  unref(): void {
    this.#refed = false;
    this.#port.unref();
    this.#immediate?.unref();
  }

  ref(): void {
    this.#refed = true;
    this.#port.ref();
    this.#immediate?.ref();
  }

  /** Ends this side: nothing is handed over any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ring.stop();
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#immediate = null;
    this.#ring.unpark();
    this.#arrived.clear();
    this.#port.close();
  }

  #onMessage(message: LargeRecord | typeof DOORBELL): void {
    if (this.#closed) return;
    if (typeof message === 'object') this.#arrived.set(message.handle, message);
    // At once, not at the next turn: the wake-up itself was the wait.
    if (this.#immediate === null) this.#turn();
    if (message === DOORBELL) this.#options.onRung?.();
  }

  #onPortClosed(): void {
    this.#producerGone = true;
    if (!this.#closed && this.#immediate === null) this.#schedule();
  }

  #schedule(): void {
    if (this.#immediate !== null || this.#closed) return;
    this.#immediate = setImmediate(() => {
      this.#immediate = null;
      this.#turn();
    });
    if (!this.#refed) this.#immediate.unref();
  }

  /** One turn of the event loop: records within the bounds, then either another turn, or sleep. */
  #turn(): void {
    if (this.#paused || this.#closed) return;
    this.#ring.unpark();
    this.#waitsForLarge = false;
    let taken = 0;
    try {
      taken = this.#drainWithinBounds();
    } catch (error) {
      // The record is taken; what follows it must not be stuck behind the error. Behind damage, nothing is known to follow.
      if (!(error instanceof DamagedRecordError)) this.#schedule();
      throw error;
    }
    if (taken > 0) this.#options.onTurnEnd?.();
    if (this.#paused || this.#closed) return;
    if (this.#waitsForLarge) {
      if (this.#producerGone) this.#end();
      return;
    }
    // After work comes one more look before sleep: under load the next records are there by then, and the doorbell
    // (a system call on both sides) stays silent.
    if (taken > 0 || !this.#ring.park()) this.#schedule();
    else if (this.#producerGone) this.#end();
  }

  #drainWithinBounds(): number {
    const until = performance.now() + this.#turnMs;
    let taken = 0;
    while (taken < this.#recordsPerTurn) {
      if (this.#options.onAhead !== undefined) this.#ring.peek(this.#onAhead, RECORDS_PER_LOOK);
      this.#options.onAheadEnd?.();
      const count = this.#ring.drain(
        this.#onRecord,
        Math.min(RECORDS_PER_LOOK, this.#recordsPerTurn - taken),
        this.#onHandle,
      );
      taken += count;
      if (count === 0 || this.#paused || this.#closed || this.#waitsForLarge || performance.now() >= until) break;
    }
    return taken;
  }

  // Bound once: `drain` is called with the same two functions for ever.
  readonly #onRecord = (offset: number, lengthBytes: number): void => {
    this.#options.onRecord(this.#ring.bytes, this.#ring.view, offset, lengthBytes);
  };

  readonly #onAhead = (offset: number): void => {
    this.#options.onAhead?.(this.#ring.bytes, this.#ring.view, offset);
  };

  readonly #onHandle = (handle: number): boolean => {
    const large = this.#arrived.get(handle);
    if (large === undefined) {
      this.#waitsForLarge = true;
      return false;
    }
    this.#arrived.delete(handle);
    this.#ring.releaseLarge(large.buffer.byteLength);
    this.#options.onRecord(new Uint8Array(large.buffer), new DataView(large.buffer), 0, large.length);
    return true;
  };

  #end(): void {
    if (this.#closed) return;
    this.close();
    this.#options.onEnd?.();
  }
}
