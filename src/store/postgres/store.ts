/** A shard on a Postgres server. */
import type { Log } from '../../platform/log.js';
import type { Micros } from '../../ledger/record.js';
import type { ShardStore } from '../shard-store.js';

export interface SlotRange {
  /** Inclusive. */
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

export interface PostgresStoreOptions {
  readonly url: string;
  /** Of the shard, as the configuration calls it: 1–32 lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly slots: readonly SlotRange[];
  /** @defaultValue "millrace" */
  readonly schema?: string;
  /** How long a COMMIT may take before it is ambiguous. */
  readonly commitDeadlineMs: number;
  readonly durability: {
    /** False (or an empty text): servers that would lose answered transactions are refused. */
    readonly acceptLoss: boolean | string;
    /** For the writer's sessions; the server's own setting where it is missing. */
    readonly synchronousCommit?: 'on' | 'remote_apply' | 'remote_write' | 'local' | 'off';
  };
  /** For a database that is new. @defaultValue 4,194,304 */
  readonly partitionRecords?: number;
  /** For a database that is new; 1 to 2^31−1, never used before. @defaultValue random */
  readonly logId?: number;
  /** Connections of `sql` at most. @defaultValue 4 */
  readonly connectionsMax?: number;
  readonly log?: Log;
}

export interface PostgresStore extends ShardStore {
  /** The database's clock less this machine's, µs, as seen by `acquire`. */
  readonly clockOffset: Micros;
}

export function createPostgresStore(_options: PostgresStoreOptions): PostgresStore {
  throw new Error('not built yet');
}
