/** What is asked of every shard's database, here or by the engine that has it to itself. */
import type { Config } from '../../platform/config/config.js';
import { DataFolderHeldError } from '../../platform/errors.js';
import { type AdminRequest, callEngine } from '../../platform/lock.js';
import type { Log } from '../../platform/log.js';
import { openDatabases, type ShardDatabase } from '../databases.js';

/** Asks each shard in turn. @param request has the engine answer with an array of the same results */
export async function askShards<Result>(
  config: Config,
  log: Log,
  request: AdminRequest,
  ask: (shard: ShardDatabase) => Promise<Result>,
): Promise<readonly Result[]> {
  try {
    const databases = await openDatabases(config, log);
    try {
      const results: Result[] = [];
      for (const shard of databases.shards) results.push(await ask(shard));
      return results;
    } finally {
      await databases.close();
    }
  } catch (error) {
    if (!(error instanceof DataFolderHeldError)) throw error;
    return (await callEngine(config.dataDir, request)) as readonly Result[];
  }
}
