/** Records of the log as views. */
import type { Position } from '../../ledger/record.js';
import type { RecordView } from '../../ledger/view.js';
import type { Sql, SqlRow } from '../../store/sql.js';
import { refuseDetached } from './detached.js';
import type { Names } from './names.js';
import {
  LEG_COLUMNS,
  type LegRow,
  positionArray,
  RECORD_COLUMNS,
  toLegRow,
  toNumber,
  toText,
  unquoted,
} from './row.js';

/** Two signed 32-bit halves, "hi:lo". */
function fingerprintText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const whole = BigInt(value as bigint);
  return `${Number(BigInt.asIntN(32, whole >> 32n))}:${Number(BigInt.asIntN(32, whole))}`;
}

export async function toViews(names: Names, rows: readonly SqlRow[]): Promise<RecordView[]> {
  const accounts = new Set<number>();
  const currencies = new Set<number>();
  const legRows = rows.map(toLegRow);
  for (const { legs } of legRows) {
    for (const leg of legs) {
      accounts.add(leg.debit).add(leg.credit);
      currencies.add(leg.currency);
    }
  }
  const byNumber = await names.load(accounts, currencies);
  const nameOf = (number: number): string => byNumber.get(number) ?? '';
  return rows.map((row, index) => {
    const { legs, ...head } = legRows[index] ?? toLegRow(row);
    return {
      ...head,
      flags: toNumber(row.flags),
      code: toNumber(row.code),
      expiresAt: toNumber(row.expires_at),
      legs: legs.map((leg) => ({
        leg: leg.leg,
        debit: nameOf(leg.debit),
        credit: nameOf(leg.credit),
        currency: names.currency(leg.currency),
        amount: leg.amount,
        released: leg.released,
      })),
      details: toText(row.details),
      key: toText(row.key),
      reference: unquoted(row.reference),
      description: unquoted(row.description),
      metadata: toText(row.metadata),
      fingerprint: fingerprintText(row.fingerprint),
    };
  });
}

/** Those that are there and of the book, by position. @throws DetachedError where one of the book's is in a file */
export async function rowsAt(sql: Sql, book: number, positions: readonly Position[]): Promise<readonly SqlRow[]> {
  const rows = await sql.query(
    `SELECT ${RECORD_COLUMNS} FROM log l WHERE l.position = ANY (${positionArray(positions)}) AND l.book = $1 ORDER BY l.position`,
    [book],
  );
  await refuseDetached(sql, book, positions, rows);
  return rows;
}

/** Rows in one read, so that a long list of positions costs bounded memory at a time. */
const READ_MAX = 2_000;

/** Without texts; in order of position. */
export async function* legRowsAt(sql: Sql, positions: readonly Position[]): AsyncGenerator<LegRow, void, undefined> {
  for (let at = 0; at < positions.length; at += READ_MAX) {
    const part = positions.slice(at, at + READ_MAX);
    const rows = await sql.query(
      `SELECT ${LEG_COLUMNS} FROM log l WHERE l.position = ANY (${positionArray(part)}) ORDER BY l.position`,
    );
    await refuseDetached(sql, null, part, rows);
    for (const row of rows) yield toLegRow(row);
  }
}

/** A `batch` record and its members, which follow it without a gap, or just the record. */
export async function unitRows(sql: Sql, book: number, head: Position): Promise<readonly SqlRow[]> {
  const [first] = await rowsAt(sql, book, [head]);
  if (first === undefined) return [];
  const details = toText(first.details);
  if (toNumber(first.kind) !== 14 || details === null) return [first];
  const { count } = JSON.parse(details) as { count: number };
  const members = await sql.query(
    `SELECT ${RECORD_COLUMNS} FROM log l WHERE l.position > $1 AND l.position <= $2 AND l.book = $3 ORDER BY l.position`,
    [head, head + count, book],
  );
  return [first, ...members];
}
