/** Postgres servers that Millrace makes and runs itself, one for each shard. */
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { EmbeddedServerError } from '../../platform/errors.js';
import type { Log } from '../../platform/log.js';
import type { ArchiveOptions } from './archive.js';
import { archiveSettings, openArchive } from './archive.js';
import { ArchiveWatch } from './archive-watch.js';
import { openCluster, socketFolderOf, urlOf } from './cluster.js';
import { findPlace, placeOf, SHARED_FOLDER } from './place.js';
import { PostgresServer } from './server.js';
import { defaultSettings } from './settings.js';

export interface EmbeddedOptions {
  /** The engine's data folder, held by its lock; absolute. */
  readonly folder: string;
  /** One server for each, such as "shard-0". */
  readonly names: readonly string[];
  /** Settings of Postgres over the default ones. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the servers archive what they write; null: nowhere. */
  readonly archive?: ArchiveOptions | null;
  /** Where a root engine keeps what user postgres cannot reach otherwise. */
  readonly sharedFolder?: string;
  readonly log: Log;
}

export interface EmbeddedServers {
  /** URLs for `pg` by name: a socket in a private folder, no password. */
  readonly urls: Readonly<Record<string, string>>;
  /** Pid of a postmaster; 0 while it is being started again. */
  pid(name: string): number;
  /** Calls this from now on, with the name of a server that had died and takes connections again. */
  onBack(listener: (name: string) => void): void;
  /** Stops all servers: fast shutdown, waits until they are gone. */
  stop(): Promise<void>;
}

/**
 * Makes what is missing, starts or takes over what is there, and keeps it running until `stop`.
 * @throws EmbeddedServerError with one line for the operator
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServers> {
  refuseUnfinished(options.folder);
  const place = await findPlace(options.folder, options.sharedFolder ?? SHARED_FOLDER, options.log);
  const { archive = null, log } = options;
  const settings = { ...defaultSettings(options.names.length), ...options.settings };
  const servers = new Map<string, PostgresServer>();
  const urls: Record<string, string> = {};
  const watches: ArchiveWatch[] = [];
  let onBack: (name: string) => void = () => undefined;
  const stop = async (): Promise<void> => {
    await Promise.all(watches.map((watch) => watch.close()));
    await Promise.all([...servers.values()].map((server) => server.stop()));
  };
  const started = await Promise.allSettled(
    options.names.map(async (name) => {
      const cluster = await openCluster(place, name);
      const archived = archive === null ? null : openArchive(archive.folder, cluster, place);
      const archiving = archived === null ? {} : archiveSettings(archived);
      const server = new PostgresServer({
        place,
        cluster,
        settings: { ...settings, ...archiving },
        log,
        onBack: () => onBack(name),
      });
      const url = urlOf(cluster);
      urls[name] = url;
      await server.start();
      servers.set(name, server);
      if (archive === null || archived === null) return;
      watches.push(new ArchiveWatch({ name, url, place: archived, intervalMs: archive.intervalMs, log }));
    }),
  );
  const failed = started.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    // No server is left behind that nobody looks after.
    await stop();
    throw failed.reason;
  }
  return {
    urls,
    pid: (name) => servers.get(name)?.pid ?? 0,
    onBack: (listener) => {
      onBack = listener;
    },
    stop,
  };
}

/** In a data folder while a restore makes it. */
export const UNFINISHED_NAME = 'restore-unfinished';

/** @throws EmbeddedServerError where a restore into the folder was killed */
export function refuseUnfinished(folder: string): void {
  if (!existsSync(join(folder, UNFINISHED_NAME))) return;
  const place = placeOf(folder);
  // A root engine's databases may lie elsewhere, where nobody would look for a whole copy of the ledger.
  const all = place === null || place.startsWith(`${folder}/`) ? folder : `${folder} and ${place}`;
  throw new EmbeddedServerError(`a restore into ${folder} did not end; remove ${all}, and restore again`);
}

/** Folders of the servers by name, each with its `data` in it; null where none was ever made. */
export function locateHomes(folder: string, names: readonly string[]): Readonly<Record<string, string>> | null {
  const data = placeOf(folder);
  return data === null ? null : Object.fromEntries(names.map((name) => [name, join(data, name)]));
}

/** URLs of servers that another engine runs on the folder, by name; null where none was ever made there. */
export function locateEmbedded(folder: string, names: readonly string[]): Readonly<Record<string, string>> | null {
  const data = placeOf(folder);
  if (data === null) return null;
  const isRoot = userInfo().uid === 0;
  return Object.fromEntries(
    names.map((name) => [name, urlOf({ socketFolder: socketFolderOf(join(data, name), isRoot, SHARED_FOLDER) })]),
  );
}
