/** What a supervisor is given. */
import type { LedgerSettings } from '../../ledger/command.js';
import type { ShardBounds } from '../shard/status.js';
import type { Durability, ShardSpec } from './messages.js';
import type { Topology } from './topology.js';

export interface SupervisorLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface SupervisorOptions {
  readonly topology: Topology;
  readonly shards: readonly ShardSpec[];
  readonly settings: LedgerSettings;
  readonly bounds: ShardBounds;
  readonly ringBytes: number;
  readonly commitDeadlineMs: number;
  readonly durability: Durability;
  readonly partitionRecords: number;
  readonly takeOver: boolean;
  /** Module of a front thread; it gets FrontThreadData. */
  readonly frontEntry: URL;
  /** Module of the folds' thread; it gets `{ shards: [{ name, connection }] }`. */
  readonly foldEntry: URL;
  /** Handed to every front as it is. */
  readonly frontConfig: unknown;
  /** Handed to every front: what they count together. */
  readonly frontCounters: SharedArrayBuffer;
  readonly host: string;
  readonly port: number;
  readonly log: SupervisorLog;
}

/** The shards that this worker writes. */
export const shardsOf = ({ topology }: SupervisorOptions, worker: number): readonly number[] =>
  topology.workerOf.flatMap((owner, shard) => (owner === worker ? [shard] : []));
