/** `backup.json`: what is in a backup, and what a restore has to know. Written last: without it there is no backup. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, EmbeddedServerError } from '../../platform/errors.js';
import type { Micros } from '../../platform/time.js';
import { formatMicros } from '../../platform/time.js';
import type { ClusterCopy, CopiedFile } from '../../store/embedded/backup.js';
import { writeWhole } from '../../store/embedded/files.js';

export interface BackedUpShard extends ClusterCopy {
  readonly name: string;
  /** Its part of the archive that the backup lies in; null where it was not archived there. */
  readonly history: string | null;
}

export interface OtherFile extends CopiedFile {
  readonly mode: number;
}

export interface Manifest {
  readonly version: 1;
  /** Of the program. */
  readonly millrace: string;
  readonly startedAt: Micros;
  readonly shards: readonly BackedUpShard[];
  /** Files of the data folder beside the databases, such as dev-key. */
  readonly files: readonly OtherFile[];
}

const MANIFEST_NAME = 'backup.json';
export const BACKUPS_NAME = 'backups';
export const UNFINISHED = '.unfinished';

/** Every shard can be restored to this time and to none before it. */
export const consistentAt = ({ shards }: Manifest): Micros => Math.max(...shards.map((shard) => shard.consistentAt));

/** Sorts by time, and every file system takes it. */
export const backupName = (at: Micros): string => `${formatMicros(at).slice(0, 23).replaceAll(':', '-')}Z`;

export function writeManifest(folder: string, manifest: Manifest): void {
  writeWhole(join(folder, MANIFEST_NAME), `${JSON.stringify(manifest)}\n`, null);
}

export interface FoundBackup {
  readonly folder: string;
  /** Where the archive of the log is, if there is one. */
  readonly archive: string | null;
  readonly manifest: Manifest;
}

/**
 * The backups of an archive, or the one that `folder` is; oldest first.
 * @throws ConfigError where there is none
 */
export function findBackups(folder: string): readonly FoundBackup[] {
  if (existsSync(join(folder, MANIFEST_NAME))) {
    const parent = join(folder, '..');
    const inArchive = parent.endsWith(`/${BACKUPS_NAME}`);
    return [{ folder, archive: inArchive ? join(parent, '..') : null, manifest: readManifest(folder) }];
  }
  const found = listBackups(folder);
  if (found.length === 0) throw new ConfigError(`there is no backup in ${folder}`);
  return found;
}

/** The backups of an archive, oldest first. */
export function listBackups(archive: string): readonly FoundBackup[] {
  const backups = join(archive, BACKUPS_NAME);
  const names = existsSync(backups) ? readdirSync(backups).sort() : [];
  return names
    .map((name) => join(backups, name))
    .filter((folder) => !folder.endsWith(UNFINISHED) && existsSync(join(folder, MANIFEST_NAME)))
    .map((folder) => ({ folder, archive, manifest: readManifest(folder) }));
}

function readManifest(folder: string): Manifest {
  const file = join(folder, MANIFEST_NAME);
  let manifest: Partial<Manifest>;
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8')) as Partial<Manifest>;
  } catch {
    throw new EmbeddedServerError(`the backup is damaged: ${file} cannot be read`);
  }
  if (manifest.version !== 1)
    throw new EmbeddedServerError(`${file} was made by a newer Millrace; restore with that one`);
  return manifest as Manifest;
}
