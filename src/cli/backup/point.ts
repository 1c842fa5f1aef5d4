/** Which backup, and up to which time: what an operator asked for, or why it cannot be had. */
import { ConfigError } from '../../platform/errors.js';
import type { Micros } from '../../platform/time.js';
import { formatMicros } from '../../platform/time.js';
import type { FoundBackup } from './manifest.js';
import { consistentAt } from './manifest.js';
import type { ShardReach } from './reach.js';
import { reachOf } from './reach.js';

export interface Point {
  readonly backup: FoundBackup;
  readonly reach: readonly ShardReach[];
  /** Every shard is restored to this time, included. */
  readonly target: Micros;
  /** The latest that all shards could be restored to. */
  readonly reachedAt: Micros;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,6}))?(?:Z|[+-]\d\d:\d\d)$/;

/** @throws ConfigError where it is no time of RFC 3339 with its zone */
export function parseTime(text: string, option = '--to'): Micros {
  const fraction = TIME.exec(text);
  const ms = fraction === null ? Number.NaN : Date.parse(text.replace(/\.\d+/, ''));
  if (Number.isNaN(ms)) {
    throw new ConfigError(`${option}: is "${text}", must be a time with its zone, such as 2030-01-31T16:20:00Z`);
  }
  return ms * 1000 + Number((fraction?.[1] ?? '').padEnd(6, '0'));
}

/** @throws ConfigError where the time is outside what is there */
export function choosePoint(backups: readonly FoundBackup[], asked: Micros | null): Point {
  const backup = backups.findLast(({ manifest }) => asked === null || consistentAt(manifest) <= asked);
  if (backup === undefined) {
    const first = backups[0];
    const since = first === undefined ? '' : `, ${formatMicros(consistentAt(first.manifest))}`;
    throw new ConfigError(`--to: lies before the end of the first backup${since}; there is nothing to go back from`);
  }
  const reach = reachOf(backup);
  const nearest = nearestOf(reach);
  if (asked !== null && asked > nearest.reached.at) {
    const why = nearest.missing === null ? '' : ` (the archive lacks its file ${nearest.missing})`;
    throw new ConfigError(
      `--to: lies after ${formatMicros(nearest.reached.at)}, up to which the archive has all of ${nearest.shard.name}${why}`,
    );
  }
  return { backup, reach, target: asked ?? nearest.reached.at, reachedAt: nearest.reached.at };
}

function nearestOf(reach: readonly ShardReach[]): ShardReach {
  return reach.reduce((nearest, other) => (other.reached.at < nearest.reached.at ? other : nearest));
}

/** One line a backup. */
export function describeBackups(backups: readonly FoundBackup[]): string {
  return backups
    .map((backup) => {
      const nearest = nearestOf(reachOf(backup));
      const hole = nearest.missing === null ? '' : `  (the archive of ${nearest.shard.name} lacks ${nearest.missing})`;
      return `${backup.folder}\n  restores to ${formatMicros(consistentAt(backup.manifest))} … ${formatMicros(nearest.reached.at)}${hole}\n`;
    })
    .join('');
}
