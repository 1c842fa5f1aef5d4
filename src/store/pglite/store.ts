/** A shard in a PGlite database on a folder: Postgres in WebAssembly, in this thread. It does not fsync. */
import type { Log } from '../../platform/log.js';
import type { SlotRange } from '../postgres/store.js';
import type { ShardStore } from '../shard-store.js';

export interface PgliteStoreOptions {
  /** Folder of the database; made where it does not exist. Nobody else may open it: see store.ts. */
  readonly folder: string;
  readonly name: string;
  readonly slots: readonly SlotRange[];
  /** @defaultValue "millrace" */
  readonly schema?: string;
  /** For a database that is new. @defaultValue 4,194,304 */
  readonly partitionRecords?: number;
  /** For a database that is new. @defaultValue random */
  readonly logId?: number;
  readonly log?: Log;
}

/** Opens nothing before `acquire`. */
export function createPgliteStore(_options: PgliteStoreOptions): ShardStore {
  throw new Error('not built yet');
}
