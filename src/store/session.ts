/** One database session, for what needs more than one statement at a time: migrations, partitions, the fence. */
import type { SqlRow, SqlValue } from './sql.js';

export interface Session {
  /** One statement with parameters. Values come back as {@link import('./sql.js').SqlRow} says. */
  query(text: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** Any number of statements without parameters; outside of `transaction` they are one transaction together. */
  exec(text: string): Promise<void>;
  /** Commits when `work` resolves, else rolls back. Not nested. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** What `COPY (query) TO STDOUT (FORMAT binary)` gives: header, rows and trailer. */
  copyOut(query: string): Promise<Buffer>;
}

/** The name as an identifier in SQL. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Schema where a shard's tables stand. */
export const SCHEMA = 'millrace';
