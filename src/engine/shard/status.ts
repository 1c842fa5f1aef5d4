/** How a shard is, and the bounds that it keeps. */

/** See shard.ts. */
export type ShardState = 'starting' | 'ready' | 'stalled' | 'resolving' | 'stopped';

export interface ShardBounds {
  /** A batch takes no more commands at this many records or bytes; a unit of several records may pass it. */
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  /** Commands that wait for room in a batch, and as many that wait for something to be loaded. */
  readonly parkedMax: number;
  /** Keys kept in memory whole; older partitions are behind a filter. */
  readonly residentKeysMax: number;
  /** Records that the folds may be behind; from half of it on commits slow down. */
  readonly foldLagMax: number;
}

export interface ShardStatus {
  /** Index in the configuration. */
  readonly shard: number;
  readonly name: string;
  readonly state: ShardState;
  readonly epoch: number;
  /** End of the committed log. */
  readonly position: number;
  readonly commits: number;
  readonly records: number;
  readonly ambiguous: number;
  readonly failed: number;
  readonly parked: number;
  readonly accounts: number;
  readonly keys: number;
  /** The most keys that it remembers. */
  readonly keysMax: number;
  readonly openHolds: number;
  /** The shortest that a commit took lately, ms; 0: there was none. */
  readonly quickestCommitMs: number;
  /** For how long the last commit waited for the folds, ms, and all since the start; see fold-pace.ts. */
  readonly foldRestMs: number;
  readonly foldRestedMs: number;
  /** Attempts to reach its database that failed since it was last there; 0: it is there. */
  readonly attempts: number;
  /** false: the wall clock has moved as the monotonic one has not, and nothing is written until it agrees again. */
  readonly clockAgrees: boolean;
  /** When the next one begins, ms since 1970; null: one is under way, or none is needed. */
  readonly nextAttemptAt: number | null;
}

export const NOTHING_COUNTED = {
  epoch: 0,
  position: 0,
  commits: 0,
  records: 0,
  ambiguous: 0,
  failed: 0,
  parked: 0,
  accounts: 0,
  keys: 0,
  keysMax: 0,
  openHolds: 0,
  quickestCommitMs: 0,
  foldRestMs: 0,
  foldRestedMs: 0,
  attempts: 0,
  clockAgrees: true,
  nextAttemptAt: null,
};
