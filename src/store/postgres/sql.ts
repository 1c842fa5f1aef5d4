/** {@link Sql} on a pool of connections to a server. */
import pg from 'pg';
import type { Sql, SqlRow, SqlValue } from '../sql.js';
import type { ConnectOptions } from './connect.js';
import { asStoreError, clientConfig } from './connect.js';
import { CopyOuts } from './copy-out.js';
import { Standstill } from './standstill.js';

export interface PgSqlOptions extends ConnectOptions {
  /** Connections at most; they are made when needed and closed after 30 s without use. @defaultValue 4 */
  readonly connectionsMax?: number;
  /**
   * Nothing waits for a server that stands still: a statement that takes longer than `afterMs` has it asked for a sign of
   * life, on one more connection, and where none comes within `withinMs` all that wait are refused. Without it, they wait.
   */
  readonly standstill?: { readonly afterMs: number; readonly withinMs: number };
}

/** One that is asked for a sign of life for so long has lost the connection: the next is asked on another. */
const LIFE_MS_MAX = 5_000;

export function createPgSql(options: PgSqlOptions): Sql {
  const pool = poolOf(options, options.connectionsMax ?? 4);
  const life =
    options.standstill === undefined
      ? null
      : poolOf({ ...options, connectTimeoutMs: LIFE_MS_MAX }, 1, { query_timeout: LIFE_MS_MAX });
  const standstill =
    life === null || options.standstill === undefined
      ? null
      : new Standstill({ ...options.standstill, ask: () => life.query('SELECT') });
  const run = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    try {
      return await (standstill === null ? onClient(pool, work) : standstill.guard((cut) => onClient(pool, work, cut)));
    } catch (error) {
      throw asStoreError(error);
    }
  };
  const copies = new CopyOuts();
  let ended: Promise<void> | null = null;
  return {
    query: (text: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]> =>
      run(async (client) => (await client.query<SqlRow>(text, values === undefined ? undefined : [...values])).rows),
    copyOut: (query: string): Promise<Buffer> => run((client) => copies.read(client, query)),
    close: () => {
      ended ??= Promise.all([pool.end(), life?.end()]).then(() => undefined);
      return ended;
    },
  };
}

function poolOf(options: ConnectOptions, max: number, more: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({
    ...clientConfig(options),
    max,
    idleTimeoutMillis: 30_000,
    allowExitOnIdle: true,
    ...more,
  });
  // An idle connection that is lost is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => undefined);
  return pool;
}

/** @param cut aborted: the connection is closed, and what runs on it fails */
async function onClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>, cut?: AbortSignal): Promise<T> {
  const client = await pool.connect();
  let released = false;
  const release = (destroy: boolean): void => {
    if (!released) client.release(destroy);
    released = true;
  };
  const onCut = (): void => release(true);
  // A connection that is lost in the middle of a statement says so twice; without a listener the first would end the process.
  const onError = (): void => undefined;
  client.on('error', onError);
  cut?.addEventListener('abort', onCut, { once: true });
  try {
    cut?.throwIfAborted();
    const result = await work(client);
    release(false);
    return result;
  } catch (error) {
    // Also where the server has said what is wrong: it may be about to end the session.
    release(true);
    throw error;
  } finally {
    cut?.removeEventListener('abort', onCut);
    client.removeListener('error', onError);
  }
}
