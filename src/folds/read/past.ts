/**
 * Accounts as they were: by recorded time (repeatable for ever), and by effective time (back-dating may change it).
 * Both start from the block of the statement in which the time lies, and add what the fold has not reached.
 */
import type { AccountDetails } from '../../ledger/details.js';
import { addsPosted, type Micros, type Position } from '../../ledger/record.js';
import type { AccountView } from '../../ledger/view.js';
import type { Sql, SqlRow } from '../../store/sql.js';
import { attachedBlock, refuseDetachedTime } from './detached.js';
import type { Names } from './names.js';
import type { AccountAsOf } from './queries.js';
import { legRowsAt } from './records.js';
import {
  addRecord,
  type Counters,
  LEG_COLUMNS,
  type LegRow,
  timeParameter,
  toLegRow,
  toNumber,
  toText,
} from './row.js';
import { blockAt, type EntryBlock, toBlock } from './statement.js';

/**
 * How one account stands to the log and to the fold; all of one snapshot. The statements that follow it have others, in which
 * the fold may have moved on, and blocks with it: of a block only what stood up to `folded` is taken from here on, and what
 * stands behind that is read from the log, so that no record is counted twice and none is left out.
 */
interface Place {
  readonly number: number;
  readonly openedPosition: Position;
  readonly openedAt: Micros;
  readonly folded: Position;
  readonly head: Position;
  /** Last record at or before the time asked for. */
  readonly upto: Position;
  /** Records before this one stand in files. */
  readonly attachedFrom: Position;
}

/** The record that opened an account which the fold has not reached. */
async function openedAfter(
  sql: Sql,
  book: number,
  name: string,
  folded: Position,
  head: Position,
): Promise<SqlRow | undefined> {
  const [row] = await sql.query(
    `SELECT l.debit AS number, l.position AS opened_position, l.recorded_at AS opened_at FROM log l
      WHERE l.position > $1 AND l.position <= $2 AND l.kind = 9 AND l.book = $3 AND l.details ->> 'name' = $4`,
    [folded, head, book, name],
  );
  return row;
}

async function placeOf(sql: Sql, book: number, name: string, at: Micros): Promise<Place | null> {
  const [row] = await sql.query(
    `SELECT f.position AS folded, position_at('infinity') AS head, position_at(${timeParameter(3)}) AS upto,
            attached_from() AS attached_from, a.number, a.opened_position, a.opened_at
       FROM fold f LEFT JOIN account a ON a.book = $1 AND a.name = $2
      WHERE f.name = 'balances'`,
    [book, name, at],
  );
  if (row === undefined) return null;
  const folded = toNumber(row.folded);
  const head = toNumber(row.head);
  const opened = row.number === null ? await openedAfter(sql, book, name, folded, head) : row;
  if (opened === undefined) return null;
  return {
    number: toNumber(opened.number),
    openedPosition: toNumber(opened.opened_position),
    openedAt: toNumber(opened.opened_at),
    folded,
    head,
    upto: toNumber(row.upto),
    attachedFrom: toNumber(row.attached_from),
  };
}

/** Records after the fold's cursor, to a position, that may touch the account. */
async function tailOf(sql: Sql, place: Place, to: Position): Promise<readonly LegRow[]> {
  if (to <= place.folded) return [];
  const rows = await sql.query(
    `SELECT ${LEG_COLUMNS} FROM log l
      WHERE l.position > $1 AND l.position <= $2 AND l.kind BETWEEN 1 AND 7
        AND (l.debit = $3 OR l.credit = $3 OR l.more_legs IS NOT NULL)
      ORDER BY l.position`,
    [place.folded, to, place.number],
  );
  return rows.map(toLegRow);
}

interface Sum {
  readonly counters: Counters;
  readonly version: number;
}

/** Counters after all records up to a position. */
async function sumUpTo(sql: Sql, place: Place, upto: Position): Promise<Sum> {
  const at = Math.min(upto, place.folded);
  let block: EntryBlock | null = await blockAt(sql, place.number, at);
  if (block !== null && (block.positions[0] ?? 0) < place.attachedFrom) {
    block = await attachedBlock(sql, place.number, at, place.attachedFrom, (positions) => legRowsAt(sql, positions));
  }
  const counters: Counters = block?.counters ?? {
    debitsPosted: 0n,
    creditsPosted: 0n,
    debitsPending: 0n,
    creditsPending: 0n,
  };
  let version = block?.version ?? 0;
  for await (const row of legRowsAt(sql, block?.positions.filter((position) => position <= at) ?? [])) {
    if (addRecord(counters, place.number, row)) version++;
  }
  for (const row of await tailOf(sql, place, upto)) {
    if (addRecord(counters, place.number, row)) version++;
  }
  return { counters, version };
}

/** The book's place in its own count after all records up to a position. */
async function sequenceAt(sql: Sql, book: number, place: Place, upto: Position): Promise<number> {
  const [row] = await sql.query(
    `SELECT coalesce((SELECT max(l.sequence) FROM log l WHERE l.position > $2 AND l.position <= $3 AND l.book = $1),
                     sequence_at($1::int4, $3::int8)) AS sequence`,
    [book, place.folded, upto],
  );
  return toNumber(row?.sequence);
}

/** The last record up to a position that says the account's settings. */
async function settingsAt(
  sql: Sql,
  place: Place,
  upto: Position,
): Promise<{ details: AccountDetails; position: Position; metadata: string | null } | null> {
  // Two statements: of a position that the first one finds, the second one plans one partition instead of all.
  const [last] = await sql.query(
    `SELECT coalesce(
        (SELECT max(t.position) FROM log t
          WHERE t.position > $2 AND t.position <= $3 AND t.kind BETWEEN 10 AND 12 AND t.debit = $1),
        (SELECT max(s.position) FROM account_setting s WHERE s.account = $1 AND s.position <= $3),
        $4) AS position`,
    [place.number, place.folded, upto, place.openedPosition],
  );
  const [row] = await sql.query(
    `SELECT l.position, l.details::text AS details, (l.details -> 'metadata')::text AS metadata
       FROM log l WHERE l.position = $1`,
    [toNumber(last?.position)],
  );
  const text = toText(row?.details);
  if (row === undefined || text === null) return null;
  const metadata = toText(row.metadata);
  return {
    details: JSON.parse(text) as AccountDetails,
    position: toNumber(row.position),
    metadata: metadata === 'null' ? null : metadata,
  };
}

const limit = (text: string | null): bigint | null => (text === null ? null : BigInt(text));

async function viewAt(sql: Sql, names: Names, book: number, place: Place, upto: Position): Promise<AccountView | null> {
  if (place.openedPosition > upto) return null;
  const settings = await settingsAt(sql, place, upto);
  if (settings === null) return null;
  const { details, position, metadata } = settings;
  const [sum, sequence] = await Promise.all([
    sumUpTo(sql, place, upto),
    sequenceAt(sql, book, place, upto),
    names.load(new Set(), new Set([details.currency])),
  ]);
  return {
    number: place.number,
    book,
    name: details.name,
    currency: names.currency(details.currency),
    normalBalance: details.normal_balance,
    open: details.open,
    ...sum.counters,
    minBalance: limit(details.min_balance),
    maxBalance: limit(details.max_balance),
    version: sum.version,
    configVersion: details.config_version,
    configPosition: position,
    openedAt: place.openedAt,
    metadata,
    sequence,
  };
}

export async function accountAt(
  sql: Sql,
  names: Names,
  book: number,
  name: string,
  at: Micros,
): Promise<AccountView | null> {
  await refuseDetachedTime(sql, at);
  const place = await placeOf(sql, book, name, at);
  return place === null ? null : viewAt(sql, names, book, place, place.upto);
}

/** Positions after `upto` in blocks that have back-dated records effective at or before the time. */
async function backdatedAfter(sql: Sql, place: Place, upto: Position, asOf: Micros): Promise<Position[]> {
  const rows = await sql.query(
    `SELECT e.first_position, e.last_position, 0 AS version_before, 0 AS debits_posted, 0 AS credits_posted,
            0 AS debits_pending, 0 AS credits_pending, e.positions::text AS positions
       FROM statement_block e
      WHERE e.account = $1 AND e.effective_from IS NOT NULL AND e.effective_from <= ${timeParameter(2)}
        AND e.last_position > $3 AND e.first_position <= $4
      ORDER BY e.first_position`,
    [place.number, asOf, upto, place.folded],
  );
  return rows.flatMap((row) =>
    toBlock(row).positions.filter((position) => position > upto && position <= place.folded),
  );
}

export async function accountAsOf(
  sql: Sql,
  names: Names,
  book: number,
  name: string,
  asOf: Micros,
): Promise<AccountAsOf | null> {
  await refuseDetachedTime(sql, asOf);
  const place = await placeOf(sql, book, name, asOf);
  if (place === null) return null;
  const [account, sum, later] = await Promise.all([
    viewAt(sql, names, book, place, place.head),
    // Recorded by then is effective by then: effective_at is never after the recorded time.
    sumUpTo(sql, place, place.upto),
    backdatedAfter(sql, place, place.upto, asOf),
  ]);
  if (account === null) return null;
  const addBackdated = (row: LegRow): void => {
    if (row.position > place.upto && row.effectiveAt <= asOf && addsPosted(row.kind))
      addRecord(sum.counters, place.number, row);
  };
  for await (const row of legRowsAt(sql, later)) addBackdated(row);
  for (const row of await tailOf(sql, place, place.head)) addBackdated(row);
  const { debitsPosted, creditsPosted } = sum.counters;
  return { account, debitsPosted, creditsPosted, sequence: account.sequence };
}
