/** An account's statement: every record that changed it, with its version and counters after it. */
import { addsPosted, type Position } from '../../ledger/record.js';
import type { EntryView } from '../../ledger/view.js';
import type { Sql, SqlRow } from '../../store/sql.js';
import { attachedBlock, DetachedError } from './detached.js';
import type { Names } from './names.js';
import type { EntryPage, EntryQuery } from './queries.js';
import { legRowsAt, rowsAt, toViews } from './records.js';
import { addRecord, type Counters, toBigInt, toLegRow, toNumber, toText } from './row.js';

/** Records that one call reads at most: with `kind` the page may come out short. */
const ROWS_READ_MAX = 2_000;
const BLOCK_COLUMNS = `e.first_position, e.last_position, e.version_before, e.debits_posted, e.credits_posted,
  e.debits_pending, e.credits_pending, e.positions::text AS positions`;

export interface EntryBlock {
  readonly positions: readonly Position[];
  /** Before the first of them. */
  readonly version: number;
  readonly counters: Counters;
}

export function toBlock(row: SqlRow): EntryBlock {
  return {
    positions: (toText(row.positions) ?? '{}').slice(1, -1).split(',').map(Number),
    version: toNumber(row.version_before),
    counters: {
      debitsPosted: toBigInt(row.debits_posted),
      creditsPosted: toBigInt(row.credits_posted),
      debitsPending: toBigInt(row.debits_pending),
      creditsPending: toBigInt(row.credits_pending),
    },
  };
}

/** The block in which `upto` lies, or the last before it. */
export async function blockAt(sql: Sql, account: number, upto: Position): Promise<EntryBlock | null> {
  const [row] = await sql.query(
    `SELECT ${BLOCK_COLUMNS} FROM statement_block e
      WHERE e.account = $1 AND e.first_position <= $2 ORDER BY e.first_position DESC LIMIT 1`,
    [account, upto],
  );
  return row === undefined ? null : toBlock(row);
}

async function blocksAfter(sql: Sql, account: number, after: Position, count: number): Promise<EntryBlock[]> {
  const rows = await sql.query(
    `(SELECT ${BLOCK_COLUMNS} FROM statement_block e
       WHERE e.account = $1 AND e.first_position <= $2 ORDER BY e.first_position DESC LIMIT 1)
     UNION ALL
     (SELECT ${BLOCK_COLUMNS} FROM statement_block e
       WHERE e.account = $1 AND e.first_position > $2 ORDER BY e.first_position LIMIT $3)
     ORDER BY first_position`,
    [account, after, count],
  );
  return rows.filter((row) => toNumber(row.last_position) > after).map(toBlock);
}

interface Line {
  readonly row: SqlRow;
  readonly version: number;
  readonly counters: Counters;
}

/** The records of a block that stand after a position. */
async function linesOf(sql: Sql, book: number, account: number, block: EntryBlock, after: Position): Promise<Line[]> {
  const counters = { ...block.counters };
  let version = block.version;
  const lines: Line[] = [];
  for (const row of await rowsAt(sql, book, block.positions)) {
    if (!addRecord(counters, account, toLegRow(row))) continue;
    version++;
    if (toNumber(row.position) > after) lines.push({ row, version, counters: { ...counters } });
  }
  return lines;
}

async function toEntries(names: Names, lines: readonly Line[]): Promise<EntryView[]> {
  const records = await toViews(
    names,
    lines.map(({ row }) => row),
  );
  return records.flatMap((record, index) => {
    const line = lines[index];
    return line === undefined ? [] : [{ record, version: line.version, ...line.counters }];
  });
}

/** The block itself where all of it is in the table. */
async function attachedPart(sql: Sql, account: number, block: EntryBlock, from: Position): Promise<EntryBlock> {
  if ((block.positions[0] ?? 0) >= from) return block;
  const upto = block.positions.at(-1) ?? 0;
  return (await attachedBlock(sql, account, upto, from, (positions) => legRowsAt(sql, positions))) ?? block;
}

export async function listEntries(
  sql: Sql,
  names: Names,
  book: number,
  name: string,
  query: EntryQuery,
): Promise<EntryPage | null> {
  const [start] = await sql.query(
    `SELECT a.number, attached_from() AS attached_from, CASE WHEN $3::int8 IS NULL THEN 0 ELSE coalesce(position_of($1::int4, $3::int8), f.position) END AS after
       FROM account a, fold f WHERE a.book = $1 AND a.name = $2 AND f.name = 'balances'`,
    [book, name, query.after ?? null],
  );
  if (start === undefined) return null;
  const account = toNumber(start.number);
  const fits = (line: Line): boolean => query.kind === undefined || addsPosted(toLegRow(line.row).kind);
  const lines: Line[] = [];
  const from = toNumber(start.attached_from);
  let after = toNumber(start.after);
  // A list that has begun cannot leave out what a file holds; one that begins does so where the table does.
  if (query.after !== undefined && after + 1 < from) throw new DetachedError();
  after = Math.max(after, from - 1);
  let lastSequence = query.after ?? 0;
  for (let read = 0; read < ROWS_READ_MAX; ) {
    const blocks = await blocksAfter(sql, account, after, 16);
    if (blocks.length === 0) return { data: await toEntries(names, lines), next: null };
    for (const found of blocks) {
      const block = await attachedPart(sql, account, found, from);
      for (const line of await linesOf(sql, book, account, block, after)) {
        if (fits(line)) {
          if (lines.length === query.limit) return { data: await toEntries(names, lines), next: lastSequence };
          lines.push(line);
        }
        lastSequence = toNumber(line.row.sequence);
      }
      read += block.positions.length;
      after = block.positions.at(-1) ?? after;
      if (read >= ROWS_READ_MAX) break;
    }
  }
  return { data: await toEntries(names, lines), next: lastSequence };
}
