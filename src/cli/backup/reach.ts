/** Up to when a backup can be restored: as far as the archived log goes on from it without a hole. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Reached } from '../../store/embedded/archive.js';
import { archivePlaceOf, readReached } from '../../store/embedded/archive.js';
import { walNames } from '../../store/embedded/wal.js';
import type { BackedUpShard, FoundBackup } from './manifest.js';

export interface ShardReach {
  readonly shard: BackedUpShard;
  readonly reached: Reached;
  /** Where the archived log is; null: there is none that goes on from the backup. */
  readonly walFolder: string | null;
  /** A file that the archive lacks. */
  readonly missing: string | null;
}

export function reachOf(backup: FoundBackup): readonly ShardReach[] {
  return backup.manifest.shards.map((shard) => reachOfShard(backup, shard));
}

function reachOfShard({ archive }: FoundBackup, shard: BackedUpShard): ShardReach {
  const own: ShardReach = { shard, reached: shard.reached, walFolder: null, missing: null };
  if (archive === null || shard.history === null) return own;
  const place = archivePlaceOf(archive, shard.name, shard.history);
  const archived = readReached(place);
  if (archived === null || archived.at <= shard.reached.at) return own;
  const missing = walNames(shard.startWal, archived.wal, shard.segmentBytes).find(
    (name) => name > shard.reached.wal && !existsSync(join(place.wal, name)),
  );
  if (missing !== undefined) return { ...own, missing };
  return { shard, reached: archived, walFolder: place.wal, missing: null };
}
