/**
 * The database server: the fence, the batches, the log, who is connected, and who waits for whom. All that changes
 * durably does so in one step of the loop, as a COMMIT does.
 */
import type { Ledger } from '../../../src/ledger/ledger.js';
import { lastLoaded } from '../engine/observe.js';
import type { WorldEvent } from '../history.js';
import type { Random } from '../random.js';
import type { Loop } from '../time/loop.js';
import { Machine, Thread } from '../time/loop.js';
import type { Trace } from '../trace.js';
import { ConnectionLost } from './errors.js';
import { BalancesFold } from './fold.js';
import { FoldRunner } from './fold-runner.js';
import { LogTable } from './rows.js';
import { FAIR, type Weather } from './weather.js';

/** A server process of one session. */
export interface Backend {
  readonly name: string;
  readonly client: Thread;
  alive: boolean;
  /** A batch is on its way to it, or it works on one. */
  busy: boolean;
  /** It is past the point where it could be undone: a signal does not stop it. */
  committing: boolean;
  /** A signal waits for it. */
  terminated: boolean;
}

export interface KeyFilterRow {
  readonly partition: number;
  readonly keys: number;
  readonly buckets: number;
  readonly bits: Uint8Array;
  readonly byBook: string;
  readonly lastExpiresAt: number;
}

export class Server {
  readonly thread = new Thread('database', new Machine());
  /** As the configuration calls the shard that it holds. */
  readonly name: string;
  readonly logId: number;
  readonly log = new LogTable();
  readonly fold = new BalancesFold(this.log);
  readonly folds = new FoldRunner(this);
  readonly weather: Weather = { ...FAIR };
  readonly fence = { epoch: 0, owner: '00000000-0000-0000-0000-000000000000' };
  readonly hashKey: Uint8Array;
  readonly partitions = new Map<number, { first: number; end: number; closed: boolean; keysIndexed: boolean }>();
  readonly keyFilters = new Map<number, KeyFilterRow>();
  /** By "partition:bucket". */
  readonly keyBuckets = new Map<string, Uint8Array>();
  /** Number of the engine of each owner. */
  readonly owners = new Map<string, number>();
  readonly raises: WorldEvent[] = [];
  /** Owner whose session holds the shard's advisory lock. */
  lockHolder: string | null = null;
  /** Backends that hold the fence's row FOR SHARE. */
  readonly sharing = new Set<Backend>();
  readonly #backends = new Set<Backend>();
  readonly #memories = new WeakMap<Thread, Ledger>();
  #waiting: (() => void)[] = [];

  constructor(
    readonly loop: Loop,
    readonly random: Random,
    readonly trace: Trace,
    readonly partitionRecords: number,
    /** Index of the shard that it holds: a server each. */
    readonly shard = 0,
  ) {
    this.name = `shard-${shard}`;
    this.logId = shard + 1;
    this.hashKey = random.bytes(16);
  }

  /** The server's own wall clock, which is right. */
  get wallMicros(): number {
    return this.loop.trueTime;
  }

  wayMicros(): number {
    return this.random.between(...this.weather.networkMicros);
  }

  /** @throws ConnectionLost where nobody gets in */
  async connect(name: string): Promise<Backend> {
    const client = this.loop.current;
    await this.loop.sleep(this.wayMicros() * 2);
    if (this.weather.isDown || this.random.chance(this.weather.callLost)) throw new ConnectionLost();
    const backend: Backend = { name, client, alive: true, busy: false, committing: false, terminated: false };
    this.#backends.add(backend);
    return backend;
  }

  /** Its client closed, or the server ends it. What it had begun and not committed is undone. */
  end(backend: Backend): void {
    if (!backend.alive) return;
    backend.alive = false;
    this.#backends.delete(backend);
    this.letGo(backend);
  }

  /** By the names of sessions, as `pg_terminate_backend` over `pg_stat_activity`. */
  terminate(names: RegExp, spared: RegExp | null): void {
    for (const backend of this.#backends) {
      if (!names.test(backend.name) || spared?.test(backend.name)) continue;
      backend.terminated = true;
      if (!backend.committing) this.end(backend);
    }
  }

  /** The server was restarted: all of its sessions are gone, and what they had not committed. */
  endAll(): void {
    for (const backend of [...this.#backends]) this.end(backend);
  }

  /** What the engine whose code runs now has just brought to life is the memory of this shard on its thread. */
  noteMemory(): void {
    const ledger = lastLoaded();
    if (ledger !== null) this.#memories.set(this.loop.current, ledger);
  }

  /** The memory that a thread has of this shard. */
  memoryOf(thread: Thread): Ledger | undefined {
    return this.#memories.get(thread);
  }

  /** A thread died: its idle sessions end. One that works on a batch hears of it when it answers. */
  clientDied(client: Thread): void {
    for (const backend of [...this.#backends]) if (backend.client === client && !backend.busy) this.end(backend);
  }

  share(backend: Backend): void {
    this.sharing.add(backend);
  }

  letGo(backend: Backend): void {
    if (!this.sharing.delete(backend) || this.sharing.size > 0) return;
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Calls back when nobody shares the fence's row any more. */
  whenFree(go: () => void): void {
    if (this.sharing.size === 0) go();
    else this.#waiting.push(go);
  }
}
