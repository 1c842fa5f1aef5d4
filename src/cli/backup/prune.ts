/** Removes backups of a ledger that are older than the newest few, and the archived log that only they needed. */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { archivePlaceOf } from '../../store/embedded/archive.js';
import type { FoundBackup } from './manifest.js';
import { listBackups, UNFINISHED } from './manifest.js';

/** Files of the log, and the notes that Postgres archives beside them when a backup has ended. */
const LOG_OR_LABEL = /^[0-9A-F]{24}(\.[0-9A-F]{8}\.backup)?$/;

export interface Pruned {
  readonly backups: number;
  readonly walFiles: number;
}

/**
 * Of the newest backup's ledger and history only: what was before a restore stays until somebody removes it by hand.
 * @param keep how many backups stay, at least 1
 */
export function prune(archive: string, keep: number): Pruned {
  const all = listBackups(archive);
  const newest = all.at(-1);
  if (newest === undefined) return { backups: 0, walFiles: 0 };
  const ours = all.filter((backup) => historiesOf(backup) === historiesOf(newest));
  const old = ours.slice(0, -keep);
  for (const { folder } of old) {
    // First made no backup: one that is half there must not be restored from.
    renameSync(folder, folder + UNFINISHED);
    rmSync(folder + UNFINISHED, { recursive: true });
  }
  const oldest = ours[old.length];
  return { backups: old.length, walFiles: oldest === undefined ? 0 : pruneWal(archive, oldest) };
}

const historiesOf = ({ manifest }: FoundBackup): string =>
  manifest.shards.map(({ name, ledger, history }) => `${name} ${ledger} ${history}`).join();

function pruneWal(archive: string, { manifest }: FoundBackup): number {
  let removed = 0;
  for (const { name, history, startWal } of manifest.shards) {
    if (history === null) continue;
    const { wal } = archivePlaceOf(archive, name, history);
    for (const file of existsSync(wal) ? readdirSync(wal) : []) {
      if (!LOG_OR_LABEL.test(file) || file.slice(0, startWal.length) >= startWal) continue;
      rmSync(join(wal, file));
      removed++;
    }
  }
  return removed;
}
