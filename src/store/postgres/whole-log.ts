/**
 * A shard's database as if nothing had been detached: one session in which `log` is the table and the files together.
 * For proofs; needs room for the files' content in the database's temporary files.
 */
import { createReadStream, existsSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { messageOf } from '../../platform/errors.js';
import { LOG_COLUMN_LIST } from '../copy/columns.js';
import { DetachedFileError, StoreUnavailableError } from '../errors.js';
import { LockClass } from '../migrate.js';
import { SCHEMA } from '../session.js';
import type { Sql, SqlRow } from '../sql.js';
import type { ConnectOptions } from './connect.js';
import { asStoreError, clientConfig } from './connect.js';
import { chainOf, hashOf } from './detach.js';
import { sessionOf } from './session.js';

/** @throws DetachedFileError where a file is not what it was, StoreUnavailableError where it is missing */
export async function openWholeLog(options: ConnectOptions): Promise<Sql> {
  const client = new pg.Client(clientConfig(options));
  client.on('error', () => undefined);
  await client.connect().catch((error: unknown) => {
    throw asStoreError(error);
  });
  try {
    await attachFiles(client);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  const session = sessionOf(client);
  return { query: session.query, copyOut: session.copyOut, close: session.close };
}

async function attachFiles(client: pg.Client): Promise<void> {
  const { rows: known } = await client.query<SqlRow>(`SELECT to_regclass('detached') IS NOT NULL AS there`);
  if (known[0]?.there !== true) return;
  // Until the session ends: what is detached meanwhile would be missing from a proof.
  await client.query('SELECT pg_advisory_lock_shared($1, hashtext($2))', [LockClass.detach, SCHEMA]);
  const { rows: files } = await client.query<SqlRow>(
    'SELECT partition, first_position, end_position, records, file, sha256, chain FROM detached ORDER BY partition',
  );
  if (files.length === 0) return;
  await client.query(`CREATE TEMP TABLE detached_log (LIKE ${SCHEMA}.log)`);
  let chain = '';
  for (const row of files) {
    const file = String(row.file);
    chain = chainOf(chain, String(row.sha256), Number(row.first_position), Number(row.end_position));
    if (chain !== row.chain) throw new DetachedFileError(`the chain of detached files is broken at ${file}`);
    await loadDetached(client, file, String(row.sha256), Number(row.records));
  }
  const end = Number(files.at(-1)?.end_position);
  await client.query('ANALYZE detached_log');
  await compareKept(client, 0, end);
  // A session's temporary names come before the schema's.
  await client.query(
    `CREATE TEMP VIEW log AS SELECT ${LOG_COLUMN_LIST} FROM detached_log
     UNION ALL SELECT ${LOG_COLUMN_LIST} FROM ${SCHEMA}.log WHERE position >= ${end}`,
  );
}

/** Reads a file into the session's table `detached_log`. @throws StoreUnavailableError, DetachedFileError */
export async function loadDetached(client: pg.Client, file: string, sha256: string, records: number): Promise<void> {
  if (!existsSync(file)) throw new StoreUnavailableError(`${file}, in which a part of the log stands, is not there`);
  const found = await hashOf(file).catch((error: unknown) => {
    throw new StoreUnavailableError(`${file}, in which a part of the log stands: ${messageOf(error)}`, {
      cause: error,
    });
  });
  if (found !== sha256) throw new DetachedFileError(`${file} is not what it was when it was written`);
  const copy = client.query(copyFrom(`COPY detached_log (${LOG_COLUMN_LIST}) FROM STDIN (FORMAT binary)`));
  // The file is what it was, so what fails here is the database: its disk is full, or it is gone.
  await pipeline(createReadStream(file), copy).catch((error: unknown) => {
    throw asStoreError(error);
  });
  if (copy.rowCount !== records) throw new DetachedFileError(`${file} does not hold ${records} records`);
}

/** What stayed in the table must be what the files in `detached_log` say. @param end exclusive */
export async function compareKept(client: pg.Client, first: number, end: number): Promise<void> {
  const { rows } = await client.query<SqlRow>(
    `SELECT l.position FROM ${SCHEMA}.log l LEFT JOIN detached_log d ON d.position = l.position
      WHERE l.position >= ${first} AND l.position < ${end} AND (d.position IS NULL OR row(${prefixed('l')})::text <> row(${prefixed('d')})::text)
      ORDER BY 1 LIMIT 1`,
  );
  const position = rows[0]?.position;
  if (position === undefined) return;
  throw new DetachedFileError(`position ${String(position)} stands in the table otherwise than in its detached file`);
}

const prefixed = (of: string): string =>
  LOG_COLUMN_LIST.split(', ')
    .map((column) => `${of}.${column}`)
    .join(', ');
