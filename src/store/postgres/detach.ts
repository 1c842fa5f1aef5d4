/**
 * Moves old partitions of a shard's log into files, oldest first. A file holds all records of its partition, as binary
 * COPY writes them; each file's entry in the table `detached` is chained to the one before, so that none of them can be
 * exchanged unseen. What every start and every reading needs stays in the table.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { messageOf } from '../../platform/errors.js';
import { LOG_COLUMN_LIST } from '../copy/columns.js';
import { syncFolder, writeAll } from '../embedded/files.js';
import { DetachedFileError, StoreUnavailableError } from '../errors.js';
import { LockClass } from '../migrate.js';
import { SCHEMA } from '../session.js';
import type { SqlRow } from '../sql.js';
import { clientConfig } from './connect.js';

export interface DetachOptions {
  readonly url: string;
  /** Where the files go; made when it is needed. */
  readonly folder: string;
  /** Only partitions whose last record is older, µs. */
  readonly before: number;
  /** Told of each as it is done: what is done stays done, whatever becomes of the next. */
  readonly done: (one: DetachedPartition) => void;
}

export interface DetachedPartition {
  readonly partition: number;
  readonly records: number;
  readonly bytes: number;
  readonly file: string;
  /** Why the table still has the space of what is gone; null where it has given it back. */
  readonly spaceKept: string | null;
}

/** Accounts' openings and settings, books, configuration. */
export const KEPT_KINDS = '(9, 10, 11, 12, 15, 16)';
/** A commit that waits longer than this for a lock would be noticed; then it is tried again. */
const LOCK_MS_MAX = 500;
const LOCK_ATTEMPTS = 20;

/** @returns why the next partition stays, for a person; null where there is none that is old enough */
export async function detachOld(options: DetachOptions): Promise<string | null> {
  const client = new pg.Client(clientConfig({ url: options.url, applicationName: 'millrace-detach' }));
  client.on('error', () => undefined);
  await client.connect();
  try {
    await lockOut(client);
    for (;;) {
      const next = await nextPartition(client, options.before);
      if (next === null || next.obstacle !== null) return next?.obstacle ?? null;
      options.done(await detachOne(client, next, options.folder));
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** @throws StoreUnavailableError while a proof reads the whole log, or another program detaches */
export async function lockOut(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, hashtext($2)) AS taken', [
    LockClass.detach,
    SCHEMA,
  ]);
  if (rows[0]?.taken === true) return;
  throw new StoreUnavailableError(
    'a verify is reading the log, or another detach or attach is running; try again when it has ended',
  );
}

interface Next {
  readonly partition: number;
  readonly first: number;
  readonly end: number;
  /** Of the file before; empty for the first. */
  readonly chain: string;
  readonly shard: string;
  readonly logId: number;
  readonly obstacle: string | null;
}

async function nextPartition(client: pg.Client, before: number): Promise<Next | null> {
  const { rows } = await client.query<SqlRow>(
    `SELECT p.number, p.first_position, p.end_position, s.name, s.log_id, coalesce(d.chain, '') AS chain,
            CASE WHEN p.end_position > f.position + 1 THEN 'the folds have not passed it yet'
                 WHEN p.end_position > (SELECT max(b.prev) FROM batch b) + 1 THEN 'the newest batch reaches into it'
                 WHEN NOT p.keys_indexed THEN 'its keys are not indexed yet'
                 WHEN EXISTS (SELECT FROM key_filter k WHERE k.partition = p.number AND k.last_expires_at >= now())
                   THEN 'its keys are still remembered (keys.window)'
                 WHEN EXISTS (SELECT FROM hold h WHERE h.position < p.end_position) THEN 'a hold of it is still open' END AS obstacle
       FROM shard s, fold f, log_partition p
       LEFT JOIN detached d ON d.partition = p.number - 1
      WHERE f.name = 'balances' AND p.closed AND p.last_at < (timestamptz 'epoch' + $1::float8 * interval '1 microsecond')
        AND p.number = (SELECT coalesce(max(x.partition) + 1, 0) FROM detached x)`,
    [before],
  );
  const row = rows[0];
  if (row === undefined) return null;
  const partition = Number(row.number);
  const obstacle = row.obstacle === null ? null : `partition ${partition} stays: ${String(row.obstacle)}`;
  return {
    partition,
    first: Number(row.first_position),
    end: Number(row.end_position),
    chain: String(row.chain),
    shard: String(row.name),
    logId: Number(row.log_id),
    obstacle,
  };
}

/** The file is on the disk before anything is removed. */
async function detachOne(client: pg.Client, next: Next, folder: string): Promise<DetachedPartition> {
  const { partition, first, end } = next;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${next.shard}-${next.logId}-${String(partition).padStart(6, '0')}.copy`);
  const { bytes, sha256 } = await writeFile(client, partition, file);
  const chain = chainOf(next.chain, sha256, first, end);
  const records = end - first;
  await client.query('BEGIN');
  try {
    const { rowCount } = await client.query(
      `INSERT INTO detached (partition, first_position, end_position, last_at, records, file, sha256, chain)
       SELECT $1, $2, $3, l.recorded_at, count.records, $4, $5, $6
         FROM (SELECT count(*) AS records FROM log_p${partition}) count, log_p${partition} l
        WHERE l.position = $3::int8 - 1 AND count.records = $3::int8 - $2::int8`,
      [partition, first, end, file, sha256, chain],
    );
    if (rowCount !== 1) throw new Error(`partition ${partition} does not hold ${records} records: run millrace verify`);
    await client.query(`DELETE FROM log_p${partition} WHERE kind NOT IN ${KEPT_KINDS}`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
  return { partition, records, bytes, file, spaceKept: await giveSpaceBack(client, partition) };
}

/** Over which a file cannot be exchanged: the chain before it, its content, its place. */
export const chainOf = (before: string, sha256: string, first: number, end: number): string =>
  createHash('sha256').update(`${before} ${sha256} ${first} ${end}`).digest('hex');

async function writeFile(client: pg.Client, partition: number, file: string) {
  const draft = `${file}.draft`;
  rmSync(draft, { force: true });
  const target = await open(draft, 'wx', 0o600);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const rows = `SELECT ${LOG_COLUMN_LIST} FROM log_p${partition} ORDER BY position`;
    for await (const chunk of client.query(copyTo(`COPY (${rows}) TO STDOUT (FORMAT binary)`))) {
      hash.update(chunk as Buffer);
      await writeAll(target, chunk as Buffer, bytes);
      bytes += (chunk as Buffer).length;
    }
    await target.sync();
  } finally {
    await target.close();
  }
  const sha256 = hash.digest('hex');
  // Nothing else will have these records when they are removed: what is in the file is looked at, not what was sent to it.
  if ((await hashOf(draft)) !== sha256)
    throw new StoreUnavailableError(`${draft} does not hold what was written to it`);
  // A run that was killed before the table knew of it has left the same; anything else belongs to another history.
  if (existsSync(file) && (await hashOf(file)) !== sha256) {
    rmSync(draft);
    throw new DetachedFileError(`${file} is there with another content; name another folder`);
  }
  renameSync(draft, file);
  syncFolder(join(file, '..'));
  return { bytes, sha256 };
}

/** Of a file's content, hex. */
export async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Written anew without what is gone: it keeps what an older snapshot may still have to see. @returns why that failed */
async function giveSpaceBack(client: pg.Client, partition: number): Promise<string | null> {
  await client.query(`SET lock_timeout = ${LOCK_MS_MAX}`);
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(`VACUUM (FULL, ANALYZE) log_p${partition}`);
      return null;
    } catch (error) {
      const waited = (error as { readonly code?: string }).code === '55P03';
      // Space only: what is left over harms nothing.
      if (!waited || attempt === LOCK_ATTEMPTS) return messageOf(error);
    }
  }
}
