/** {@link Sql} on a pool of connections to a server. */
import pg from 'pg';
import type { Sql, SqlRow, SqlValue } from '../sql.js';
import type { ConnectOptions } from './connect.js';
import { asStoreError, clientConfig } from './connect.js';
import { copyOutOf } from './copy-out.js';

export interface PgSqlOptions extends ConnectOptions {
  /** Connections at most; they are made when needed and closed after 30 s without use. @defaultValue 4 */
  readonly connectionsMax?: number;
}

export function createPgSql(options: PgSqlOptions): Sql {
  const pool = new pg.Pool({
    ...clientConfig(options),
    max: options.connectionsMax ?? 4,
    idleTimeoutMillis: 30_000,
    allowExitOnIdle: true,
  });
  // An idle connection that is lost is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => undefined);
  let ended: Promise<void> | null = null;
  return {
    query: async (text: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]> => {
      try {
        const { rows } = await pool.query<SqlRow>(text, values === undefined ? undefined : [...values]);
        return rows;
      } catch (error) {
        throw asStoreError(error);
      }
    },
    copyOut: async (query: string): Promise<Buffer> => {
      let client: pg.PoolClient;
      try {
        client = await pool.connect();
      } catch (error) {
        throw asStoreError(error);
      }
      try {
        return await copyOutOf(client, query);
      } finally {
        client.release();
      }
    },
    close: () => {
      ended ??= pool.end();
      return ended;
    },
  };
}
