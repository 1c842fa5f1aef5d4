/**
 * The rows of a COPY out, taken from the connection itself while it lasts: they go to the end of one buffer, and every other
 * message to the driver. Through the driver each row is a slice, an object and an event, and a start reads millions.
 *
 * A message is a byte that says its kind and an int32 of its length, which counts itself and not the kind:
 * https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-MESSAGE-CONCEPTS
 */
import type { Duplex } from 'node:stream';

const COPY_DATA = 0x64;
const HEADER_BYTES = 5;
const LENGTH_BYTES = 4;

type Listener = (chunk: Buffer) => void;

export class RowMessages {
  readonly #stream: Duplex;
  /** The driver's, in their order. */
  readonly #listeners: readonly Listener[];
  /** Of a message that a chunk began and did not end: how much is still to come. */
  #left = 0;
  #isRow = false;
  /** Of a header that a chunk did not end. */
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerUsed = 0;
  #isTaken = true;
  #rows: Buffer;
  #used = 0;

  /** Takes the stream. @param expectedBytes of all rows: grows where they are more */
  constructor(stream: Duplex, expectedBytes: number) {
    this.#stream = stream;
    this.#listeners = stream.listeners('data') as Listener[];
    this.#rows = Buffer.allocUnsafeSlow(expectedBytes);
    stream.removeAllListeners('data');
    stream.on('data', this.#read);
  }

  /** Leaves the stream to the driver; may be called again. @returns the rows until now, one after the other */
  giveBack(): Buffer {
    if (this.#isTaken) {
      this.#isTaken = false;
      this.#stream.removeListener('data', this.#read);
      for (const listener of this.#listeners) this.#stream.on('data', listener);
    }
    const rows = this.#rows.subarray(0, this.#used);
    // Whoever keeps a little of it keeps all of the buffer.
    return this.#used * 2 < this.#rows.length ? Buffer.from(rows) : rows;
  }

  /**
   * The chunk is copied as it is, and its rows are moved together over the headers between them: one copy of much, and a
   * move within one buffer for each row, make no object at all.
   */
  readonly #read = (chunk: Buffer): void => {
    const base = this.#used;
    const end = base + chunk.length;
    if (end > this.#rows.length) this.#grow(end);
    const rows = this.#rows;
    rows.set(chunk, base);
    let at = base;
    while (at < end && this.#isTaken) {
      if (this.#left === 0) {
        at = this.#readHeader(rows, at, end);
        continue;
      }
      const upTo = Math.min(end, at + this.#left);
      this.#left -= upTo - at;
      if (this.#isRow) {
        rows.copyWithin(this.#used, at, upTo);
        this.#used += upTo - at;
      } else {
        this.#pass(chunk.subarray(at - base, upTo - base));
      }
      at = upTo;
    }
    if (at < end) this.#pass(chunk.subarray(at - base));
  };

  /** @returns where the header ends, or the chunk does */
  #readHeader(bytes: Buffer, from: number, end: number): number {
    const header = this.#header;
    let at = from;
    while (this.#headerUsed < HEADER_BYTES && at < end) header[this.#headerUsed++] = bytes[at++] as number;
    if (this.#headerUsed < HEADER_BYTES) return at;
    this.#headerUsed = 0;
    this.#isRow = header[0] === COPY_DATA;
    this.#left = header.readInt32BE(1) - LENGTH_BYTES;
    if (!this.#isRow) this.#pass(Buffer.from(header));
    return at;
  }

  /** The driver may give the stream back while it looks at this. */
  #pass(bytes: Buffer): void {
    for (const listener of this.#listeners) listener(bytes);
  }

  #grow(bytes: number): void {
    const rows = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#rows.length));
    rows.set(this.#rows.subarray(0, this.#used));
    this.#rows = rows;
  }
}
