/** An archive without a backup to go on from restores nothing: whoever starts the engine hears of it. */
import type { Config } from '../../platform/config/config.js';
import { messageOf } from '../../platform/errors.js';
import type { Log } from '../../platform/log.js';
import { historyOf } from '../../store/embedded/archive.js';
import { locateHomes } from '../../store/embedded/embedded.js';
import { listBackups } from './manifest.js';

export function remindOfBackup({ backup, dataDir, shards }: Config, log: Log): void {
  if (backup.archive === null) return;
  try {
    const names = shards.map(({ name }) => name);
    const histories = Object.values(locateHomes(dataDir, names) ?? {}).map(historyOf);
    const has = listBackups(backup.archive).some(({ manifest }) =>
      histories.every((history) => manifest.shards.some((shard) => shard.history === history)),
    );
    if (!has)
      log.warn(
        `${backup.archive} holds no backup of this ledger yet; until there is one, it restores nothing: millrace backup`,
      );
  } catch (error) {
    log.warn(`the backups in ${backup.archive} cannot be read: ${messageOf(error)}`);
  }
}
