/** Postgres servers that Millrace makes and runs itself, one for each shard. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../platform/log.js';
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
  /** Where a root engine keeps what user postgres cannot reach otherwise. */
  readonly sharedFolder?: string;
  readonly log: Log;
}

export interface EmbeddedServers {
  /** URLs for `pg` by name: a socket in a private folder, no password. */
  readonly urls: Readonly<Record<string, string>>;
  /** Pid of a postmaster; 0 while it is being started again. */
  pid(name: string): number;
  /** Stops all servers: fast shutdown, waits until they are gone. */
  stop(): Promise<void>;
}

/**
 * Makes what is missing, starts or takes over what is there, and keeps it running until `stop`.
 * @throws EmbeddedServerError with one line for the operator
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServers> {
  const place = await findPlace(options.folder, options.sharedFolder ?? SHARED_FOLDER, options.log);
  const settings = { ...defaultSettings(options.names.length), ...options.settings };
  const servers = new Map<string, PostgresServer>();
  const urls: Record<string, string> = {};
  const stop = async (): Promise<void> => {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  };
  const started = await Promise.allSettled(
    options.names.map(async (name) => {
      const cluster = await openCluster(place, name);
      const server = new PostgresServer(place, cluster, settings, options.log);
      urls[name] = urlOf(cluster);
      await server.start();
      servers.set(name, server);
    }),
  );
  const failed = started.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    // No server is left behind that nobody looks after.
    await stop();
    throw failed.reason;
  }
  return { urls, pid: (name) => servers.get(name)?.pid ?? 0, stop };
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
