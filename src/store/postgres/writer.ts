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
import { messageOf } from '../../platform/errors.js';
import type { CopyEncoder } from '../copy/encoder.js';
import { StoreUnavailableError, sqlState } from '../errors.js';
import type { CommitResult } from '../shard-store.js';
import type { ConnectOptions } from './connect.js';
import { asStoreError, clientConfig } from './connect.js';
import { CopyMessage, SentMessage, startOf } from './copy-message.js';

/** What the driver hides: the socket. */
interface Wire {
  readonly stream: { destroy(): void };
}

/** Rows of one COPY at most. */
export const PIECE_ROWS = 300;

export class Writer {
  readonly #connect: ConnectOptions;
  readonly #deadlineMs: number;
  #client: pg.Client | null = null;
  /** The connection that is being made. */
  #dialing: { readonly client: pg.Client; readonly connected: Promise<pg.Client> } | null = null;
  #preparation = '';
  #closed = false;
  readonly #message = new CopyMessage();

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
      return notSent(asStoreError(error));
    }
    const result = await this.#send(client, batchStatement, batch);
    if (result.type !== 'committed') this.#drop(client);
    return result;
  }

  /** Cuts the connection, also one that is being made; the next commit makes a new one. */
  drop(): void {
    if (this.#client !== null) this.#drop(this.#client);
    if (this.#dialing !== null) this.#drop(this.#dialing.client);
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
      const pieces = Math.ceil(batch.records / PIECE_ROWS);
      const message = new SentMessage(this.#message.write(batchStatement, batch, pieces), (tags, error) => {
        clearTimeout(deadline);
        if (error !== null) resolve(resultOf(error));
        else if (tagsAreRight(tags, batch.records, pieces)) resolve(COMMITTED);
        else resolve(ambiguous(unexpected(tags, batch.records)));
      });
      client.query(message);
      if (message.isSent) return;
      // The client has ended and takes nothing: the error that it has for this comes later, and not one byte went out.
      clearTimeout(deadline);
      resolve(notSent(new StoreUnavailableError('the connection was lost before a COMMIT')));
    });
  }

  #connected(): Promise<pg.Client> {
    if (this.#client !== null) return Promise.resolve(this.#client);
    if (this.#closed) return Promise.reject(new StoreUnavailableError('the store is closed'));
    if (this.#dialing === null) {
      const client = new pg.Client(clientConfig(this.#connect));
      this.#dialing = { client, connected: this.#dial(client) };
    }
    return this.#dialing.connected;
  }

  async #dial(client: pg.Client): Promise<pg.Client> {
    // Lost while idle: the next commit connects anew.
    const lost = (): void => this.#forget(client);
    client.on('error', lost);
    client.on('end', lost);
    try {
      await client.connect();
      await client.query(this.#preparation);
      if (this.#dialing?.client !== client) throw new StoreUnavailableError('the connection was given up');
    } catch (error) {
      this.#drop(client);
      throw error;
    }
    this.#dialing = null;
    this.#client = client;
    return client;
  }

  #drop(client: pg.Client): void {
    this.#forget(client);
    wireOf(client).stream.destroy();
  }

  #forget(client: pg.Client): void {
    if (this.#client === client) this.#client = null;
    if (this.#dialing?.client === client) this.#dialing = null;
  }
}

const wireOf = (client: pg.Client): Wire => (client as unknown as { readonly connection: Wire }).connection;

const COMMITTED: CommitResult = { type: 'committed' };

function tagsAreRight(tags: readonly string[], records: number, pieces: number): boolean {
  if (tags.length !== 1 + pieces || tags[0] !== 'INSERT 0 1') return false;
  for (let piece = 0; piece < pieces; piece++) {
    const rows = startOf(piece + 1, pieces, records) - startOf(piece, pieces, records);
    if (tags[1 + piece] !== `COPY ${rows}`) return false;
  }
  return true;
}

/** What becomes of a batch of which not one byte has gone out. */
export const notSent = (error: Error): CommitResult => ({
  type: error instanceof StoreUnavailableError ? 'unsent' : 'failed',
  error,
});

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
