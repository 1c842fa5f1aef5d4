/** `GET /metrics`: how the engine is, for Prometheus. Shards and threads only: nothing of what merchants do. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { ShardStatus } from '../../engine/shard/status.js';
import type { Lag } from '../../engine/supervisor/fold-lag.js';
import type { FrontCounters } from './counters.js';

/** A shard as this front knows it, half a second old at most. */
export interface ShardFigures {
  readonly name: string;
  readonly ready: boolean;
  /** Null until the folds have said where they are. */
  readonly lag: Lag | null;
  /** Null until its worker has said how it is. */
  readonly status: ShardStatus | null;
}

const SHARD_GAUGES: readonly (readonly [
  name: string,
  help: string,
  of: (shard: ShardFigures) => number | undefined,
])[] = [
  ['ready', '1 while the shard takes requests.', ({ ready }) => (ready ? 1 : 0)],
  ['position', 'End of the committed log.', ({ status }) => status?.position],
  ['epoch', 'Epoch of the owner.', ({ status }) => status?.epoch],
  ['fold_lag_records', 'Records that balances in SQL do not have yet.', ({ lag }) => lag?.records],
  ['fold_lag_seconds', 'Age of the oldest of them.', ({ lag }) => (lag === null ? undefined : lag.ms / 1000)],
  ['keys', 'Idempotency keys that are remembered.', ({ status }) => status?.keys],
  ['keys_max', 'The most that may be: new keys beyond are refused (key_window_full).', ({ status }) => status?.keysMax],
  ['accounts', 'Accounts in memory.', ({ status }) => status?.accounts],
  ['open_holds', 'Holds that are not at their end.', ({ status }) => status?.openHolds],
  ['parked', 'Commands that wait for something to be loaded or for room.', ({ status }) => status?.parked],
  [
    'database_attempts',
    'Failed attempts to reach the database since it was last there.',
    ({ status }) => status?.attempts,
  ],
];

const SHARD_COUNTERS: readonly (readonly [name: string, help: string, of: (status: ShardStatus) => number])[] = [
  ['records', 'Records committed since the worker started.', ({ records }) => records],
  ['commits', 'Commits since the worker started.', ({ commits }) => commits],
  ['ambiguous_commits', 'Commits whose outcome had to be looked up.', ({ ambiguous }) => ambiguous],
  ['failed_commits', 'Commits that failed and were made again.', ({ failed }) => failed],
  [
    'fold_rest_seconds',
    'Time that commits waited because the folds were too far behind.',
    ({ foldRestedMs }) => foldRestedMs / 1000,
  ],
];

export class Metrics {
  readonly #registry = new Registry();

  constructor(counters: FrontCounters, shards: () => readonly ShardFigures[]) {
    for (const [name, help, of] of SHARD_GAUGES) {
      this.#gauge(`millrace_shard_${name}`, help, ['shard'], (gauge) => {
        for (const shard of shards()) {
          const value = of(shard);
          if (value !== undefined) gauge.set({ shard: shard.name }, value);
        }
      });
    }
    for (const [name, help, of] of SHARD_COUNTERS) {
      this.#counter(`millrace_shard_${name}_total`, help, ['shard'], (counter) => {
        for (const { name: shard, status } of shards()) if (status !== null) counter.inc({ shard }, of(status));
      });
    }
    this.#counter('millrace_http_answers_total', 'Answers of all fronts, by status.', ['status'], (counter) => {
      for (const [status, count] of counters.byStatus()) counter.inc({ status }, count);
    });
    this.#gauge('millrace_front_in_flight', 'Requests under way, a second ago.', ['front'], (gauge) =>
      counters.threads().forEach(({ inFlight }, front) => void gauge.set({ front }, inFlight)),
    );
    this.#gauge('millrace_front_busy_ratio', 'Share of the last second that the thread worked.', ['front'], (gauge) =>
      counters.threads().forEach(({ busy }, front) => void gauge.set({ front }, busy)),
    );
    this.#gauge('process_resident_memory_bytes', 'Resident memory of the engine, databases apart.', [], (gauge) =>
      gauge.set(process.memoryUsage.rss()),
    );
    this.#counter('process_cpu_seconds_total', 'CPU time of the engine, databases apart.', [], (counter) => {
      const { user, system } = process.cpuUsage();
      counter.inc((user + system) / 1e6);
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In the text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #gauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    look: (gauge: Gauge<L>) => void,
  ): void {
    new Gauge<L>(this.#lookedAt(name, help, labelNames, look));
  }

  #counter<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    look: (counter: Counter<L>) => void,
  ): void {
    new Counter<L>(this.#lookedAt(name, help, labelNames, look));
  }

  /** Figures are looked up when they are asked for. Counters of the library only grow: each look begins at nothing. */
  #lookedAt<L extends string, M extends Gauge<L> | Counter<L>>(
    name: string,
    help: string,
    labelNames: readonly L[],
    look: (metric: M) => void,
  ) {
    return {
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect(this: M) {
        this.reset();
        look(this);
      },
    };
  }
}
