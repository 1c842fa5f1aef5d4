/** The databases of a configuration, for commands that look at them whether or not an engine is running. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { VERIFY_SETTINGS } from '../folds/verify/verify.js';
import type { Config } from '../platform/config/config.js';
import { DataFolderHeldError, EngineNotRunningError } from '../platform/errors.js';
import type { FolderLock } from '../platform/lock.js';
import { isDataFolder, openLock } from '../platform/lock.js';
import type { Log } from '../platform/log.js';
import type { ArchiveOptions } from '../store/embedded/archive.js';
import { locateEmbedded, startEmbedded } from '../store/embedded/embedded.js';
import { createPgliteSql, PGLITE_OPTIONS } from '../store/pglite/sql.js';
import { createPgSql } from '../store/postgres/sql.js';
import { openWholeLog } from '../store/postgres/whole-log.js';
import { quoteName, SCHEMA } from '../store/session.js';
import type { Sql } from '../store/sql.js';

/** How these connections are named among a server's sessions. */
const APPLICATION = 'millrace command';
/** A command ends soon also where a server hangs. */
const CONNECT_MS_MAX = 5_000;

export interface ShardDatabase {
  readonly name: string;
  /** As the configuration says them. */
  readonly slots: string;
  readonly sql: Sql;
  /** Null where the database is in this process. */
  readonly url: string | null;
  /** The log with the parts of it that stand in files; to be closed by the caller. */
  wholeLog(): Promise<Sql>;
}

export interface Databases {
  readonly shards: readonly ShardDatabase[];
  /** Where the control log is. */
  readonly control: Sql;
  close(): Promise<void>;
}

/**
 * Connects to servers that run; starts those that only an engine would run, for as long as this is open.
 * @throws DataFolderHeldError where a running engine has them to itself (PGlite)
 */
export async function openDatabases(
  config: Config,
  log: Log,
  connectTimeoutMs: number = CONNECT_MS_MAX,
): Promise<Databases> {
  switch (config.store.kind) {
    case 'postgres': {
      const urls = Object.fromEntries(config.shards.map(({ name, url }) => [name, url ?? '']));
      return overUrls(config, urls, connectTimeoutMs);
    }
    case 'embedded':
      return openEmbedded(config, log, connectTimeoutMs);
    case 'pglite':
      return openPglite(config);
  }
}

async function openEmbedded(config: Config, log: Log, connectTimeoutMs: number): Promise<Databases> {
  const { urls, close } = await openServers(config, log);
  return overUrls(config, urls, connectTimeoutMs, close);
}

export interface OpenServers {
  readonly urls: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** The embedded servers of a running engine, or started for as long as this is open. */
export async function openServers(config: Config, log: Log): Promise<OpenServers> {
  const names = config.shards.map(({ name }) => name);
  const lock = await lockExisting(config.dataDir);
  if (lock === null) {
    const urls = locateEmbedded(config.dataDir, names);
    if (urls === null)
      throw new EngineNotRunningError(`the engine on ${config.dataDir} is still making its databases; try again`);
    return { urls, close: () => Promise.resolve() };
  }
  try {
    const servers = await startEmbedded({ folder: lock.folder, names, archive: archiveOf(config), log });
    return {
      urls: servers.urls,
      close: async () => {
        await servers.stop();
        await lock.close();
      },
    };
  } catch (error) {
    await lock.close();
    throw error;
  }
}

/** Whoever starts the servers archives what they write: what is written unarchived is a hole for ever. */
export function archiveOf({ backup }: Config): ArchiveOptions | null {
  return backup.archive === null ? null : { folder: backup.archive, intervalMs: backup.intervalMs };
}

async function openPglite(config: Config): Promise<Databases> {
  const lock = await lockExisting(config.dataDir);
  if (lock === null) {
    throw new DataFolderHeldError(
      'the engine that is running has the PGlite databases to itself; stop it for this command',
    );
  }
  const opened: PGlite[] = [];
  const shards: ShardDatabase[] = [];
  for (const { name, slots } of config.shards) {
    const database = await PGlite.create(join(config.dataDir, name), PGLITE_OPTIONS);
    opened.push(database);
    await database.exec(`SET search_path TO ${quoteName(SCHEMA)}`);
    const sql = createPgliteSql(database);
    // Nothing is ever detached there.
    const wholeLog = () => Promise.resolve({ ...sql, close: () => Promise.resolve() });
    shards.push({ name, slots, sql, url: null, wholeLog });
  }
  return databases(config, shards, async () => {
    for (const database of opened) await database.close();
    await lock.close();
  });
}

/** @returns null where an engine runs on the folder */
async function lockExisting(folder: string): Promise<FolderLock | null> {
  // Asked first, since taking the lock would make the folder.
  if (!existsSync(folder) || !isDataFolder(folder)) {
    throw new EngineNotRunningError(`there is no data in ${folder} yet; start the engine first: millrace serve`);
  }
  try {
    return await openLock(folder);
  } catch (error) {
    if (error instanceof DataFolderHeldError) return null;
    throw error;
  }
}

function overUrls(
  config: Config,
  urls: Readonly<Record<string, string>>,
  connectTimeoutMs: number,
  after?: () => Promise<void>,
): Databases {
  const shards = config.shards.map(({ name, slots }) => {
    const url = urls[name] ?? '';
    // Commands read whole logs: settings that sorts and hashes of that size are quick with.
    const options = {
      url,
      applicationName: APPLICATION,
      connectTimeoutMs,
      settings: VERIFY_SETTINGS,
    };
    const sql = createPgSql({ ...options, connectionsMax: 2 });
    return { name, slots, sql, url, wholeLog: () => openWholeLog(options) };
  });
  return databases(config, shards, after);
}

function databases(config: Config, shards: readonly ShardDatabase[], after?: () => Promise<void>): Databases {
  const own =
    config.control.url === null
      ? null
      : createPgSql({ url: config.control.url, connectionsMax: 1, applicationName: APPLICATION });
  const control = own ?? shards[0]?.sql;
  if (control === undefined) throw new Error('a configuration has at least one shard');
  return {
    shards,
    control,
    close: async () => {
      await own?.close();
      await Promise.all(shards.map(({ sql }) => sql.close()));
      await after?.();
    },
  };
}
