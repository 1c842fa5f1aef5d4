/**
 * The one connection that commits. A batch is one message: the batch's row behind the fence, then COPY, in one implicit
 * transaction; the rows follow without waiting for the server's go-ahead, which spares a round trip.
 *
 * A large batch is several COPYs of the same message, one for each {@link PIECE_ROWS} rows: the server keeps a slot for
 * every row of a COPY (up to 1,000) and notes all of them in one place of a hash table, so that the time for it grows with
 * the square of the rows. Pieces of 300 spare a sixth of the server's time for a row, and beginning one takes 20 µs.
 *
 * A connection is used again only after a commit that is known to have happened.
 */
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { messageOf } from '../../platform/errors.js';
import { COPY_HEADER, COPY_TRAILER } from '../copy/columns.js';
import type { CopyEncoder } from '../copy/encoder.js';
import { StoreUnavailableError, sqlState } from '../errors.js';
import type { CommitResult } from '../shard-store.js';
import type { ConnectOptions } from './connect.js';
import { asStoreError, clientConfig } from './connect.js';

/** What the driver calls back of a copy, and what it hides: the socket. */
type CopyStream = ReturnType<typeof copyFrom> & {
  handleCommandComplete(message: { readonly text: string }): void;
  handleCopyInResponse(connection: unknown): void;
  /** Set when the client has begun with it. */
  readonly connection: unknown;
};
interface Wire {
  readonly stream: { destroy(): void; cork(): void; uncork(): void; write(bytes: Uint8Array): void };
}

const PIECE_ROWS = 300;
const COPY_STATEMENT = '; COPY log FROM STDIN (FORMAT binary)';

export class Writer {
  readonly #connect: ConnectOptions;
  readonly #deadlineMs: number;
  #client: pg.Client | null = null;
  #connecting: Promise<pg.Client> | null = null;
  #preparation = '';
  #closed = false;

  constructor(connect: ConnectOptions, deadlineMs: number) {
    this.#connect = connect;
    this.#deadlineMs = deadlineMs;
  }

  /**
   * @param preparation a statement that every connection runs first
   * @throws StoreUnavailableError
   */
  async connect(preparation: string): Promise<void> {
    this.#preparation = preparation;
    await this.#connected();
  }

  /** Makes sure that there is a connection, ahead of the next commit. @throws StoreUnavailableError */
  async reconnect(): Promise<void> {
    await this.#connected();
  }

  /** @param batchStatement inserts the batch's row */
  async commit(batchStatement: string, batch: CopyEncoder): Promise<CommitResult> {
    let client: pg.Client;
    try {
      client = await this.#connected();
    } catch (error) {
      // Not one byte has gone out.
      return { type: 'failed', error: asStoreError(error) };
    }
    const result = await this.#send(client, batchStatement, batch);
    if (result.type !== 'committed') this.#drop(client);
    return result;
  }

  /** Cuts the connection; the next commit makes a new one. */
  drop(): void {
    if (this.#client !== null) this.#drop(this.#client);
  }

  close(): void {
    this.#closed = true;
    this.drop();
  }

  #send(client: pg.Client, batchStatement: string, batch: CopyEncoder): Promise<CommitResult> {
    return new Promise((resolve) => {
      const deadline = setTimeout(() => {
        resolve(ambiguous(new StoreUnavailableError(`no answer to a COMMIT within ${this.#deadlineMs} ms`)));
      }, this.#deadlineMs);
      const settle = (result: CommitResult): void => {
        clearTimeout(deadline);
        resolve(result);
      };
      // Without a list of its columns, which are all: the server would look each of them up at every commit.
      const pieces = Math.ceil(batch.records / PIECE_ROWS);
      const copy = copyFrom(batchStatement + COPY_STATEMENT.repeat(pieces)) as CopyStream;
      const tags: string[] = [];
      copy.handleCommandComplete = (message) => {
        tags.push(message.text);
      };
      copy.on('error', (error) => settle(resultOf(error)));
      // "finish" comes with ReadyForQuery, when the transaction has ended one way or the other.
      copy.on('finish', () =>
        settle(tagsAreRight(tags, batch.records, pieces) ? COMMITTED : ambiguous(unexpected(tags, batch.records))),
      );
      // Query, rows and ends of copies leave in one write.
      const { stream } = wireOf(client);
      stream.cork();
      client.query(copy);
      if (!copy.connection) {
        // The client has ended and takes nothing: the error that it has for this comes later, and not one byte went out.
        settle({ type: 'failed', error: new StoreUnavailableError('the connection was lost before a COMMIT') });
        return;
      }
      for (let piece = 0; piece < pieces; piece++) writePiece(stream, batch, piece, pieces);
      // The driver has no rows of its own to wait for, so the last end of a copy leaves with the rest.
      copy.end();
      copy.handleCopyInResponse(wireOf(client));
      setImmediate(() => stream.uncork());
    });
  }

  #connected(): Promise<pg.Client> {
    if (this.#client !== null) return Promise.resolve(this.#client);
    this.#connecting ??= this.#dial().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #dial(): Promise<pg.Client> {
    const client = new pg.Client(clientConfig(this.#connect));
    // Lost while idle: the next commit connects anew.
    const lost = (): void => {
      if (this.#client === client) this.#client = null;
    };
    client.on('error', lost);
    client.on('end', lost);
    try {
      await client.connect();
      if (this.#closed) throw new StoreUnavailableError('the store is closed');
      await client.query(this.#preparation);
    } catch (error) {
      wireOf(client).stream.destroy();
      throw error;
    }
    this.#client = client;
    return client;
  }

  #drop(client: pg.Client): void {
    if (this.#client === client) this.#client = null;
    wireOf(client).stream.destroy();
  }
}

const wireOf = (client: pg.Client): Wire => (client as unknown as { readonly connection: Wire }).connection;

const COMMITTED: CommitResult = { type: 'committed' };

/** The rows before a piece: pieces are as even as can be. */
const startOf = (piece: number, pieces: number, records: number): number => Math.floor((piece * records) / pieces);

const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const LENGTH_BYTES = 4;
const MESSAGE_HEAD_BYTES = 1 + LENGTH_BYTES;

/** A message's type and length, which counts itself. */
function messageHead(type: number, bodyBytes: number): Buffer {
  const head = Buffer.allocUnsafe(MESSAGE_HEAD_BYTES);
  head[0] = type;
  head.writeInt32BE(LENGTH_BYTES + bodyBytes, 1);
  return head;
}

const PIECE_START = Buffer.concat([messageHead(COPY_DATA, COPY_HEADER.length), COPY_HEADER]);
const LAST_PIECE_END = Buffer.concat([messageHead(COPY_DATA, COPY_TRAILER.length), COPY_TRAILER]);
const PIECE_END = Buffer.concat([LAST_PIECE_END, messageHead(COPY_DONE, 0)]);

/** The server takes a piece when it has come to its statement. The last one is ended by the driver. */
function writePiece(stream: Wire['stream'], batch: CopyEncoder, piece: number, pieces: number): void {
  const rows = batch.rowBytes(startOf(piece, pieces, batch.records), startOf(piece + 1, pieces, batch.records));
  stream.write(Buffer.concat([PIECE_START, messageHead(COPY_DATA, rows.length)]));
  stream.write(rows);
  stream.write(piece === pieces - 1 ? LAST_PIECE_END : PIECE_END);
}

function tagsAreRight(tags: readonly string[], records: number, pieces: number): boolean {
  if (tags.length !== 1 + pieces || tags[0] !== 'INSERT 0 1') return false;
  for (let piece = 0; piece < pieces; piece++) {
    const rows = startOf(piece + 1, pieces, records) - startOf(piece, pieces, records);
    if (tags[1 + piece] !== `COPY ${rows}`) return false;
  }
  return true;
}

const ambiguous = (error: Error): CommitResult => ({ type: 'ambiguous', error });

const unexpected = (tags: readonly string[], records: number): Error =>
  new Error(`a batch of ${records} records was answered by ${JSON.stringify(tags)}`);

/** Classes of errors by which the server ends a session or a statement from outside, maybe after its COMMIT. */
const FROM_OUTSIDE = /^(57|08)/;

/** The server refused the batch only if it said so itself, and lives on: an ERROR undoes all of the message. */
function resultOf(error: Error): CommitResult {
  const state = sqlState(error);
  const { severity } = error as { readonly severity?: string };
  if (state !== undefined && severity === 'ERROR' && !FROM_OUTSIDE.test(state)) return { type: 'failed', error };
  return ambiguous(
    new StoreUnavailableError(`the connection was lost during a COMMIT: ${messageOf(error)}`, { cause: error }),
  );
}
