/**
 * The main thread's job: starts workers, fronts and the folds' thread, connects them, watches them, and starts again
 * what dies. It touches no request.
 *
 * A worker that dies takes its requests in flight with it: their fronts see the rings end and answer 503
 * `outcome_unknown`. A front that dies natively takes the process; the small parent of `serve` starts that again.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ShardState } from '../shard/status.js';
import type { FoldMessage } from './fold-thread.js';
import { FoldThread } from './fold-thread.js';
import { Fronts } from './fronts.js';
import type { ShardView } from './health.js';
import { HealthTable } from './health.js';
import type { FromWorker, KeysChange, Merchant, ShardIdentity } from './messages.js';
import type { SupervisorOptions } from './options.js';
import { shardsOf } from './options.js';
import type { Topology } from './topology.js';
import { Workers } from './workers.js';

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #workers: Workers;
  readonly #fronts: Fronts;
  readonly #folds: FoldThread;
  readonly #health: HealthTable;
  /** Why a shard cannot start. */
  #hopeless: string | null = null;
  #onChange: () => void = () => undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#health = new HealthTable(options.shards);
    this.#workers = new Workers({
      options,
      onMessage: (message) => this.#fromWorker(message),
      onDeath: (worker) => {
        for (const shard of shardsOf(options, worker)) this.#changed(shard, 'starting', null, 'its worker died', null);
      },
      fronts: () => this.#fronts.running,
      toFront: (front, { frontSide, frontTransfers }) =>
        this.#fronts.tell(front, { type: 'connect', connection: frontSide }, frontTransfers),
    });
    this.#fronts = new Fronts({
      options,
      connect: (front) => this.#workers.connectFront(front),
      introduce: (front) => {
        for (const { shard } of options.shards) this.#introduce(front, shard);
      },
    });
    this.#folds = new FoldThread(
      options,
      (shard) => this.#workers.sqlPort(shard),
      (message) => this.#fromFolds(message),
    );
  }

  get topology(): Topology {
    return this.#options.topology;
  }

  /**
   * Starts the workers, and the fronts, which do not listen yet. Resolves when every shard is ready, or stopped for damage in its own data: one of them at least
   * is ready then, and serves its merchants.
   * @throws Error for the operator, where a shard cannot start until something outside is mended
   */
  async start(): Promise<void> {
    this.#workers.start();
    this.#fronts.make();
    while (!this.#health.allReady) {
      if (this.#hopeless !== null) throw new Error(this.#hopeless);
      if (this.#health.allSettled) {
        if (this.#health.anyReady) break;
        throw new Error(this.#health.errors.join('; '));
      }
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
    this.#folds.start();
  }

  /** Lets the fronts listen. Resolves with their port when all of them do. */
  async listen(): Promise<{ readonly port: number }> {
    return { port: await this.#fronts.listen() };
  }

  /** The keys that fronts know, from now on. */
  setKeys(change: KeysChange): void {
    this.#fronts.setKeys(change);
  }

  /** To be called before a key of the merchant is given out. */
  addMerchant(merchant: Merchant): void {
    this.#workers.addMerchant(merchant);
  }

  /** To be called when a shard's database that was away takes connections again: the shard goes on at once. */
  databaseIsBack(shard: number): void {
    this.#workers.databaseIsBack(shard);
  }

  /** How the shards are. */
  shards(): readonly ShardView[] {
    return this.#options.shards.map((spec) => this.#health.view(spec, this.topology.workerOf[spec.shard] ?? 0));
  }

  /** A port to the thread that holds this shard's database; for shards on PGlite. */
  sqlPort(shard: number): MessagePort {
    return this.#workers.sqlPort(shard);
  }

  /**
   * Stops accepting, finishes what is in flight, commits, ends all threads.
   * @param beforeWorkers closes what still needs the databases that workers hold
   */
  async drain(beforeWorkers: () => Promise<void>): Promise<void> {
    await this.#fronts.drain();
    await this.#folds.end();
    await beforeWorkers();
    await this.#workers.drain();
  }

  #fromWorker(message: FromWorker): void {
    switch (message.type) {
      case 'shard':
        if (message.hopeless) this.#hopeless ??= message.error;
        this.#changed(message.shard, message.state, message.identity, message.error, message.code);
        break;
      case 'committed':
        this.#folds.poke(message.shard);
        break;
      case 'status':
        for (const status of message.shards) {
          const health = this.#health.of(status.shard);
          health.status = status;
          health.lag.committed(status.position, performance.now());
        }
        this.#fronts.tellAll(message);
        break;
      case 'problem':
        this.#options.log.warn(`${message.shard}: ${message.doing}: ${message.message}`);
        break;
    }
  }

  #fromFolds(message: FoldMessage): void {
    if (message.type === 'error') {
      this.#options.log.warn(`${message.shard}: folding: ${message.message ?? ''}`);
      return;
    }
    const shard = this.#options.shards.findIndex(({ name }) => name === message.shard);
    if (shard === -1) return;
    const { position = 0, lagMs = 0 } = message;
    this.#health.of(shard).lag.folded(position, lagMs, performance.now());
    this.#fronts.tellAll({ type: 'folded', shard, position, lagMs });
  }

  #changed(
    shard: number,
    state: ShardState,
    identity: ShardIdentity | null,
    error: string | null,
    code: string | null,
  ): void {
    const health = this.#health.of(shard);
    const isBack = state === 'ready' && health.state === 'starting' && health.identity !== null;
    if (isBack && this.#options.shards[shard]?.place.kind === 'pglite') this.#folds.renew();
    if (health.state !== state || health.error !== error) {
      const name = this.#options.shards[shard]?.name ?? String(shard);
      const level = state === 'stopped' ? 'error' : error === null ? 'info' : 'warn';
      const why = error === null ? '' : `: ${code === null ? '' : `${code}: `}${error}`;
      this.#options.log[level](`${name} is ${state}${why}`);
    }
    health.state = state;
    health.error = error;
    health.code = code;
    if (identity !== null) health.identity = identity;
    for (const front of this.#fronts.running) this.#introduce(front, shard);
    this.#onChange();
  }

  /** Tells a front how a shard is, and how to read it. */
  #introduce(front: number, shard: number): void {
    const { state, identity, code, lag } = this.#health.of(shard);
    this.#fronts.tell(front, { type: 'shard', shard, state, identity, code });
    const folded = lag.place(performance.now());
    if (folded !== null) this.#fronts.tell(front, { type: 'folded', shard, ...folded });
    if (state !== 'ready' || this.#options.shards[shard]?.place.kind !== 'pglite') return;
    const port = this.#workers.sqlPort(shard);
    this.#fronts.tell(front, { type: 'sql', shard, port }, [port]);
  }
}
