/**
 * The archive: every file of a server's write-ahead log, copied away by the server itself when it is full or when the
 * {@link ArchiveWatch} has closed it.
 *
 *     ARCHIVE/<shard>/<history>/wal/…          the files, the server's own
 *     ARCHIVE/<shard>/<history>/reached.json   up to when they hold everything
 *     ARCHIVE/backups/<time>/…                 see backup.ts
 *
 * A history is the life of one data directory, by a random name that lies beside it: a restored ledger begins a history
 * of its own, so that what came before is never overwritten, and can be gone back to again.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedServerError } from '../../platform/errors.js';
import type { Cluster } from './cluster.js';
import { writeWhole } from './files.js';
import type { Place } from './place.js';
import { canReach, makeFolder } from './place.js';
import { isWalName } from './wal.js';

/** Up to when an archive holds everything, and the last file that this needs. */
export interface Reached {
  /** µs, by the database's clock: all that was answered before it is there. */
  readonly at: number;
  readonly wal: string;
}

export interface ArchiveOptions {
  /** Absolute. */
  readonly folder: string;
  /** How often what was written is archived. */
  readonly intervalMs: number;
}

/** One server's part of an archive. */
export interface ArchivePlace {
  readonly folder: string;
  readonly wal: string;
}

const HISTORY_NAME = 'history';
const HISTORY = /^[0-9a-f]{16}$/;

/** Name of the history that a server's folder is in; null before it was first archived. */
export function historyOf(home: string): string | null {
  const file = join(home, HISTORY_NAME);
  if (!existsSync(file)) return null;
  const text = readFileSync(file, 'utf8').trim();
  if (!HISTORY.test(text)) throw new EmbeddedServerError(`${file} does not hold the name of a history; remove it`);
  return text;
}

export const archivePlaceOf = (archive: string, name: string, history: string): ArchivePlace => {
  const folder = join(archive, name, history);
  return { folder, wal: join(folder, 'wal') };
};

/** Makes what is missing. @throws EmbeddedServerError where the server could not write there */
export function openArchive(archive: string, cluster: Cluster, place: Place): ArchivePlace {
  mkdirSync(join(archive, cluster.name), { recursive: true, mode: 0o755 });
  let history = historyOf(cluster.home);
  if (history === null) {
    history = randomBytes(8).toString('hex');
    writeWhole(join(cluster.home, HISTORY_NAME), `${history}\n`, place.user);
  }
  const at = archivePlaceOf(archive, cluster.name, history);
  mkdirSync(at.folder, { recursive: true, mode: 0o755 });
  // What is ours is entered by the server too, whatever the umask says.
  if (place.user !== null) for (const folder of [join(archive, cluster.name), at.folder]) chmodSync(folder, 0o755);
  makeFolder(at.wal, place.user);
  if (place.user !== null && !canReach(at.wal, place.user)) {
    throw new EmbeddedServerError(
      `backup.archive: the user that runs Postgres (uid ${place.user.uid}) cannot enter ${archive}; name another folder`,
    );
  }
  if (!statSync(at.wal).isDirectory()) throw new EmbeddedServerError(`${at.wal} is no folder`);
  return at;
}

/**
 * Settings of a server that archives. A file appears whole and durable or not at all; one that is there already is
 * taken for archived if it is the same, and never overwritten if it is not.
 */
export function archiveSettings(at: ArchivePlace): Readonly<Record<string, string>> {
  const folder = shellQuote(at.wal).replaceAll('%', '%%');
  return {
    archive_mode: 'on',
    archive_command: [
      `d=${folder}; f="$d/%f";`,
      // The server asks again for what it did not hear of, such as after a crash.
      'if [ -e "$f" ]; then cmp -s "%p" "$f" && sync "$f" "$d"; exit; fi;',
      // The unused rest of a file that was closed early is zeros, which take no room where files can have holes.
      '{ cp --sparse=always "%p" "$f.part" 2>/dev/null || cp "%p" "$f.part"; } &&',
      'sync "$f.part" && mv "$f.part" "$f" && sync "$d"',
    ].join(' '),
  };
}

export const shellQuote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const reachedFile = (at: ArchivePlace): string => join(at.folder, 'reached.json');

export function writeReached(at: ArchivePlace, reached: Reached): void {
  writeWhole(reachedFile(at), `${JSON.stringify(reached)}\n`, null);
}

/** Null before the first time. */
export function readReached(at: ArchivePlace): Reached | null {
  const file = reachedFile(at);
  if (!existsSync(file)) return null;
  const { at: time, wal } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Reached>;
  if (!Number.isSafeInteger(time) || typeof wal !== 'string' || !isWalName(wal)) {
    throw new EmbeddedServerError(`${file} cannot be read`);
  }
  return { at: time as number, wal };
}
