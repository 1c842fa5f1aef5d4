/**
 * Proves a shard from SQL alone, with the engine running or stopped. The end of the log is read once and every check
 * looks at what stands up to there; checks of folded tables look up to the fold's cursor. Each check is one statement,
 * so it sees one state of the database however long it takes; only the seals, which are of rows that never change, are
 * compared slice by slice.
 */
import type { Sql } from '../../store/sql.js';
import { type Check, statementOf } from './check.js';
import { FOLD_CHECKS } from './fold-checks.js';
import { LOG_CHECKS } from './log-checks.js';
import { MONEY_CHECKS } from './money-checks.js';
import { checkSeals } from './seals.js';

/** The first row that is wrong. */
export interface Lie {
  /** Of the log, where the lie stands at one. */
  readonly position: number | null;
  readonly book: number | null;
  /** Its name, or its number where it has none. */
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

/** Settings of the session that verify is quick with: sorts and hashes of the whole log stay in memory longer. */
export const VERIFY_SETTINGS: Readonly<Record<string, string>> = {
  work_mem: '64MB',
  jit: 'off',
  // Without statistics of fresh tables the planner takes thousands of rows for a handful, and loops over them.
  enable_nestloop: 'off',
};

const CHECKS: readonly Check[] = [...LOG_CHECKS, ...MONEY_CHECKS, ...FOLD_CHECKS];

const numberOrNull = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value));

async function run(sql: Sql, check: Check, head: number): Promise<CheckResult> {
  const [row] = await sql.query(statementOf(check), [head]);
  const result = { check: check.name, title: check.title, rows: Number(row?.rows ?? 0) };
  if (row?.message === null || row?.message === undefined) return { ...result, ok: true };
  const account = row.account === null || row.account === undefined ? null : String(row.account);
  return {
    ...result,
    ok: false,
    firstLie: {
      position: numberOrNull(row.position),
      book: numberOrNull(row.book),
      account,
      message: String(row.message),
    },
  };
}

/** Runs every check and yields as they end; the caller may stop at the first lie. */
export async function* verifyShard(
  sql: Sql,
  onProgress?: (progress: VerifyProgress) => void,
): AsyncGenerator<CheckResult, void, undefined> {
  const [row] = await sql.query('SELECT coalesce(max(last), 0) AS head FROM batch');
  const head = Number(row?.head ?? 0);
  const of = CHECKS.length + 1;
  onProgress?.({ check: 'seals', number: 1, of });
  // First, since it names the very row where a check of what rows mean can name a later one that depends on it.
  yield await checkSeals(sql, head);
  for (const [index, check] of CHECKS.entries()) {
    onProgress?.({ check: check.name, number: index + 2, of });
    yield await run(sql, check, head);
  }
}
