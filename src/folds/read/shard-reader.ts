/**
 * Reads of one shard that are answered from its database: replays, transactions, lists, statements, the past. All of it
 * is true of committed data. Records and transactions come from the log itself and are as new as the last commit; lists
 * come from the fold and are as old as it: see {@link ShardReader.waitFor}.
 */
import type { Micros, Position } from '../../ledger/record.js';
import type { AccountView, RecordView, TransactionView } from '../../ledger/view.js';
import type { Sql } from '../../store/sql.js';
import type {
  AccountAsOf,
  AccountPage,
  AccountQuery,
  EntryPage,
  EntryQuery,
  TransactionPage,
  TransactionQuery,
} from './queries.js';

export interface ShardInfo {
  /** As the configuration calls it; for messages. */
  readonly name: string;
}

/** Every method answers null for what is not there or belongs to another book. */
export class ShardReader {
  constructor(
    readonly sql: Sql,
    readonly shard: ShardInfo,
  ) {}

  /** Any record of the book, for replays: key and fingerprint are in it. */
  record(_book: number, _position: Position): Promise<RecordView | null> {
    throw new Error('not written yet');
  }
  /** Those of the positions that are records of the book, in the order asked for. */
  records(_book: number, _positions: readonly Position[]): Promise<readonly RecordView[]> {
    throw new Error('not written yet');
  }
  /** A `batch` record and the records that it heads; of any other position just that record. Empty: not there. */
  unit(_book: number, _head: Position): Promise<readonly RecordView[]> {
    throw new Error('not written yet');
  }
  transaction(_book: number, _position: Position): Promise<TransactionView | null> {
    throw new Error('not written yet');
  }
  transactions(_book: number, _query: TransactionQuery): Promise<TransactionPage> {
    throw new Error('not written yet');
  }
  /** null: no such account. */
  entries(_book: number, _account: string, _query: EntryQuery): Promise<EntryPage | null> {
    throw new Error('not written yet');
  }
  /** As folded: behind the worker's memory by the fold's lag. Metadata is filled in. */
  account(_book: number, _name: string): Promise<AccountView | null> {
    throw new Error('not written yet');
  }
  /** Settings, counters and version after all records recorded at or before `at`; null before it was opened. */
  accountAt(_book: number, _name: string, _at: Micros): Promise<AccountView | null> {
    throw new Error('not written yet');
  }
  /** Posted counters of all records effective at or before `asOf`, back-dated ones included. */
  accountAsOf(_book: number, _name: string, _asOf: Micros): Promise<AccountAsOf | null> {
    throw new Error('not written yet');
  }
  accounts(_book: number, _query: AccountQuery): Promise<AccountPage> {
    throw new Error('not written yet');
  }
  /** JSON text of the metadata that the account's record at `configPosition` set; null for none. */
  metadata(_book: number, _configPosition: Position): Promise<string | null> {
    throw new Error('not written yet');
  }
  /** The book's last sequence that lists know of; 0 for an unknown book. */
  foldedSequence(_book: number): Promise<number> {
    throw new Error('not written yet');
  }
  /** @returns whether lists have reached the sequence within the time */
  waitFor(_book: number, _sequence: number, _timeoutMs: number): Promise<boolean> {
    throw new Error('not written yet');
  }
}
