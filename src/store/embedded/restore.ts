/** Makes a server's data directory from a backup, and lets Postgres replay the log up to a chosen time. */
import { chownSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { EmbeddedServerError } from '../../platform/errors.js';
import type { Log } from '../../platform/log.js';
import { formatMicros } from '../../platform/time.js';
import { shellQuote } from './archive.js';
import type { CopiedFile } from './backup.js';
import type { Cluster } from './cluster.js';
import { openCluster, urlOf, writeOwned } from './cluster.js';
import { copyDurably, syncFolder, useAll } from './files.js';
import type { Place } from './place.js';
import { makeFolder } from './place.js';
import { PostgresServer } from './server.js';
import { defaultSettings } from './settings.js';
import { endOf, fileAt, isWalName, parseLsn } from './wal.js';

export interface ClusterSource {
  readonly name: string;
  /** The backup's copy of the data directory. */
  readonly copy: string;
  readonly files: readonly CopiedFile[];
  readonly folders: readonly string[];
  /** Where the archived log is; null: what the backup has of it must do. */
  readonly walFolder: string | null;
  /** Nothing after this file is read. It was closed when it was archived: it is full, or has nothing more in it. */
  readonly lastWal: string;
  readonly segmentBytes: number;
}

/** Copies the files into a new data directory; each must be what the backup's list says. */
export async function copyBack(source: ClusterSource, place: Place): Promise<void> {
  const home = makeFolder(join(place.folder, source.name), place.user);
  const draft = makeFolder(join(home, 'data.new'), place.user);
  const { user } = place;
  for (const folder of source.folders) {
    mkdirSync(join(draft, folder), { mode: 0o700 });
    if (user !== null) chownSync(join(draft, folder), user.uid, user.gid);
  }
  await useAll(source.files, async ({ path, bytes, sha256 }) => {
    const target = join(draft, path);
    const copied = await copyDurably(join(source.copy, path), target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      throw new EmbeddedServerError(`the backup is damaged: ${join(source.copy, path)} is missing`);
    });
    if (copied.bytes !== bytes || copied.sha256 !== sha256) {
      throw new EmbeddedServerError(`the backup is damaged: ${join(source.copy, path)} is not what it was`);
    }
    if (user !== null) chownSync(target, user.uid, user.gid);
  });
  // By this file a start replays the log of the archive; Postgres removes it at the target.
  writeOwned(join(draft, 'recovery.signal'), '', place);
  for (const folder of source.folders) syncFolder(join(draft, folder));
  syncFolder(draft);
  renameSync(draft, join(home, 'data'));
  syncFolder(home);
}

export interface Replayed {
  readonly url: string;
  /** Ends the server, which works as ever until then. */
  stop(): Promise<void>;
}

const ENDED_BEFORE = /recovery ended before configured recovery target/;

/** Replays the log up to `target` (µs, included) and starts the server as one of its own from there. */
export async function replayTo(target: number, source: ClusterSource, place: Place, log: Log): Promise<Replayed> {
  const cluster = await openCluster(place, source.name);
  const settings = { ...defaultSettings(1), ...recoverySettings(source), archive_mode: 'off' };
  const toTarget = {
    recovery_target_time: formatMicros(target).replace('T', ' ').replace('Z', '+00'),
    recovery_target_action: 'promote',
  };
  try {
    return await start(cluster, place, { ...settings, ...toTarget }, log);
  } catch (error) {
    // Nothing was written after the target: then all that there is belongs to it.
    if (!(error instanceof EmbeddedServerError) || !ENDED_BEFORE.test(error.message)) throw error;
    const server = await start(cluster, place, settings, log);
    try {
      mustHaveReadAll(cluster, source);
      return server;
    } catch (lacking) {
      await server.stop();
      throw lacking;
    }
  }
}

/**
 * Postgres takes a file that it cannot get, and a record in it that is damaged, for the end of the log. Where that is said by
 * the history of the timeline that a recovery begins: https://www.postgresql.org/docs/current/continuous-archiving.html
 *
 * @throws EmbeddedServerError where it ended before what was archived
 */
function mustHaveReadAll(cluster: Cluster, { walFolder, lastWal, segmentBytes, copy }: ClusterSource): void {
  const folder = join(cluster.data, 'pg_wal');
  const newest = readdirSync(folder)
    .filter((name) => /^[0-9A-F]{8}\.history$/.test(name))
    .sort()
    .at(-1);
  const lines = newest === undefined ? [] : readFileSync(join(folder, newest), 'utf8').trim().split('\n');
  const [, place = ''] = (lines.at(-1) ?? '').split('\t');
  const end = parseLsn(place);
  if (end >= endOf(lastWal, segmentBytes)) return;
  const file = join(walFolder ?? join(copy, 'pg_wal'), fileAt(end, lastWal, segmentBytes));
  throw new EmbeddedServerError(
    `the log could be read up to ${place} only, and was archived up to the end of ${lastWal}: ${file} is damaged, or the user that runs Postgres cannot read it`,
  );
}

function recoverySettings({ walFolder, lastWal }: ClusterSource): Readonly<Record<string, string>> {
  if (!isWalName(lastWal)) throw new EmbeddedServerError(`${lastWal} is no name of a file of the write-ahead log`);
  // What lies in the data directory already is read where this finds nothing.
  const command =
    walFolder === null
      ? 'false'
      : `[ ! "%f" \\> ${lastWal} ] && cp ${shellQuote(walFolder).replaceAll('%', '%%')}/%f "%p" 2>/dev/null`;
  return {
    restore_command: command,
    recovery_target_timeline: 'current',
    // So that the first connection that is let in finds it at its target, and not on the way.
    hot_standby: 'off',
  };
}

async function start(
  cluster: Cluster,
  place: Place,
  settings: Readonly<Record<string, string>>,
  log: Log,
): Promise<Replayed> {
  const server = new PostgresServer({ place, cluster, settings, log });
  await server.start();
  return { url: urlOf(cluster), stop: () => server.stop() };
}

export interface RestoredShard {
  /** The last record of its log; 0 where it has none. */
  readonly position: number;
  /** When that was recorded, µs; null where it has none. */
  readonly recordedAt: number | null;
  readonly incarnation: number;
}

/** Makes the ledger a new incarnation: tokens, cursors and ids of what is gone are known from then on. */
export async function beginIncarnation(url: string): Promise<RestoredShard> {
  const client = new pg.Client({ connectionString: url, application_name: 'millrace-restore' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows: shard } = await client.query<{ incarnation: number | null }>(
      'SELECT millrace.begin_incarnation() AS incarnation',
    );
    const { rows: last } = await client.query<{ position: string; at: string }>(
      `SELECT position, (extract(epoch FROM recorded_at) * 1000000)::int8::text AS at
         FROM millrace.log ORDER BY position DESC LIMIT 1`,
    );
    const incarnation = shard[0]?.incarnation;
    if (incarnation === undefined || incarnation === null)
      throw new EmbeddedServerError('the database that was restored holds no shard');
    const record = last[0];
    return {
      incarnation,
      position: Number(record?.position ?? 0),
      recordedAt: record === undefined ? null : Number(record.at),
    };
  } finally {
    await client.end().catch(() => undefined);
  }
}
