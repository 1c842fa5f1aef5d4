/** `millrace backup`: a copy of the embedded databases and of the data folder's other files, with the engine running. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../platform/config/config.js';
import { ConfigError, EngineNotRunningError } from '../platform/errors.js';
import type { Log } from '../platform/log.js';
import { formatMicros } from '../platform/time.js';
import { VERSION } from '../platform/version.js';
import { historyOf } from '../store/embedded/archive.js';
import { ClusterBackup } from '../store/embedded/backup.js';
import { locateHomes } from '../store/embedded/embedded.js';
import { syncFolder } from '../store/embedded/files.js';
import { megabytes, seconds } from './backup/figures.js';
import type { BackedUpShard, Manifest } from './backup/manifest.js';
import { BACKUPS_NAME, backupName, consistentAt, UNFINISHED, writeManifest } from './backup/manifest.js';
import { copyOtherFiles } from './backup/other-files.js';
import { prune } from './backup/prune.js';
import { openServers } from './databases.js';
import type { CommandIo } from './io.js';
import { ExitCode } from './serve/exit-codes.js';

export interface BackupRequest {
  /** Where to; null: the archive of the configuration. */
  readonly to: string | null;
  /** How many backups stay, this one included; null: all. */
  readonly keep: number | null;
  /** The control log is in a database of its own, and the operator knows that it is not in the backup. */
  readonly withoutControl: boolean;
}

/** @returns the exit code */
export async function backupCommand(request: BackupRequest, config: Config, io: CommandIo, log: Log): Promise<number> {
  requireEmbedded(config, 'backup');
  const root = request.to === null ? config.backup.archive : resolve(request.to);
  if (root === null) throw new ConfigError('say where to: millrace backup --to FOLDER, or set backup.archive');
  if (`${root}/`.startsWith(`${config.dataDir}/`)) {
    throw new ConfigError(
      `${root} is in data_dir, and a backup is there for the loss of data_dir; name another folder`,
    );
  }
  if (config.control.url !== null && !request.withoutControl) {
    throw new ConfigError(
      'control.url: merchants and API keys are in a database of its own, which is not copied; have it backed up by its own means, and say --without-control',
    );
  }
  const begun = performance.now();
  const servers = await openServers(config, log);
  try {
    const homes = locateHomes(config.dataDir, Object.keys(servers.urls));
    if (homes === null) throw new EngineNotRunningError(`there are no databases in ${config.dataDir}`);
    const startedAt = Date.now() * 1000;
    const folder = join(root, BACKUPS_NAME, backupName(startedAt));
    const draft = folder + UNFINISHED;
    mkdirSync(root, { recursive: true, mode: 0o755 });
    mkdirSync(join(root, BACKUPS_NAME), { recursive: true, mode: 0o700 });
    mkdirSync(draft, { mode: 0o700 });
    const archived = root === config.backup.archive;
    let manifest: Manifest;
    try {
      const shards = await copyShards(servers.urls, homes, draft, archived);
      const files = await copyOtherFiles(config.dataDir, join(draft, 'files'));
      manifest = { version: 1, millrace: VERSION, startedAt, shards, files };
      writeManifest(draft, manifest);
      renameSync(draft, folder);
    } catch (error) {
      // Most likely there was no room, and what is archived beside it needs what there is.
      rmSync(draft, { recursive: true, force: true });
      throw error;
    }
    syncFolder(join(root, BACKUPS_NAME));
    report(io, folder, manifest, performance.now() - begun, archived);
    if (request.keep !== null) {
      const { backups, walFiles } = prune(root, request.keep);
      io.stdout.write(`  removed: ${backups} older backups, ${walFiles} files of the log that only they needed\n`);
    }
    return ExitCode.ok;
  } finally {
    await servers.close();
  }
}

/** @throws ConfigError where the databases are not Millrace's to copy */
export function requireEmbedded({ store }: Config, command: string): void {
  if (store.kind === 'embedded') return;
  const instead =
    store.kind === 'postgres'
      ? 'your servers have means of their own, such as pg_basebackup and continuous archiving'
      : 'stop the engine and copy data_dir';
  throw new ConfigError(`${command} is for embedded servers, and store.kind is "${store.kind}": ${instead}`);
}

async function copyShards(
  urls: Readonly<Record<string, string>>,
  homes: Readonly<Record<string, string>>,
  draft: string,
  archived: boolean,
): Promise<readonly BackedUpShard[]> {
  const names = Object.keys(urls);
  const backups: ClusterBackup[] = [];
  try {
    for (const name of names) {
      backups.push(await ClusterBackup.start(urls[name] ?? '', join(homes[name] ?? '', 'data'), join(draft, name)));
    }
    await Promise.all(backups.map((backup) => backup.copy()));
    // Only now, so that there is a time that every shard's log goes up to and every shard's copy lies before.
    const copies = await Promise.all(backups.map((backup) => backup.finish()));
    return copies.map((copy, index) => {
      const name = names[index] ?? '';
      return { name, history: archived ? historyOf(homes[name] ?? '') : null, ...copy };
    });
  } finally {
    for (const backup of backups) await backup.close();
  }
}

function report(io: CommandIo, folder: string, manifest: Manifest, tookMs: number, archived: boolean): void {
  const bytes = manifest.shards.flatMap(({ files }) => files).reduce((sum, file) => sum + file.bytes, 0);
  const from = formatMicros(consistentAt(manifest));
  const to = formatMicros(Math.min(...manifest.shards.map(({ reached }) => reached.at)));
  io.stdout.write(`${folder}\n`);
  io.stdout.write(`  ${manifest.shards.length} shards, ${megabytes(bytes)} in ${seconds(tookMs)}\n`);
  io.stdout.write(
    archived
      ? `  restores to any time from ${from} on, as far as the archive has come\n`
      : `  restores to ${to}; later times need an archive (backup.archive)\n`,
  );
}
