/**
 * The list of a book's transactions, newest first. It is driven by the look-up that promises the fewest rows and every
 * row is judged by all of the filter, so a look-up may name too much and never too little.
 */
import { isTransaction, type Position } from '../../ledger/record.js';
import type { TransactionView } from '../../ledger/view.js';
import type { Sql, SqlValue } from '../../store/sql.js';
import { DetachedError } from './detached.js';
import type { Names } from './names.js';
import type { TransactionFilter, TransactionPage, TransactionQuery } from './queries.js';
import { rowsAt, toViews } from './records.js';
import { timeParameter, toNumber } from './row.js';
import { withStates } from './states.js';

/** Rows that one call reads at most, whatever the filter: the page may come out short. */
const ROWS_READ_MAX = 2_000;
const ROWS_A_ROUND_MIN = 50;

interface Bounds {
  /** Exclusive. */
  readonly above: Position;
  /** Exclusive. */
  readonly below: Position;
  /** Exclusive: between it and `above` records stand in files. */
  readonly detachedAbove: Position;
}

async function boundsOf(sql: Sql, book: number, { filter, before }: TransactionQuery): Promise<Bounds> {
  const [row] = await sql.query(
    `SELECT f.position AS folded, attached_from() AS attached_from,
            EXISTS (SELECT FROM detached d WHERE d.last_at >= ${timeParameter(2)}) AS from_is_detached,
            CASE WHEN $2::float8 IS NULL THEN 0 ELSE position_at(${timeParameter(2)} - interval '1 microsecond') END AS above,
            CASE WHEN $3::float8 IS NULL THEN NULL ELSE position_at(${timeParameter(3)} - interval '1 microsecond') END AS upto,
            CASE WHEN $4::int8 IS NULL THEN NULL ELSE position_of($1::int4, $4::int8) END AS before
       FROM fold f WHERE f.name = 'balances'`,
    [book, filter.from ?? null, filter.to ?? null, before ?? null],
  );
  let below = toNumber(row?.folded) + 1;
  if (row?.upto !== null && row?.upto !== undefined) below = Math.min(below, toNumber(row.upto) + 1);
  if (row?.before !== null && row?.before !== undefined) below = Math.min(below, toNumber(row.before));
  const from = toNumber(row?.attached_from);
  const above = Math.max(toNumber(row?.above), from - 1);
  // A time among the detached records is known only to lie there: then all of them may belong to the list.
  const reachesFiles = filter.from === undefined || row?.from_is_detached === true;
  return { above, below, detachedAbove: reachesFiles ? 0 : above };
}

/** Positions in (above, below), newest first: `$1` book, `$2` above, `$3` below, `$4` how many; then its own. */
interface Driver {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

const TAGGED = `SELECT t.position FROM tag t
  WHERE t.book = $1 AND t.hash = HASH AND t.position > $2 AND t.position < $3 ORDER BY t.position DESC LIMIT $4`;

async function driverOf(sql: Sql, book: number, filter: TransactionFilter): Promise<Driver | null> {
  if (filter.reference !== undefined) {
    return { text: TAGGED.replace('HASH', 'tag_of_reference($5)'), values: [filter.reference] };
  }
  if (filter.metadata !== undefined) {
    const { key, value } = filter.metadata;
    return { text: TAGGED.replace('HASH', 'tag_of_metadata($5, $6)'), values: [key, value] };
  }
  if (filter.account !== undefined) {
    const [account] = await sql.query('SELECT number FROM account WHERE book = $1 AND name = $2', [
      book,
      filter.account,
    ]);
    if (account === undefined) return null;
    return {
      // Blocks of one account follow each other, so the newest blocks have the newest positions.
      text: `SELECT p.position
               FROM (SELECT e.positions FROM statement_block e
                      WHERE e.account = $5 AND $1::int4 IS NOT NULL AND e.first_position < $3 AND e.last_position > $2
                      ORDER BY e.first_position DESC LIMIT $4) e, unnest(e.positions) AS p(position)
              WHERE p.position > $2 AND p.position < $3 ORDER BY 1 DESC LIMIT $4`,
      values: [toNumber(account.number)],
    };
  }
  if (filter.status === 'pending' || filter.status === 'partially_captured') {
    return {
      text: `SELECT h.position FROM hold h
              WHERE h.book = $1 AND h.position > $2 AND h.position < $3 ORDER BY h.position DESC LIMIT $4`,
      values: [],
    };
  }
  return {
    text: `SELECT p.position
             FROM (SELECT b.positions FROM book_block b
                    WHERE b.book = $1 AND b.first_sequence <= sequence_at($1::int4, $3 - 1)
                    ORDER BY b.first_sequence DESC LIMIT $4) b, unnest(b.positions) AS p(position)
            WHERE p.position > $2 AND p.position < $3 ORDER BY 1 DESC LIMIT $4`,
    values: [],
  };
}

function hasMetadata(metadata: string | null, key: string, value: string): boolean {
  if (metadata === null) return false;
  const parsed: unknown = JSON.parse(metadata);
  return (
    typeof parsed === 'object' && parsed !== null && Object.hasOwn(parsed, key) && Reflect.get(parsed, key) === value
  );
}

function fits({ record, status }: TransactionView, filter: TransactionFilter): boolean {
  return (
    isTransaction(record.kind) &&
    (filter.reference === undefined || record.reference === filter.reference) &&
    (filter.status === undefined || status === filter.status) &&
    (filter.account === undefined ||
      record.legs.some((leg) => leg.debit === filter.account || leg.credit === filter.account)) &&
    (filter.metadata === undefined || hasMetadata(record.metadata, filter.metadata.key, filter.metadata.value)) &&
    (filter.from === undefined || record.recordedAt >= filter.from) &&
    (filter.to === undefined || record.recordedAt < filter.to)
  );
}

/** Look-ups know what stands in files too. */
async function hasDetached(sql: Sql, book: number, driver: Driver, bounds: Bounds): Promise<boolean> {
  if (bounds.detachedAbove >= bounds.above) return false;
  const below = Math.min(bounds.above + 1, bounds.below);
  return (await sql.query(driver.text, [book, bounds.detachedAbove, below, 1, ...driver.values])).length > 0;
}

export async function listTransactions(
  sql: Sql,
  names: Names,
  book: number,
  query: TransactionQuery,
): Promise<TransactionPage> {
  const { filter, limit } = query;
  const [bounds, driver] = await Promise.all([boundsOf(sql, book, query), driverOf(sql, book, filter)]);
  if (driver === null) return { data: [], next: null };
  const data: TransactionView[] = [];
  let below = bounds.below;
  let lastSequence = 0;
  for (let read = 0; read < ROWS_READ_MAX; ) {
    const wanted = Math.min(Math.max(limit - data.length + 1, ROWS_A_ROUND_MIN), ROWS_READ_MAX - read);
    const found = await sql.query(driver.text, [book, bounds.above, below, wanted, ...driver.values]);
    const rows = await rowsAt(
      sql,
      book,
      found.map((row) => toNumber(row.position)),
    );
    const views = await withStates(sql, (await toViews(names, rows)).reverse());
    for (const view of views) {
      // One more fits than the page takes: only then is there a next page.
      if (fits(view, filter)) {
        if (data.length === limit) return { data, next: lastSequence };
        data.push(view);
      }
      lastSequence = view.record.sequence;
    }
    if (found.length < wanted) {
      if (!(await hasDetached(sql, book, driver, bounds))) return { data, next: null };
      // What follows is asked for with the cursor, and the answer is then that it is archived.
      if (lastSequence === 0) throw new DetachedError();
      return { data, next: lastSequence };
    }
    read += found.length;
    below = toNumber(found.at(-1)?.position);
  }
  return { data, next: lastSequence };
}
