/** How the shards are, as far as their threads have said. */
import type { ShardStatus } from '../shard/status.js';
import { NOTHING_COUNTED } from '../shard/status.js';
import { LagMeter } from './fold-lag.js';
import type { ShardIdentity, ShardSpec } from './messages.js';

export interface ShardHealth {
  state: ShardStatus['state'];
  /** Kept while the shard is away: it does not change. */
  identity: ShardIdentity | null;
  error: string | null;
  /** Of the error, where it has one that stays. */
  code: string | null;
  readonly lag: LagMeter;
  /** What its worker counts, at most half a second old. */
  status: ShardStatus | null;
}

/** A shard as `millrace shards` shows it. */
export interface ShardView extends ShardStatus {
  readonly worker: number;
  readonly slots: string;
  readonly error: string | null;
  readonly code: string | null;
  /** Of the folds behind the log; null until they have said where they are. */
  readonly lagRecords: number | null;
  readonly lagMs: number | null;
}

export class HealthTable {
  readonly #shards: readonly ShardHealth[];

  constructor(readonly specs: readonly ShardSpec[]) {
    this.#shards = specs.map(() => ({
      state: 'starting',
      identity: null,
      error: null,
      code: null,
      lag: new LagMeter(),
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

  get anyReady(): boolean {
    return this.#shards.some(({ state }) => state === 'ready');
  }

  /** One line for each shard that has something to say. */
  get errors(): readonly string[] {
    return this.specs.flatMap(({ shard, name }) => {
      const { error, code } = this.of(shard);
      return error === null ? [] : [`${name}: ${code === null ? '' : `${code}: `}${error}`];
    });
  }

  /** Every shard has started, or cannot until an operator has mended it: who waits for a start waits no longer. */
  get allSettled(): boolean {
    return this.#shards.every(({ state }) => state === 'ready' || state === 'stopped');
  }

  view(spec: ShardSpec, worker: number): ShardView {
    const { state, error, code, lag, status } = this.of(spec.shard);
    const { shard, name, slots } = spec;
    const behind = lag.at(performance.now());
    const lagRecords = behind?.records ?? null;
    const lagMs = behind?.ms ?? null;
    return { ...NOTHING_COUNTED, ...status, shard, name, slots, state, error, code, worker, lagRecords, lagMs };
  }
}
