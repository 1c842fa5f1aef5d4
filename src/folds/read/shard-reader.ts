/**
 * Reads of one shard that are answered from its database: replays, transactions, lists, statements, the past. All of it
 * is true of committed data. Records, transactions and the past come from the log itself and are as new as the last
 * commit; lists come from the fold and are as old as it: see {@link ShardReader.waitFor}.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isTransaction, type Micros, type Position } from '../../ledger/record.js';
import type { AccountView, RecordView, TransactionView } from '../../ledger/view.js';
import type { Sql } from '../../store/sql.js';
import { accountMetadata, foldedAccount, listAccounts } from './accounts.js';
import { Names } from './names.js';
import { accountAsOf, accountAt } from './past.js';
import type {
  AccountAsOf,
  AccountPage,
  AccountQuery,
  EntryPage,
  EntryQuery,
  TransactionPage,
  TransactionQuery,
} from './queries.js';
import { rowsAt, toViews, unitRows } from './records.js';
import { toNumber } from './row.js';
import { listEntries } from './statement.js';
import { withStates } from './states.js';
import { listTransactions } from './transactions.js';

export interface ShardInfo {
  /** As the configuration calls it; for messages. */
  readonly name: string;
}

/** Records of a step that a reader takes: as far as it can go, since what is waited for is mostly what came last. */
const STEP_RECORDS_MAX = 800_000;
/** Between two looks at the fold's cursor. */
const POLL_MS_MIN = 2;
const POLL_MS_MAX = 50;

/** Every method answers null (or nothing) for what is not there or belongs to another book. */
export class ShardReader {
  readonly #names: Names;

  constructor(
    readonly sql: Sql,
    readonly shard: ShardInfo,
  ) {
    this.#names = new Names(sql);
  }

  /** Any record of the book, for replays: key and fingerprint are in it. */
  async record(book: number, position: Position): Promise<RecordView | null> {
    return (await this.records(book, [position]))[0] ?? null;
  }

  /** Those of the positions that are records of the book, in order of position. */
  async records(book: number, positions: readonly Position[]): Promise<readonly RecordView[]> {
    return toViews(this.#names, await rowsAt(this.sql, book, positions));
  }

  /** A `batch` record and the records that it heads; of any other position just that record. */
  async unit(book: number, head: Position): Promise<readonly RecordView[]> {
    return toViews(this.#names, await unitRows(this.sql, book, head));
  }

  /** null also for records that are not transactions (refusals, accounts). */
  async transaction(book: number, position: Position): Promise<TransactionView | null> {
    const record = await this.record(book, position);
    if (record === null || !isTransaction(record.kind)) return null;
    return (await withStates(this.sql, [record]))[0] ?? null;
  }

  transactions(book: number, query: TransactionQuery): Promise<TransactionPage> {
    return listTransactions(this.sql, this.#names, book, query);
  }

  /** null: no such account. */
  entries(book: number, account: string, query: EntryQuery): Promise<EntryPage | null> {
    return listEntries(this.sql, this.#names, book, account, query);
  }

  /** As folded: behind the worker's memory by the fold's lag. Metadata is filled in. */
  account(book: number, name: string): Promise<AccountView | null> {
    return foldedAccount(this.sql, this.#names, book, name);
  }

  /**
   * Settings, counters and version after all records recorded at or before `at`; null before it was opened. Repeatable
   * as long as `at` lies before the recorded time of the shard's head: what is recorded then is complete.
   */
  accountAt(book: number, name: string, at: Micros): Promise<AccountView | null> {
    return accountAt(this.sql, this.#names, book, name, at);
  }

  /** Posted counters of all records effective at or before `asOf`, back-dated ones included. */
  accountAsOf(book: number, name: string, asOf: Micros): Promise<AccountAsOf | null> {
    return accountAsOf(this.sql, this.#names, book, name, asOf);
  }

  accounts(book: number, query: AccountQuery): Promise<AccountPage> {
    return listAccounts(this.sql, this.#names, book, query);
  }

  /** JSON text of the metadata that the account's record at `configPosition` set; null for none. */
  metadata(book: number, configPosition: Position): Promise<string | null> {
    return accountMetadata(this.sql, book, configPosition);
  }

  /** The book's last sequence that lists know of; 0 for an unknown book. */
  async foldedSequence(book: number): Promise<number> {
    const [row] = await this.sql.query('SELECT sequence FROM book WHERE book = $1', [book]);
    return toNumber(row?.sequence);
  }

  /** @returns whether lists have reached the sequence within the time */
  async waitFor(book: number, sequence: number, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (let waitMs = POLL_MS_MIN; ; waitMs = Math.min(waitMs * 2, POLL_MS_MAX)) {
      if ((await this.foldedSequence(book)) >= sequence) return true;
      // The folds rest between their steps: who cannot wait takes one. It does nothing while another is under way.
      await this.sql.query('SELECT to_position FROM fold_step($1)', [STEP_RECORDS_MAX]);
      if ((await this.foldedSequence(book)) >= sequence) return true;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return false;
      await pause(Math.min(waitMs, leftMs));
    }
  }
}
