/** Binary COPY out of a connection, whole. */
import type pg from 'pg';
import { assert } from '../../ledger/assert.js';
import { asStoreError } from './connect.js';
import { RowMessages } from './row-messages.js';

const BYTES_MIN = 1 << 12;

/** Reads over and over; slices of something long are about as large as the one before. */
export class CopyOuts {
  #expectedBytes = BYTES_MIN;

  /** @throws StoreUnavailableError where the connection is lost, the server's error otherwise */
  async read(client: pg.ClientBase, query: string): Promise<Buffer> {
    try {
      const bytes = await new Promise<Buffer>((resolve, reject) => {
        const statement = `COPY (${query}) TO STDOUT (FORMAT binary)`;
        client.query(new CopyOut(statement, this.#expectedBytes, resolve, reject));
      });
      this.#expectedBytes = Math.max(BYTES_MIN, Math.ceil(bytes.length * 1.125));
      return bytes;
    } catch (error) {
      throw asStoreError(error);
    }
  }
}

/** A COPY as the driver sends it, and calls it back. Its rows do not come by the driver. */
class CopyOut implements pg.Submittable {
  readonly #statement: string;
  readonly #expectedBytes: number;
  readonly #onDone: (bytes: Buffer) => void;
  readonly #onError: (error: Error) => void;
  #rows: RowMessages | null = null;

  constructor(
    statement: string,
    expectedBytes: number,
    onDone: (bytes: Buffer) => void,
    onError: (error: Error) => void,
  ) {
    this.#statement = statement;
    this.#expectedBytes = expectedBytes;
    this.#onDone = onDone;
    this.#onError = onError;
  }

  submit(connection: pg.Connection): void {
    this.#rows = new RowMessages(connection.stream, this.#expectedBytes);
    connection.query(this.#statement);
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    assert(this.#rows !== null, 'a copy that has ended was sent');
    this.#onDone(this.#rows.giveBack());
  }

  handleError(error: Error): void {
    // A connection that was lost before its turn has taken nothing.
    this.#rows?.giveBack();
    this.#onError(error);
  }
}
