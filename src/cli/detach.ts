/** `millrace detach`: moves old partitions of every shard's log into files, with the engine running or stopped. */
import { resolve } from 'node:path';
import type { Config } from '../platform/config/config.js';
import { ConfigError } from '../platform/errors.js';
import type { Log } from '../platform/log.js';
import { type DetachedPartition, detachOld } from '../store/postgres/detach.js';
import { megabytes } from './backup/figures.js';
import { parseTime } from './backup/point.js';
import { openDatabases } from './databases.js';
import type { CommandIo } from './io.js';
import { ExitCode } from './serve/exit-codes.js';

export interface DetachRequest {
  /** RFC 3339. */
  readonly before: string;
  readonly to: string;
}

/** @returns the exit code */
export async function detachCommand(request: DetachRequest, config: Config, io: CommandIo, log: Log): Promise<number> {
  const before = parseTime(request.before, '--before');
  const databases = await openDatabases(config, log);
  try {
    for (const { name, url } of databases.shards) {
      if (url === null) throw new ConfigError('detach is for Postgres; PGlite keeps all of its log');
      let detached = 0;
      const done = ({ partition, records, bytes, file, spaceKept }: DetachedPartition): void => {
        detached++;
        io.stdout.write(`${name}: ${file}: ${records.toLocaleString('en')} records, ${megabytes(bytes)}\n`);
        if (spaceKept === null) return;
        io.stdout.write(
          `  its space is not free yet (${spaceKept}): later, VACUUM (FULL, ANALYZE) millrace.log_p${partition}\n`,
        );
      };
      const staysBecause = await detachOld({ url, folder: resolve(request.to), before, done });
      io.stdout.write(`${name}: ${detached} partitions detached\n`);
      if (staysBecause !== null) io.stdout.write(`  ${staysBecause}\n`);
    }
    return ExitCode.ok;
  } finally {
    await databases.close();
  }
}
