/** Brings partitions of a shard's log back from their files: what `detach` does, undone, newest first. */
import { basename, join } from 'node:path';
import pg from 'pg';
import { LOG_COLUMN_LIST } from '../copy/columns.js';
import { DetachedFileError } from '../errors.js';
import type { SqlRow } from '../sql.js';
import { clientConfig } from './connect.js';
import { chainOf, KEPT_KINDS, lockOut } from './detach.js';
import { compareKept, loadDetached } from './whole-log.js';

export interface AttachOptions {
  readonly url: string;
  /** Partitions whose last record is not older, µs. */
  readonly since: number;
  /** Where the files are now; null: where they were written to. */
  readonly folder: string | null;
  /** Told of each as it is done: what is done stays done, whatever becomes of the next. */
  readonly done: (one: AttachedPartition) => void;
}

export interface AttachedPartition {
  readonly partition: number;
  readonly records: number;
  readonly file: string;
}

/**
 * Each partition is one transaction: it is in the table, or still in its file. The files stay where they are.
 * @throws StoreUnavailableError where a file is not there, or a proof reads the log
 * @throws DetachedFileError where a file is not what was written
 */
export async function attachSince(options: AttachOptions): Promise<void> {
  const client = new pg.Client(clientConfig({ url: options.url, applicationName: 'millrace-attach' }));
  client.on('error', () => undefined);
  await client.connect();
  try {
    await lockOut(client);
    for (;;) {
      const newest = await newestDetached(client, options.since);
      if (newest === null) return;
      options.done(await attachOne(client, newest, options.folder));
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function newestDetached(client: pg.Client, since: number): Promise<SqlRow | null> {
  const { rows } = await client.query<SqlRow>(
    `SELECT d.*, coalesce(b.chain, '') AS chain_before
       FROM detached d LEFT JOIN detached b ON b.partition = d.partition - 1
      WHERE d.partition = (SELECT max(x.partition) FROM detached x)
        AND d.last_at >= (timestamptz 'epoch' + $1::float8 * interval '1 microsecond')`,
    [since],
  );
  return rows[0] ?? null;
}

async function attachOne(client: pg.Client, row: SqlRow, folder: string | null): Promise<AttachedPartition> {
  const partition = Number(row.partition);
  const [first, end, records] = [Number(row.first_position), Number(row.end_position), Number(row.records)];
  const written = String(row.file);
  const file = folder === null ? written : join(folder, basename(written));
  const sha256 = String(row.sha256);
  if (chainOf(String(row.chain_before), sha256, first, end) !== row.chain) {
    throw new DetachedFileError(`the chain of detached files is broken at ${written}`);
  }
  await client.query('BEGIN');
  try {
    await client.query('CREATE TEMP TABLE detached_log (LIKE log) ON COMMIT DROP');
    await loadDetached(client, file, sha256, records);
    await client.query('ANALYZE detached_log');
    await compareKept(client, first, end);
    await client.query(
      `INSERT INTO log_p${partition} (${LOG_COLUMN_LIST})
       SELECT ${LOG_COLUMN_LIST} FROM detached_log WHERE kind NOT IN ${KEPT_KINDS} ORDER BY position`,
    );
    const { rowCount } = await client.query(
      `DELETE FROM detached WHERE partition = $1 AND (SELECT count(*) FROM log_p${partition}) = $2::int8`,
      [partition, records],
    );
    if (rowCount !== 1) throw new Error(`partition ${partition} does not hold ${records} records: run millrace verify`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
  await client.query(`ANALYZE log_p${partition}`);
  return { partition, records, file };
}
