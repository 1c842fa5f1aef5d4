/**
 * `millrace restore`: makes a new data folder from a backup and the archived log, every shard and the control log as of
 * one and the same time.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../platform/config/config.js';
import { ConfigError, DataFolderHeldError, EmbeddedServerError } from '../platform/errors.js';
import { callEngine, openLock } from '../platform/lock.js';
import type { Log } from '../platform/log.js';
import type { Micros } from '../platform/time.js';
import { formatMicros } from '../platform/time.js';
import { refuseUnfinished, UNFINISHED_NAME } from '../store/embedded/embedded.js';
import { syncFolder } from '../store/embedded/files.js';
import type { Place } from '../store/embedded/place.js';
import { canReach, findPlace, SHARED_FOLDER } from '../store/embedded/place.js';
import type { ClusterSource, Replayed, RestoredShard } from '../store/embedded/restore.js';
import { beginIncarnation, copyBack, replayTo } from '../store/embedded/restore.js';
import { seconds } from './backup/figures.js';
import type { FoundBackup } from './backup/manifest.js';
import { findBackups } from './backup/manifest.js';
import { restoreOtherFiles } from './backup/other-files.js';
import type { Point } from './backup/point.js';
import { choosePoint, describeBackups, parseTime } from './backup/point.js';
import { requireEmbedded } from './backup.js';
import type { CommandIo } from './io.js';
import { ExitCode } from './serve/exit-codes.js';

export interface RestoreRequest {
  /** An archive, or one backup; null: the archive of the configuration. */
  readonly from: string | null;
  /** RFC 3339; null: as late as can be. */
  readonly to: string | null;
  /** Says what could be restored, and does nothing. */
  readonly list: boolean;
}

/** @returns the exit code */
export async function restoreCommand(
  request: RestoreRequest,
  config: Config,
  io: CommandIo,
  log: Log,
): Promise<number> {
  requireEmbedded(config, 'restore');
  const from = request.from === null ? config.backup.archive : resolve(request.from);
  if (from === null) throw new ConfigError('say where from: millrace restore FOLDER, or set backup.archive');
  const begunAt = Date.now();
  const begun = performance.now();
  const backups = findBackups(from);
  if (request.list) {
    io.stdout.write(describeBackups(backups));
    return ExitCode.ok;
  }
  const point = choosePoint(backups, request.to === null ? null : parseTime(request.to));
  checkNames(config, point.backup);
  await checkEmpty(config.dataDir);
  const shards = await restoreInto(config.dataDir, point, log);
  report(io, config.dataDir, point, shards, begunAt, performance.now() - begun);
  return ExitCode.ok;
}

function checkNames(config: Config, { folder, manifest }: FoundBackup): void {
  const wanted = config.shards.map(({ name }) => name);
  const found = manifest.shards.map(({ name }) => name);
  if (wanted.join() === found.join()) return;
  throw new ConfigError(
    `${folder} holds ${found.join(', ')} and the configuration names ${wanted.join(', ')}; name the same shards`,
  );
}

async function checkEmpty(folder: string): Promise<void> {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  const isRunning = await callEngine(folder, { do: 'engine.status' }).then(
    () => true,
    () => false,
  );
  if (isRunning) throw new DataFolderHeldError(`an engine is running on ${folder}; a restore needs an empty folder`);
  refuseUnfinished(folder);
  throw new EmbeddedServerError(`${folder} is not empty; move it away, or name another folder in data_dir`);
}

/** All or nothing: what a restore that failed has made is removed; after a kill, a file in it keeps engines away. */
async function restoreInto(dataDir: string, point: Point, log: Log): Promise<readonly RestoredShard[]> {
  const existed = existsSync(dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(dataDir, UNFINISHED_NAME), 'A restore into this folder has not ended.\n', { flag: 'wx' });
  const lock = await openLock(dataDir);
  let place: Place | null = null;
  try {
    place = await findPlace(lock.folder, SHARED_FOLDER, log);
    const shards = await restoreShards(place, point, log);
    await restoreOtherFiles(join(point.backup.folder, 'files'), point.backup.manifest.files, dataDir);
    rmSync(join(dataDir, UNFINISHED_NAME));
    syncFolder(dataDir);
    await lock.close();
    return shards;
  } catch (error) {
    await lock.close();
    if (place !== null) rmSync(place.folder, { recursive: true, force: true });
    if (existed) for (const name of readdirSync(dataDir)) rmSync(join(dataDir, name), { recursive: true });
    else rmSync(dataDir, { recursive: true });
    throw error;
  }
}

async function restoreShards(place: Place, { backup, target, reach }: Point, log: Log): Promise<RestoredShard[]> {
  const sources = reach.map(
    ({ shard, walFolder, reached }): ClusterSource => ({
      name: shard.name,
      copy: join(backup.folder, shard.name),
      files: shard.files,
      folders: shard.folders,
      walFolder,
      lastWal: reached.wal,
      segmentBytes: shard.segmentBytes,
    }),
  );
  for (const { walFolder } of sources) {
    if (walFolder === null || place.user === null || canReach(walFolder, place.user)) continue;
    throw new EmbeddedServerError(
      `the user that runs Postgres (uid ${place.user.uid}) cannot enter ${walFolder}; let it in, or copy the archive to where it can`,
    );
  }
  const results = await Promise.allSettled(
    sources.map(async (source) => {
      await copyBack(source, place);
      return withServer(await replayTo(target, source, place, log), beginIncarnation);
    }),
  );
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

async function withServer<T>(server: Replayed, use: (url: string) => Promise<T>): Promise<T> {
  try {
    return await use(server.url);
  } finally {
    await server.stop();
  }
}

function report(
  io: CommandIo,
  dataDir: string,
  { backup, target, reach, reachedAt }: Point,
  shards: readonly RestoredShard[],
  begunAt: number,
  tookMs: number,
): void {
  const lines = [`restored ${dataDir} to ${formatMicros(target)}, from ${backup.folder}`];
  for (const [index, { shard, reached }] of reach.entries()) {
    const { position = 0, recordedAt = null } = shards[index] ?? {};
    const last = recordedAt === null ? 'no record' : `position ${position}, recorded ${formatMicros(recordedAt)}`;
    const further = reached.at > target ? `; its archive goes on to ${formatMicros(reached.at)}` : '';
    lines.push(`  ${shard.name}  ends with ${last}${further}`);
  }
  lines.push(`  RPO ${seconds(ageMs(target, begunAt))}: what was answered after this time is not here`);
  lines.push(`  RTO ${seconds(tookMs)}: from the command to databases that are ready to start`);
  if (reachedAt - target > SAID_FROM_MICROS)
    lines.push(`  of that, ${seconds((reachedAt - target) / 1000)} are archived and were left out as asked`);
  lines.push('next: millrace verify, then millrace serve, then millrace backup: this is a new history');
  io.stdout.write(`${lines.join('\n')}\n`);
}

/** A shorter rest is no choice of the operator's. */
const SAID_FROM_MICROS = 100_000;

const ageMs = (at: Micros, nowMs: number): number => Math.max(0, nowMs - at / 1000);
