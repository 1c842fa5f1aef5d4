/** `millrace attach`: brings back what `millrace detach` has moved into files, with the engine running or stopped. */
import { resolve } from 'node:path';
import type { Config } from '../platform/config/config.js';
import { ConfigError } from '../platform/errors.js';
import type { Log } from '../platform/log.js';
import { type AttachedPartition, attachSince } from '../store/postgres/attach.js';
import { parseTime } from './backup/point.js';
import { openDatabases } from './databases.js';
import type { CommandIo } from './io.js';
import { ExitCode } from './serve/exit-codes.js';

export interface AttachRequest {
  /** RFC 3339. */
  readonly since: string;
  /** Where the files are, if they were moved. */
  readonly from: string | null;
}

/** @returns the exit code */
export async function attachCommand(request: AttachRequest, config: Config, io: CommandIo, log: Log): Promise<number> {
  const since = parseTime(request.since, '--since');
  const databases = await openDatabases(config, log);
  try {
    for (const { name, url } of databases.shards) {
      if (url === null) throw new ConfigError('attach is for Postgres; PGlite keeps all of its log');
      const folder = request.from === null ? null : resolve(request.from);
      let attached = 0;
      const done = ({ records, file }: AttachedPartition): void => {
        attached++;
        io.stdout.write(
          `${name}: ${file}: ${records.toLocaleString('en')} records; only backups from before now still need the file\n`,
        );
      };
      await attachSince({ url, folder, since, done });
      io.stdout.write(`${name}: ${attached} partitions attached\n`);
    }
    return ExitCode.ok;
  } finally {
    await databases.close();
  }
}
