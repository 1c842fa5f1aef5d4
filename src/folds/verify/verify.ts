/** Proves a shard from SQL alone. */
import type { Sql } from '../../store/sql.js';

/** The first row that is wrong. */
export interface Lie {
  /** Of the log, where the lie stands at one. */
  readonly position: number | null;
  readonly book: number | null;
  readonly account: string | null;
  /** What is wrong there, for a person. */
  readonly message: string;
}

export interface CheckResult {
  readonly check: string;
  /** What was proven, for a person. */
  readonly title: string;
  /** Rows that were looked at. */
  readonly rows: number;
  readonly ok: boolean;
  readonly firstLie?: Lie;
}

export interface VerifyProgress {
  readonly check: string;
  readonly number: number;
  readonly of: number;
}

/** Runs every check, each as one statement, on all that was committed and folded when it began. Yields as they end. */
export async function* verifyShard(
  _sql: Sql,
  _onProgress?: (progress: VerifyProgress) => void,
): AsyncGenerator<CheckResult, void, undefined> {
  yield await Promise.reject(new Error('not written yet'));
}
