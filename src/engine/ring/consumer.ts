/** The reading side of a ring: one thread, and only that one. */
import { DamagedRecordError } from './damage.js';
import {
  CAPACITY_WORD,
  DATA_BYTES,
  DEFERRED_WORD,
  GATHERED_WORD,
  GATHERING_WORD,
  LARGE_RELEASED_WORD,
  PARKED_WORD,
  PUBLISHED_RECORDS_WORD,
  PUBLISHED_WORD,
  RECORD_ALIGNMENT,
  RECORD_HEADER_BYTES,
  RELEASED_WORD,
  recordBytes,
  sealOf,
  Tag,
} from './layout.js';

/**
 * Takes one record; its bytes are the producer's again as soon as this returns.
 * @param offset of the payload in `bytes`, a multiple of 8
 */
export type OnRecord = (offset: number, lengthBytes: number) => void;

/** Takes the number of a large record. False: it has not arrived, so stop here and meet the handle again. */
export type OnHandle = (handle: number) => boolean;

const refuseHandles: OnHandle = () => {
  throw new Error('a handle in a ring without a channel');
};

export class RingConsumer {
  /** The whole buffer: offsets are those that records come with. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #words: Int32Array;
  readonly #mask: number;
  #cursor: number;
  /** The producer's cursor as `drain` found it: looked at once a drain, not once a record. */
  #published: number;
  /** How many records the present `drain` may still hand over; `stop` takes it to 0. */
  #limit = 0;

  constructor(shared: SharedArrayBuffer) {
    this.bytes = new Uint8Array(shared);
    this.view = new DataView(shared);
    this.#words = new Int32Array(shared);
    this.#mask = (this.#words[CAPACITY_WORD] ?? 0) - 1;
    this.#cursor = Atomics.load(this.#words, RELEASED_WORD);
    this.#published = this.#cursor;
  }

  /**
   * Hands over what is published, in order, at most `recordsMax`, and then lets go of their bytes all at once.
   * If `onRecord` throws, the record that it threw at counts as taken.
   * @returns how many were handed over
   * @throws DamagedRecordError, and takes nothing from there on
   */
  drain(onRecord: OnRecord, recordsMax: number, onHandle: OnHandle = refuseHandles): number {
    if (this.isEmpty) return 0;
    const words = this.#words;
    this.#limit = recordsMax;
    let taken = 0;
    let cursor = this.#cursor;
    try {
      while (taken < this.#limit && cursor !== this.#published) {
        const offset = DATA_BYTES + (cursor & this.#mask);
        const length = words[offset >> 2] ?? 0;
        const seal = words[(offset >> 2) + 1];
        if (!this.#isWithin(cursor, length)) throw this.#damaged(cursor);
        const next = (cursor + recordBytes(length)) | 0;
        if (seal === sealOf(length, Tag.record)) {
          cursor = next;
          taken += 1;
          onRecord(offset + RECORD_HEADER_BYTES, length);
        } else if (seal === sealOf(length, Tag.padding)) {
          cursor = next;
        } else {
          if (seal !== sealOf(length, Tag.handle)) throw this.#damaged(cursor);
          const before = cursor;
          cursor = next;
          if (!onHandle(words[(offset + RECORD_HEADER_BYTES) >> 2] ?? 0)) {
            cursor = before;
            break;
          }
          taken += 1;
        }
      }
    } finally {
      // One store for all of them: the producer's cached copy of this line stays good until then.
      this.#cursor = cursor;
      Atomics.store(words, RELEASED_WORD, cursor);
    }
    return taken;
  }

  /** Shows what `drain` will hand over next, at most `recordsMax`, and takes none of it. A large record ends the show. */
  peek(onRecord: OnRecord, recordsMax: number): void {
    if (this.isEmpty) return;
    const words = this.#words;
    let cursor = this.#cursor;
    for (let shown = 0; shown < recordsMax && cursor !== this.#published; ) {
      const offset = DATA_BYTES + (cursor & this.#mask);
      const length = words[offset >> 2] ?? 0;
      const seal = words[(offset >> 2) + 1];
      // Damage is for `drain` to say.
      if (!this.#isWithin(cursor, length)) return;
      cursor = (cursor + recordBytes(length)) | 0;
      if (seal === sealOf(length, Tag.padding)) continue;
      if (seal !== sealOf(length, Tag.record)) return;
      shown += 1;
      onRecord(offset + RECORD_HEADER_BYTES, length);
    }
  }

  /** True if a record of this length stays within what is published, and within the ring. */
  #isWithin(cursor: number, lengthBytes: number): boolean {
    const bytes = Math.min((this.#published - cursor) >>> 0, this.#mask + 1 - (cursor & this.#mask));
    // As an unsigned number, a negative length is too long as well.
    return lengthBytes >>> 0 <= bytes - RECORD_HEADER_BYTES;
  }

  #damaged(cursor: number): DamagedRecordError {
    return new DamagedRecordError(`a ring holds no record at ${cursor >>> 0}, of ${this.#published >>> 0} published`);
  }

  /** From within `onRecord`: the present `drain` hands over nothing more. */
  stop(): void {
    this.#limit = 0;
  }

  /** True if nothing published is left. @throws DamagedRecordError where the cursor can not be one */
  get isEmpty(): boolean {
    // Reading the cursor before the records makes their bytes visible: the producer stores it after them.
    this.#published = Atomics.load(this.#words, PUBLISHED_WORD);
    const waiting = (this.#published - this.#cursor) >>> 0;
    if (waiting > this.#mask + 1 || waiting % RECORD_ALIGNMENT !== 0) throw this.#damaged(this.#cursor);
    return waiting === 0;
  }

  /**
   * Says that this side goes to sleep and wants the doorbell.
   * @returns false if something came meanwhile: not parked, drain instead
   */
  park(): boolean {
    Atomics.store(this.#words, PARKED_WORD, 1);
    // Flag first, then the cursor: see `publish`.
    if (this.isEmpty) return true;
    // If the producer took the flag down first it has rung; one needless wake-up is harmless.
    this.unpark();
    return false;
  }

  unpark(): void {
    Atomics.store(this.#words, PARKED_WORD, 0);
  }

  /** Until the next call, records of these topics do not ring: this side looks by itself when they are due. */
  defer(topics: number): void {
    Atomics.store(this.#words, DEFERRED_WORD, topics);
  }

  /**
   * Records of deferred topics ring after all when so many more are published, or when the producer's thread has nothing
   * more to do, which ends the gathering.
   */
  gather(records: number): void {
    this.gatherOn(records);
    Atomics.store(this.#words, GATHERING_WORD, 1);
  }

  /** So many more from now on, where gathering goes on. */
  gatherOn(records: number): void {
    const words = this.#words;
    Atomics.store(words, GATHERED_WORD, (Atomics.load(words, PUBLISHED_RECORDS_WORD) + records) | 0);
  }

  /** False once the producer has said that it is idle, or nothing is gathered. */
  get gathers(): boolean {
    return Atomics.load(this.#words, GATHERING_WORD) === 1;
  }

  gatherNoMore(): void {
    Atomics.store(this.#words, GATHERING_WORD, 0);
  }

  /** Tells the producer that a large record is done with. */
  releaseLarge(lengthBytes: number): void {
    Atomics.add(this.#words, LARGE_RELEASED_WORD, lengthBytes);
  }
}
