/**
 * What a reader does where records stand in files (`millrace detach`): balances are known all the same, and what only the
 * records could say is said to be archived, never left out unsaid.
 */
import type { Position } from '../../ledger/record.js';
import type { Sql, SqlRow } from '../../store/sql.js';
import type { Counters } from './row.js';
import { addRecord, arrayText, type LegRow, timeParameter, toBigInt, toNumber, toText } from './row.js';

/** The answer stands in a file that the operator has. */
export class DetachedError extends Error {
  constructor() {
    super('this part of the log stands in files');
  }
}

/** @throws DetachedError where records up to this time are in files, and not all of them */
export async function refuseDetachedTime(sql: Sql, at: number): Promise<void> {
  const [row] = await sql.query(`SELECT 1 AS found FROM detached d WHERE d.last_at > ${timeParameter(1)} LIMIT 1`, [
    at,
  ]);
  if (row !== undefined) throw new DetachedError();
}

/**
 * For positions that were looked for and are not all there.
 * @param book whose they must be to be spoken of; null: they come from the fold
 * @throws DetachedError
 */
export async function refuseDetached(
  sql: Sql,
  book: number | null,
  positions: readonly Position[],
  rows: readonly SqlRow[],
): Promise<void> {
  if (rows.length >= positions.length) return;
  const found = new Set(rows.map((row) => toNumber(row.position)));
  const missing = positions.filter((position) => !found.has(position));
  const [row] = await sql.query(
    `SELECT 1 AS found FROM unnest($1::text::int8[]) AS p(position)
      WHERE p.position < attached_from()
        AND ($2::int4 IS NULL OR position_of($2::int4, sequence_at($2::int4, p.position)) = p.position) LIMIT 1`,
    [arrayText(missing), book],
  );
  if (row !== undefined) throw new DetachedError();
}

export interface AttachedBlock {
  /** Attached ones only. */
  readonly positions: readonly Position[];
  /** Before the first of them. */
  readonly version: number;
  readonly counters: Counters;
}

/**
 * The attached end of the block of a statement in which `upto` lies, or of the last before it: how the account stood at
 * its end, less what the attached records did.
 */
export async function attachedBlock(
  sql: Sql,
  account: number,
  upto: Position,
  from: Position,
  rowsOf: (positions: readonly Position[]) => AsyncIterable<LegRow>,
): Promise<AttachedBlock | null> {
  const [row] = await sql.query(
    `SELECT e.positions::text AS positions, coalesce(n.version_before, a.version) AS version,
            coalesce(n.debits_posted, a.debits_posted) AS debits_posted,
            coalesce(n.credits_posted, a.credits_posted) AS credits_posted,
            coalesce(n.debits_pending, a.debits_pending) AS debits_pending,
            coalesce(n.credits_pending, a.credits_pending) AS credits_pending
       FROM account a
       JOIN statement_block e ON e.account = a.number
       LEFT JOIN LATERAL (SELECT x.* FROM statement_block x
                           WHERE x.account = a.number AND x.first_position > e.first_position
                           ORDER BY x.first_position LIMIT 1) n ON true
      WHERE a.number = $1 AND e.first_position <= $2 ORDER BY e.first_position DESC LIMIT 1`,
    [account, upto],
  );
  if (row === undefined) return null;
  const positions = (toText(row.positions) ?? '{}').slice(1, -1).split(',').map(Number);
  const attached = positions.filter((position) => position >= from);
  const done: Counters = { debitsPosted: 0n, creditsPosted: 0n, debitsPending: 0n, creditsPending: 0n };
  let version = toNumber(row.version);
  for await (const record of rowsOf(attached)) if (addRecord(done, account, record)) version--;
  return {
    positions: attached,
    version,
    counters: {
      debitsPosted: toBigInt(row.debits_posted) - done.debitsPosted,
      creditsPosted: toBigInt(row.credits_posted) - done.creditsPosted,
      debitsPending: toBigInt(row.debits_pending) - done.debitsPending,
      creditsPending: toBigInt(row.credits_pending) - done.creditsPending,
    },
  };
}
