/**
 * A front's thread: connects the rings, the readers and the keys to the HTTP side, and does what the supervisor says.
 *
 * On every way out the server is closed first: a thread that dies while uWebSockets.js listens takes the process along.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { RingClient } from '../../engine/client.js';
import type { ShardStatus } from '../../engine/shard/status.js';
import { LagMeter } from '../../engine/supervisor/fold-lag.js';
import type { FrontThreadData } from '../../engine/supervisor/fronts.js';
import type { FromFront, ShardIdentity, ToFront } from '../../engine/supervisor/messages.js';
import { ShardReader } from '../../folds/read/shard-reader.js';
import { CurrencyTable } from '../../ledger/currency.js';
import { breakerState } from '../../platform/breaker.js';
import { createPortSql } from '../../store/port-sql.js';
import { createPgSql } from '../../store/postgres/sql.js';
import type { Sql } from '../../store/sql.js';
import type { Front, FrontShard, Readiness } from '../front.js';
import { KeyTable, startFront } from '../front.js';
import { FrontCounters } from '../metrics/counters.js';
import type { ShardFigures } from '../metrics/metrics.js';
import { Metrics } from '../metrics/metrics.js';

interface FrontConfig {
  readonly server: 'uws' | 'node';
  readonly inFlightMax: number;
  readonly connectionsMax: number;
  readonly admission: { readonly queueMs: number; readonly shareMs: number };
  readonly version: string;
}

/** One that cannot tell the time is reached and read, and writes nothing. */
const isReady = (state: string, status: ShardStatus | null): boolean =>
  state === 'ready' && status?.clockAgrees !== false;

/** How the attempts to reach a shard's database go, as of half a second ago at most. */
function reconnecting({ attempts, nextAttemptAt }: ShardStatus) {
  return {
    breaker: breakerState(attempts, nextAttemptAt),
    attempts,
    next_attempt_in_ms: nextAttemptAt === null ? null : Math.max(0, Math.round(nextAttemptAt - Date.now())),
  };
}

/** A request waits for its answer at most this long; then its outcome is unknown. */
const REQUEST_DEADLINE_MS = 15_000;
const READER_CONNECTIONS_MAX = 4;
/** Together less than the two seconds in which whoever reads from a database that stands still is told so. */
const READER_STANDSTILL = { afterMs: 500, withinMs: 1_000 };
const NOTE_MS = 1000;

interface KnownShard {
  state: string;
  /** Why it is not ready, where that has a code that stays. */
  code: string | null;
  front: FrontShard | null;
  sql: Sql | null;
  identity: ShardIdentity | null;
  readonly lag: LagMeter;
  status: ShardStatus | null;
}

class FrontThread {
  readonly #data = workerData as FrontThreadData;
  readonly #config = this.#data.config as FrontConfig;
  readonly #keys = new KeyTable(this.#data.keys, () => this.#hear());
  readonly #shards: KnownShard[] = this.#data.shards.map(() => ({
    state: 'starting',
    code: null,
    front: null,
    sql: null,
    identity: null,
    lag: new LagMeter(),
    status: null,
  }));
  readonly #client = new RingClient(this.#data.shards.length, {
    inFlightMax: this.#config.inFlightMax,
    deadlineMs: REQUEST_DEADLINE_MS,
  });
  readonly #counters = new FrontCounters(this.#data.counters, this.#data.front);
  readonly #metrics = new Metrics(this.#counters, () => this.#figures());
  #front: Front | null = null;
  #ending = false;

  run(): void {
    process.on('uncaughtException', (error) => this.#die(error));
    process.on('unhandledRejection', (error) => this.#die(error));
    this.#keys.setAvailable(!this.#data.keysStale);
    for (const connection of this.#data.connections) this.#client.connect(connection);
    parentPort?.on('message', (message: ToFront) => this.#onMessage(message));
  }

  /** Who was just given a key may be quicker than the message that says so: what was said is heard before a key is refused. */
  #hear(): void {
    if (parentPort === null) return;
    for (let said = receiveMessageOnPort(parentPort); said !== undefined; said = receiveMessageOnPort(parentPort)) {
      this.#onMessage(said.message as ToFront);
    }
  }

  async #listen(port: number): Promise<void> {
    const { host, settings } = this.#data;
    this.#front = await startFront({
      server: this.#config.server,
      host,
      port,
      engine: this.#client,
      keys: this.#keys,
      shard: (index) => this.#frontOf(index),
      currencies: new CurrencyTable(settings.customCurrencies),
      inFlightMax: this.#config.inFlightMax,
      connectionsMax: this.#config.connectionsMax,
      admission: {
        ...this.#config.admission,
        commitMs: (index) => {
          const status = this.#shards[index]?.status;
          return status ? status.quickestCommitMs + status.foldRestMs : 0;
        },
      },
      version: this.#config.version,
      readiness: () => this.#readiness(),
      counters: this.#counters,
      metrics: this.#metrics,
      onError: (error, doing) => this.#problem(error, doing),
    });
    this.#noteItself();
    this.#say({ type: 'listening', port: this.#front.port });
  }

  #noteItself(): void {
    let before = performance.eventLoopUtilization();
    setInterval(() => {
      const now = performance.eventLoopUtilization();
      this.#counters.note(this.#front?.inFlight ?? 0, performance.eventLoopUtilization(now, before).utilization);
      before = now;
    }, NOTE_MS).unref();
  }

  /** Null while nothing can be asked of it: also its readers would wait for a database that stands still. */
  #frontOf(index: number): FrontShard | null {
    const shard = this.#shards[index];
    return shard === undefined || shard.state === 'stalled' ? null : shard.front;
  }

  #onMessage(message: ToFront): void {
    switch (message.type) {
      case 'listen':
        void this.#listen(message.port);
        break;
      case 'connect':
        this.#client.connect(message.connection);
        break;
      case 'shard':
        this.#shardChanged(message);
        break;
      case 'sql':
        this.#readBy(message.shard, createPortSql(message.port));
        break;
      case 'keys':
        if (message.whole) this.#keys.replace(message.keys);
        else this.#keys.update(message.keys);
        this.#keys.setAvailable(!message.stale);
        break;
      case 'status':
        for (const status of message.shards) {
          const shard = this.#shards[status.shard];
          if (shard === undefined) continue;
          shard.status = status;
          shard.lag.committed(status.position, performance.now());
        }
        break;
      case 'folded':
        this.#shards[message.shard]?.lag.folded(message.position, message.lagMs, performance.now());
        break;
      case 'drain':
        void this.#end();
        break;
    }
  }

  #shardChanged({ shard: index, state, identity, code }: Extract<ToFront, { readonly type: 'shard' }>): void {
    const shard = this.#shards[index];
    const spec = this.#data.shards[index];
    if (shard === undefined || spec === undefined) return;
    shard.state = state;
    shard.code = code;
    this.#client.setShard(index, identity);
    if (identity === null || shard.identity?.logId === identity.logId) return;
    shard.identity = identity;
    if (spec.place.kind === 'postgres') {
      const { url } = spec.place;
      this.#readBy(
        index,
        createPgSql({
          url,
          applicationName: 'millrace-reader',
          connectionsMax: READER_CONNECTIONS_MAX,
          standstill: READER_STANDSTILL,
        }),
      );
    }
  }

  #readBy(index: number, sql: Sql): void {
    const shard = this.#shards[index];
    const name = this.#data.shards[index]?.name ?? '';
    if (shard === undefined || shard.identity === null) return;
    void shard.sql?.close().catch(() => undefined);
    shard.sql = sql;
    const { logId, incarnation, restores = [], hashKey } = shard.identity;
    shard.front = { logId, incarnation, restores, hashKey, reader: new ShardReader(sql, { name }) };
  }

  #readiness(): Readiness {
    const now = performance.now();
    const shards = this.#shards.map(({ state, code, lag, status }, index) => ({
      name: this.#data.shards[index]?.name ?? '',
      ready: isReady(state, status),
      state,
      ...(code === null ? {} : { code }),
      fold_lag_records: lag.at(now)?.records ?? null,
      fold_lag_ms: lag.at(now)?.ms ?? null,
      ...(status === null
        ? {}
        : {
            keys: status.keys,
            keys_max: status.keysMax,
            accounts: status.accounts,
            open_holds: status.openHolds,
            fold_rest_ms: Math.round(status.foldRestMs),
            clock_agrees: status.clockAgrees,
            ...reconnecting(status),
          }),
    }));
    return { ready: !this.#ending && shards.every(({ ready }) => ready), shards };
  }

  #figures(): readonly ShardFigures[] {
    const now = performance.now();
    return this.#shards.map(({ state, lag, status }, index) => {
      const name = this.#data.shards[index]?.name ?? '';
      return { name, ready: isReady(state, status), lag: lag.at(now), status };
    });
  }

  /** Takes nothing new, answers what is under way, and lets the thread run out. */
  async #end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    await this.#front?.close();
    this.#client.close();
    await Promise.all(this.#shards.map(({ sql }) => sql?.close()));
    parentPort?.close();
    // Whatever still holds the loop (a connection that lingers) must not hold up the stop; the server is closed.
    process.exit(0);
  }

  /** A fault that nobody caught: the server is closed, then the thread goes and the supervisor starts another. */
  #die(error: unknown): void {
    this.#problem(error, 'a fault that nobody caught');
    this.#front?.abort();
    setImmediate(() => process.exit(1));
  }

  #problem(error: unknown, doing: string): void {
    this.#say({
      type: 'problem',
      doing,
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }

  #say(message: FromFront): void {
    parentPort?.postMessage(message);
  }
}

new FrontThread().run();
