/** {@link Sql} on a PGlite database in this thread. Closing it leaves the database open: that is its opener's. */
import type { PGlite } from '@electric-sql/pglite';
import { PARSERS } from '../postgres/types.js';
import type { Sql, SqlRow, SqlValue } from '../sql.js';

/** For `PGlite.create`: values come back as from a server. */
export const PGLITE_OPTIONS = { parsers: { ...PARSERS } };

export function createPgliteSql(database: PGlite): Sql {
  return {
    query: (text, values) => queryPglite(database, text, values),
    copyOut: (query) => copyOutOfPglite(database, query),
    close: () => Promise.resolve(),
  };
}

export async function queryPglite(
  database: Pick<PGlite, 'query'>,
  text: string,
  values: readonly SqlValue[] = [],
): Promise<readonly SqlRow[]> {
  const { rows } = await database.query<SqlRow>(text, values.map(plainValue));
  return rows;
}

export async function copyOutOfPglite(database: Pick<PGlite, 'query'>, query: string): Promise<Buffer> {
  const { blob } = await database.query(`COPY (${query}) TO '/dev/blob' (FORMAT binary)`);
  if (blob === undefined) throw new Error('a copy gave nothing');
  return Buffer.from(await blob.arrayBuffer());
}

/** PGlite guesses no type from a bigint within an array. */
function plainValue(value: SqlValue): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((item: SqlValue) => (typeof item === 'bigint' ? item.toString() : item));
}
