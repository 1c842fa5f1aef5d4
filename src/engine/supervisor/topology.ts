/** Which worker writes which shards, and how many threads there are of each kind. */

export interface Topology {
  readonly fronts: number;
  readonly workers: number;
  /** By shard index, the worker that writes it. */
  readonly workerOf: readonly number[];
}

/**
 * Shards are dealt to workers in turn. `auto` fronts: a quarter of the cores, at least one; `auto` workers: a half, since the
 * databases want cores too, at least two (one, where there is one core) and at most one a shard. Two cores have two workers:
 * one thread with both shards is what batches and a start after a crash wait for (docs/decisions/0013).
 */
export function planTopology(options: {
  readonly shards: number;
  readonly cores: number;
  readonly fronts: number | 'auto';
  readonly workers: number | 'auto';
}): Topology {
  const { shards, cores } = options;
  const fronts = options.fronts === 'auto' ? Math.max(1, Math.floor(cores / 4)) : options.fronts;
  const wanted = options.workers === 'auto' ? Math.max(Math.min(2, cores), Math.floor(cores / 2)) : options.workers;
  const workers = Math.min(wanted, shards);
  return { fronts, workers, workerOf: Array.from({ length: shards }, (_, shard) => shard % workers) };
}
