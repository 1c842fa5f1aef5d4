/**
 * The writing side of a ring: one thread, and only that one. It never waits: a full ring is a returned value.
 *
 * A record is claimed, written in place, committed, and becomes visible to the consumer with the next `publish`, whole
 * and in order. A producer that dies between leaves nothing behind.
 */
import {
  CAPACITY_WORD,
  DATA_BYTES,
  DEFERRED_WORD,
  GATHERED_WORD,
  GATHERING_WORD,
  PARKED_WORD,
  PUBLISHED_RECORDS_WORD,
  PUBLISHED_WORD,
  RECORD_HEADER_BYTES,
  RELEASED_WORD,
  recordBytes,
  sealOf,
  Tag,
  TOPIC_ELSE,
} from './layout.js';

/** No room now: nothing was taken. */
export const RING_FULL = -1;
/** Never any room: longer than a quarter of the ring. Such a record goes beside the ring (channel.ts). */
export const RECORD_TOO_LARGE = -2;

export class RingProducer {
  /** The whole buffer: offsets are those that `claim` returns. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly capacityBytes: number;
  /** Longest payload that the ring takes: a quarter of it, so that the padding at the wrap can never block it. */
  readonly payloadBytesMax: number;
  readonly #words: Int32Array;
  readonly #mask: number;
  readonly #ring: () => void;
  /** Where the next record goes; ahead of what is published. */
  #cursor: number;
  #published: number;
  /** Records committed so far. */
  #records: number;
  /** The consumer's cursor when it was last looked at: looked at again only when the ring seems full. */
  #released: number;
  /** Of the open claim: bytes of padding before it, and its longest payload; −1 without one. */
  #claimPadding = 0;
  #claimMax = -1;

  /**
   * @param shared made by `createRing`; what an earlier producer has published stays
   * @param ring called by `publish` if the consumer is parked: wakes it
   */
  constructor(shared: SharedArrayBuffer, ring: () => void) {
    this.bytes = new Uint8Array(shared);
    this.view = new DataView(shared);
    this.#words = new Int32Array(shared);
    this.capacityBytes = this.#words[CAPACITY_WORD] ?? 0;
    this.payloadBytesMax = this.capacityBytes / 4 - RECORD_HEADER_BYTES;
    this.#mask = this.capacityBytes - 1;
    this.#ring = ring;
    this.#published = Atomics.load(this.#words, PUBLISHED_WORD);
    this.#cursor = this.#published;
    this.#records = this.#words[PUBLISHED_RECORDS_WORD] ?? 0;
    this.#released = Atomics.load(this.#words, RELEASED_WORD);
  }

  /**
   * Claims room for a record. A claim that is not committed is forgotten by the next one.
   * @param maxBytes the longest that the payload may come out
   * @returns offset of the payload in `bytes`, a multiple of 8; RING_FULL or RECORD_TOO_LARGE
   */
  claim(maxBytes: number): number {
    if (maxBytes > this.payloadBytesMax) return RECORD_TOO_LARGE;
    const needed = recordBytes(maxBytes);
    const at = this.#cursor & this.#mask;
    const toEnd = this.capacityBytes - at;
    const padding = needed > toEnd ? toEnd : 0;
    if (!this.#hasRoom(padding + needed)) return RING_FULL;
    this.#claimPadding = padding;
    this.#claimMax = maxBytes;
    return DATA_BYTES + (padding === 0 ? at : 0) + RECORD_HEADER_BYTES;
  }

  /**
   * Ends the claim with the payload's true length.
   * @param lengthBytes 0 to what was claimed
   */
  commit(lengthBytes: number, tag: number = Tag.record): void {
    if (lengthBytes > this.#claimMax || lengthBytes < 0) {
      throw new RangeError(`commit of ${lengthBytes} bytes where ${this.#claimMax} are claimed`);
    }
    if (this.#claimPadding !== 0) this.#writeHeader(this.#claimPadding - RECORD_HEADER_BYTES, Tag.padding);
    this.#writeHeader(lengthBytes, tag);
    this.#records = (this.#records + 1) | 0;
    this.#claimMax = -1;
  }

  /**
   * Shows the consumer all records committed so far, and wakes it if it is parked. Costs two atomic operations, so it
   * is called once for several records.
   * @param topics of these records; where the consumer has deferred all of them, it sleeps on
   */
  publish(topics: number = TOPIC_ELSE): void {
    if (this.#cursor === this.#published) return;
    this.#published = this.#cursor;
    this.#words[PUBLISHED_RECORDS_WORD] = this.#records;
    // The store is a full barrier: the records' bytes are there before the cursor is, and the cursor is there before
    // `parked` is read. The consumer does the reverse (sets parked, then reads the cursor), so one of both sees the other.
    Atomics.store(this.#words, PUBLISHED_WORD, this.#cursor);
    if (Atomics.load(this.#words, PARKED_WORD) === 0) return;
    // A consumer stops deferring before it looks into the ring: it sees these records, or it is seen here to defer no more.
    const waits = (topics & ~Atomics.load(this.#words, DEFERRED_WORD)) === 0;
    // What waits is still bounded: long before the ring is full the consumer takes it.
    if (waits && !this.#gathered() && this.usedBytes < this.capacityBytes / 4) return;
    // Only the one who takes the flag down rings: a burst rings once.
    if (Atomics.exchange(this.#words, PARKED_WORD, 0) === 1) this.#ring();
  }

  /** Says that this thread has nothing more to do for now: a consumer that gathers is told so. */
  idle(): void {
    if (Atomics.load(this.#words, GATHERING_WORD) === 0) return;
    if (Atomics.exchange(this.#words, GATHERING_WORD, 0) === 1) this.#ring();
  }

  /** True while the consumer waits for {@link idle}. */
  get isAwaited(): boolean {
    return Atomics.load(this.#words, GATHERING_WORD) === 1;
  }

  /** True if the consumer gathers and has as much as it waits for. */
  #gathered(): boolean {
    if (Atomics.load(this.#words, GATHERING_WORD) === 0) return false;
    return ((this.#records - Atomics.load(this.#words, GATHERED_WORD)) | 0) >= 0;
  }

  /** Bytes that the consumer has not let go of, committed but unpublished records included. */
  get usedBytes(): number {
    this.#released = Atomics.load(this.#words, RELEASED_WORD);
    return (this.#cursor - this.#released) >>> 0;
  }

  #hasRoom(bytes: number): boolean {
    if (((this.#cursor - this.#released) >>> 0) + bytes <= this.capacityBytes) return true;
    // The cached cursor says full: only now fetch the consumer's cache line.
    this.#released = Atomics.load(this.#words, RELEASED_WORD);
    return ((this.#cursor - this.#released) >>> 0) + bytes <= this.capacityBytes;
  }

  #writeHeader(lengthBytes: number, tag: number): void {
    const word = (DATA_BYTES + (this.#cursor & this.#mask)) >> 2;
    this.#words[word] = lengthBytes;
    this.#words[word + 1] = sealOf(lengthBytes, tag);
    this.#cursor = (this.#cursor + recordBytes(lengthBytes)) | 0;
  }
}
