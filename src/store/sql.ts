/**
 * A way to put SQL to a shard's database, for everything but the commit path: folds, reads, recovery, control.
 * Made from a `pg` connection or pool, from PGlite in this thread, or from a port to the thread that holds PGlite.
 */
export type SqlValue = string | number | bigint | boolean | null | Uint8Array | readonly SqlValue[];

/** int8 comes back as bigint, timestamptz as microseconds (number), bytea as Uint8Array, json as its text. */
export type SqlRow = Readonly<Record<string, unknown>>;

export interface Sql {
  /**
   * One statement with parameters ($1, $2, …). Runs in a transaction of its own.
   * @throws StoreUnavailableError where the connection is lost, the server's error otherwise
   */
  query(text: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** What `COPY (query) TO STDOUT (FORMAT binary)` gives: header, rows and trailer. Errors as of `query`. */
  copyOut(query: string): Promise<Buffer>;
  close(): Promise<void>;
}
