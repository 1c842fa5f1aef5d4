/** How the shards are, as far as their threads have said. */
import type { ShardStatus } from '../shard/status.js';
import { NOTHING_COUNTED } from '../shard/status.js';
import type { ShardIdentity, ShardSpec } from './messages.js';

export interface ShardHealth {
  state: ShardStatus['state'];
  /** Kept while the shard is away: it does not change. */
  identity: ShardIdentity | null;
  error: string | null;
  lagRecords: number;
  lagMs: number;
  /** What its worker counts, at most half a second old. */
  status: ShardStatus | null;
}

/** A shard as `millrace shards` shows it. */
export interface ShardView extends ShardStatus {
  readonly worker: number;
  readonly slots: string;
  readonly error: string | null;
  readonly lagRecords: number;
  readonly lagMs: number;
}

export class HealthTable {
  readonly #shards: readonly ShardHealth[];

  constructor(readonly specs: readonly ShardSpec[]) {
    this.#shards = specs.map(() => ({
      state: 'starting',
      identity: null,
      error: null,
      lagRecords: 0,
      lagMs: 0,
      status: null,
    }));
  }

  of(shard: number): ShardHealth {
    const health = this.#shards[shard];
    if (health === undefined) throw new Error(`there is no shard ${shard}`);
    return health;
  }

  get allReady(): boolean {
    return this.#shards.every(({ state }) => state === 'ready');
  }

  view(spec: ShardSpec, worker: number): ShardView {
    const { state, error, lagRecords, lagMs, status } = this.of(spec.shard);
    const { shard, name, slots } = spec;
    return { ...NOTHING_COUNTED, ...status, shard, name, slots, state, error, worker, lagRecords, lagMs };
  }
}
