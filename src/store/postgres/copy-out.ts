/** Binary COPY out of a connection, whole. */
import type pg from 'pg';
import { asStoreError } from './connect.js';

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

/**
 * A COPY as the driver sends it, and calls it back: with a message a row, which goes to the end of one buffer. A stream
 * of them makes several objects a row, and starts read millions.
 */
class CopyOut implements pg.Submittable {
  readonly #statement: string;
  readonly #onDone: (bytes: Buffer) => void;
  readonly #onError: (error: Error) => void;
  #buffer: Buffer;
  #used = 0;

  constructor(
    statement: string,
    expectedBytes: number,
    onDone: (bytes: Buffer) => void,
    onError: (error: Error) => void,
  ) {
    this.#statement = statement;
    this.#buffer = Buffer.allocUnsafeSlow(expectedBytes);
    this.#onDone = onDone;
    this.#onError = onError;
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#statement);
  }

  /** @param chunk the driver's own, until this returns */
  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    const end = this.#used + chunk.length;
    if (end > this.#buffer.length) this.#grow(end);
    this.#buffer.set(chunk, this.#used);
    this.#used = end;
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    const bytes = this.#buffer.subarray(0, this.#used);
    // Whoever keeps a little of it keeps all of the buffer.
    this.#onDone(this.#used * 2 < this.#buffer.length ? Buffer.from(bytes) : bytes);
  }

  handleError(error: Error): void {
    this.#onError(error);
  }

  #grow(bytes: number): void {
    const buffer = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#buffer.length));
    buffer.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = buffer;
  }
}
