/**
 * A batch as one message of the server's protocol: a query of several statements, and the rows that its COPYs will ask
 * for, without waiting until they do. One buffer and one write: the time of a commit is that of few and small calls.
 */
import { COPY_HEADER, COPY_TRAILER } from '../copy/columns.js';
import type { CopyEncoder } from '../copy/encoder.js';

const QUERY = 0x51;
const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const TYPE_BYTES = 1;
const LENGTH_BYTES = 4;
const HEAD_BYTES = TYPE_BYTES + LENGTH_BYTES;
const START_BYTES = 1 << 16;
// Without a list of its columns, which are all: the server would look each of them up at every commit.
const COPY_STATEMENT = '; COPY log FROM STDIN (FORMAT binary)';

/** Of a piece beside its rows: its data's head and the message that ends it. */
const PIECE_BYTES = HEAD_BYTES + COPY_HEADER.length + COPY_TRAILER.length + HEAD_BYTES;

export class CopyMessage {
  #buffer = Buffer.allocUnsafeSlow(START_BYTES);

  /**
   * @param statement ASCII; COPY follows it
   * @param pieces as many COPYs take the rows, each about as many
   * @returns good until the next call
   */
  write(statement: string, batch: CopyEncoder, pieces: number): Buffer {
    const query = statement + COPY_STATEMENT.repeat(pieces);
    this.#reserve(HEAD_BYTES + query.length + 1 + batch.sizeBytes + pieces * PIECE_BYTES);
    const buffer = this.#buffer;
    let at = setHead(buffer, 0, QUERY, query.length + 1);
    at += buffer.write(query, at, 'latin1');
    buffer[at++] = 0;
    for (let piece = 0; piece < pieces; piece++) {
      const rows = batch.rowBytes(startOf(piece, pieces, batch.records), startOf(piece + 1, pieces, batch.records));
      at = setHead(buffer, at, COPY_DATA, COPY_HEADER.length + rows.length + COPY_TRAILER.length);
      buffer.set(COPY_HEADER, at);
      buffer.set(rows, at + COPY_HEADER.length);
      at += COPY_HEADER.length + rows.length;
      buffer.set(COPY_TRAILER, at);
      at = setHead(buffer, at + COPY_TRAILER.length, COPY_DONE, 0);
    }
    return buffer.subarray(0, at);
  }

  #reserve(bytes: number): void {
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytes)));
  }
}

/** The rows before a piece: pieces are as even as can be. */
export const startOf = (piece: number, pieces: number, records: number): number =>
  Math.floor((piece * records) / pieces);

/** A message's type and length, which counts itself. */
function setHead(buffer: Buffer, at: number, type: number, bodyBytes: number): number {
  buffer[at] = type;
  return buffer.writeInt32BE(LENGTH_BYTES + bodyBytes, at + TYPE_BYTES);
}

/** Such a message as the driver sends it, and calls it back. */
export class SentMessage {
  /** False: the driver has not taken it, and not one byte went out. */
  isSent = false;
  readonly #bytes: Buffer;
  readonly #tags: string[] = [];
  readonly #onEnd: (tags: readonly string[], error: Error | null) => void;

  /** @param onEnd with the tags of the statements that were done, or an error */
  constructor(bytes: Buffer, onEnd: (tags: readonly string[], error: Error | null) => void) {
    this.#bytes = bytes;
    this.#onEnd = onEnd;
  }

  submit(connection: { readonly stream: { write(bytes: Uint8Array): boolean } }): void {
    this.isSent = true;
    connection.stream.write(this.#bytes);
  }

  /** The server has come to a COPY; its rows are there or on their way. */
  handleCopyInResponse(): void {}

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#tags.push(text);
  }

  /** The transaction has ended one way or the other. */
  handleReadyForQuery(): void {
    this.#onEnd(this.#tags, null);
  }

  handleError(error: Error): void {
    this.#onEnd(this.#tags, error);
  }
}
