/** What the supervisor says to its threads, and they to it. */
import type { MessagePort } from 'node:worker_threads';
import type { LedgerSettings } from '../../ledger/command.js';
import type { Restore } from '../../platform/ids/id-codec.js';
import type { ShardPlace } from '../../store/open.js';
import type { ShardBounds, ShardState, ShardStatus } from '../shard/status.js';
import type { FrontConnection, WorkerConnection } from './connections.js';

export interface Merchant {
  readonly book: number;
  readonly merchant: string;
  readonly environment: 'test' | 'live';
}

export interface ShardSpec {
  readonly shard: number;
  readonly name: string;
  /** As in the configuration: "0-8191". */
  readonly slots: string;
  readonly place: ShardPlace;
}

export interface Durability {
  /** The loss that the operator accepts, by name; false: none, and databases that would lose answers are refused. */
  readonly acceptLoss: string | false;
  readonly synchronousCommit: 'on' | 'remote_apply' | 'remote_write' | 'local' | 'off';
}

export interface WorkerTask {
  readonly worker: number;
  readonly shards: readonly ShardSpec[];
  readonly fronts: readonly FrontConnection[];
  readonly merchants: readonly Merchant[];
  readonly settings: LedgerSettings;
  readonly bounds: ShardBounds;
  readonly commitDeadlineMs: number;
  readonly durability: Durability;
  /** Records a partition of a new shard's log. */
  readonly partitionRecords: number;
  readonly takeOver: boolean;
  readonly control: MessagePort;
}

/** What a shard's readers and ids need; known when the shard has started. */
export interface ShardIdentity {
  readonly logId: number;
  readonly incarnation: number;
  readonly restores?: readonly Restore[];
  readonly hashKey: Uint8Array;
  readonly partitionRecords: number;
}

export type ToWorker =
  | { readonly type: 'connect'; readonly connection: FrontConnection }
  | { readonly type: 'merchant'; readonly merchant: Merchant }
  /** Serve this shard's SQL on the port (databases that live in the worker's thread). */
  | { readonly type: 'sql'; readonly shard: number; readonly port: MessagePort }
  /** It takes connections again: whoever waits before the next attempt need not. */
  | { readonly type: 'database-back'; readonly shard: number }
  | { readonly type: 'drain' };

export type FromWorker =
  | {
      readonly type: 'shard';
      readonly shard: number;
      readonly state: ShardState;
      readonly identity: ShardIdentity | null;
      readonly error: string | null;
      /** Of the error, where it has one that stays: MR_… */
      readonly code: string | null;
      /** Trying again does not mend the error; the operator has to. */
      readonly hopeless: boolean;
    }
  | { readonly type: 'committed'; readonly shard: number; readonly position: number }
  /** Twice a second. */
  | { readonly type: 'status'; readonly shards: readonly ShardStatus[] }
  | { readonly type: 'problem'; readonly shard: string; readonly doing: string; readonly message: string };

export type ToFront =
  /** Serve HTTP from now on; 0: on any port that is free. */
  | { readonly type: 'listen'; readonly port: number }
  | { readonly type: 'connect'; readonly connection: WorkerConnection }
  | {
      readonly type: 'shard';
      readonly shard: number;
      readonly state: ShardState;
      readonly identity: ShardIdentity | null;
      /** Why it is not ready, where that has a code. */
      readonly code: string | null;
    }
  | { readonly type: 'sql'; readonly shard: number; readonly port: MessagePort }
  | ({ readonly type: 'keys' } & KeysChange)
  | { readonly type: 'status'; readonly shards: readonly ShardStatus[] }
  /** Where the folds are, and how old what comes next is; 0 where nothing does. */
  | { readonly type: 'folded'; readonly shard: number; readonly position: number; readonly lagMs: number }
  | { readonly type: 'drain' };

export type FromFront =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'problem'; readonly doing: string; readonly message: string };

/** API keys that are new or have changed. */
export interface KeysChange {
  /** True: there are no others any more. */
  readonly whole: boolean;
  readonly keys: readonly ApiKeyEntry[];
  /** True: none of them may be let in. */
  readonly stale: boolean;
}

/** An API key as fronts know it. */
export interface ApiKeyEntry {
  readonly id: string;
  /** SHA-256 of the whole key, hex. */
  readonly hash: string;
  readonly merchant: string;
  readonly environment: 'test' | 'live';
  readonly book: number;
  readonly shard: number;
  readonly scopes: readonly 'force'[];
  readonly revoked: boolean;
}
