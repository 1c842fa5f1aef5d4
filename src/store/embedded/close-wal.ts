/** Closes the file that a server writes its log to. */
import type pg from 'pg';
import type { Reached } from './archive.js';

/**
 * What was answered before `at` stands in the files up to `wal`. Where nothing was written since the last time, no file
 * is closed, and `wal` is the one before.
 */
export async function closeWal(client: pg.Client): Promise<Reached> {
  // The clock first: a commit that is answered before it has been written before the file is closed.
  const { rows: clock } = await client.query<{ at: string }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8::text AS at',
  );
  const { rows } = await client.query<{ wal: string }>('SELECT pg_walfile_name(pg_switch_wal() - 1) AS wal');
  return { at: Number(clock[0]?.at), wal: rows[0]?.wal ?? '' };
}
