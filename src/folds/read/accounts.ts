/** Accounts as folded, and their lists. */
import type { NormalBalance } from '../../ledger/command.js';
import type { Position } from '../../ledger/record.js';
import type { AccountView } from '../../ledger/view.js';
import type { Sql, SqlRow } from '../../store/sql.js';
import type { Names } from './names.js';
import type { AccountPage, AccountQuery } from './queries.js';
import { positionArray, toBigInt, toNumber, toText } from './row.js';

const ACCOUNT_COLUMNS = `a.number, a.book, a.name, a.currency, a.normal_balance, a.open, a.has_metadata, a.debits_posted,
  a.credits_posted, a.debits_pending, a.credits_pending, a.min_balance, a.max_balance, a.version, a.config_version,
  a.config_position, a.opened_at, b.sequence`;

/** JSON texts of metadata by the position of the record that set them. */
async function metadataAt(
  sql: Sql,
  book: number,
  positions: readonly Position[],
): Promise<ReadonlyMap<Position, string>> {
  if (positions.length === 0) return new Map();
  const rows = await sql.query(
    `SELECT l.position, (l.details -> 'metadata')::text AS metadata FROM log l
      WHERE l.position = ANY (${positionArray(positions)}) AND l.book = $1 AND l.kind BETWEEN 9 AND 13`,
    [book],
  );
  const texts = new Map<Position, string>();
  for (const row of rows) {
    const text = toText(row.metadata);
    if (text !== null && text !== 'null') texts.set(toNumber(row.position), text);
  }
  return texts;
}

async function toAccounts(sql: Sql, names: Names, book: number, rows: readonly SqlRow[]): Promise<AccountView[]> {
  await names.load(new Set(), new Set(rows.map((row) => toNumber(row.currency))));
  const configured = rows.filter((row) => row.has_metadata === true).map((row) => toNumber(row.config_position));
  const metadata = await metadataAt(sql, book, configured);
  return rows.map((row) => ({
    number: toNumber(row.number),
    book,
    name: String(row.name),
    currency: names.currency(toNumber(row.currency)),
    normalBalance: String(row.normal_balance) as NormalBalance,
    open: row.open === true,
    debitsPosted: toBigInt(row.debits_posted),
    creditsPosted: toBigInt(row.credits_posted),
    debitsPending: toBigInt(row.debits_pending),
    creditsPending: toBigInt(row.credits_pending),
    minBalance: row.min_balance === null ? null : toBigInt(row.min_balance),
    maxBalance: row.max_balance === null ? null : toBigInt(row.max_balance),
    version: toNumber(row.version),
    configVersion: toNumber(row.config_version),
    configPosition: toNumber(row.config_position),
    openedAt: toNumber(row.opened_at),
    metadata: metadata.get(toNumber(row.config_position)) ?? null,
    sequence: toNumber(row.sequence),
  }));
}

export async function accountMetadata(sql: Sql, book: number, configPosition: Position): Promise<string | null> {
  return (await metadataAt(sql, book, [configPosition])).get(configPosition) ?? null;
}

export async function foldedAccount(sql: Sql, names: Names, book: number, name: string): Promise<AccountView | null> {
  const rows = await sql.query(
    `SELECT ${ACCOUNT_COLUMNS} FROM account a JOIN book b USING (book) WHERE a.book = $1 AND a.name = $2`,
    [book, name],
  );
  return (await toAccounts(sql, names, book, rows))[0] ?? null;
}

/** The first text after all that begin with the prefix; null: there is none. Names are ASCII. */
function endOfPrefix(prefix: string): string | null {
  if (prefix === '') return null;
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

export async function listAccounts(sql: Sql, names: Names, book: number, query: AccountQuery): Promise<AccountPage> {
  const prefix = query.prefix ?? '';
  const rows = await sql.query(
    `SELECT ${ACCOUNT_COLUMNS} FROM account a JOIN book b USING (book)
      WHERE a.book = $1 AND a.name >= $2 AND ($3::text IS NULL OR a.name < $3 COLLATE "C") AND a.name > $4
      ORDER BY a.name LIMIT $5`,
    [book, prefix, endOfPrefix(prefix), query.after ?? '', query.limit + 1],
  );
  const data = await toAccounts(sql, names, book, rows.slice(0, query.limit));
  return { data, next: rows.length > query.limit ? (data.at(-1)?.name ?? null) : null };
}
