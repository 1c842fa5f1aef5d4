/**
 * Whether a control log is that of the shards. One that was restored to an earlier time than they, or is another's, would
 * give numbers of books that have an owner to somebody else.
 */
import { messageOf } from '../platform/errors.js';
import type { Log } from '../platform/log.js';
import type { ControlState } from '../store/control/state.js';
import { sqlState } from '../store/errors.js';
import type { Sql } from '../store/sql.js';

const UNDEFINED_TABLE = '42P01';

/** @throws Error naming a book whose owner the control log does not know */
export async function checkBooks(
  { merchants }: Pick<ControlState, 'merchants'>,
  shards: readonly { readonly name: string; readonly sql: Pick<Sql, 'query'> }[],
  log: Log,
): Promise<void> {
  const owners = new Map<number, string>();
  for (const { merchant, testBook, liveBook } of merchants.values()) {
    owners.set(testBook, `test ${merchant}`);
    owners.set(liveBook, `live ${merchant}`);
  }
  for (const { name, sql } of shards) {
    for (const { book, merchant, environment } of await booksOf(name, sql, log)) {
      const owner = owners.get(book);
      if (owner === `${environment} ${merchant}`) continue;
      throw new Error(
        `the control log is not that of the shards: ${name} holds book ${book} of merchant "${merchant}" (${environment}), ` +
          `and it ${owner === undefined ? 'does not know that book; was it restored to an earlier time?' : 'gives that book to another'}`,
      );
    }
  }
}

interface Book {
  readonly book: number;
  readonly merchant: string;
  readonly environment: string;
}

/** None where the shard cannot be asked: it is away, and merchants of the others must not wait for it. */
async function booksOf(shard: string, sql: Pick<Sql, 'query'>, log: Log): Promise<readonly Book[]> {
  try {
    const rows = await sql.query('SELECT book, merchant, environment FROM book');
    return rows.map(({ book, merchant, environment }) => ({
      book: Number(book),
      merchant: String(merchant),
      environment: String(environment),
    }));
  } catch (error) {
    // No engine has started on it yet.
    if (sqlState(error) === UNDEFINED_TABLE) return [];
    log.warn(`${shard}: its books could not be compared with the control log: ${messageOf(error)}`);
    return [];
  }
}
