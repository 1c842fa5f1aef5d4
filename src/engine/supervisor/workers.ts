/**
 * The worker threads: a Piscina pool with one long task a worker. A task that ends without being asked to was a worker
 * that died; it is run again, and takes its shards over from the dead one, but not from another engine.
 */
import type { MessagePort } from 'node:worker_threads';
import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { Connection, FrontConnection } from './connections.js';
import { connect } from './connections.js';
import type { FromWorker, Merchant, ToWorker, WorkerTask } from './messages.js';
import type { SupervisorOptions } from './options.js';
import { shardsOf } from './options.js';
import { Restarts } from './restarts.js';

export interface WorkersOptions {
  readonly options: SupervisorOptions;
  readonly onMessage: (message: FromWorker) => void;
  readonly onDeath: (worker: number) => void;
  /** Fronts that are running, to be connected with a worker that starts. */
  readonly fronts: () => readonly number[];
  /** Gives a front its side of the rings. */
  readonly toFront: (front: number, connection: Connection) => void;
}

export class Workers {
  readonly #given: WorkersOptions;
  readonly #pool: Piscina;
  readonly #controls: (MessagePort | null)[] = [];
  readonly #merchants = new Map<number, Merchant>();
  /** Shards that this engine has written, and those of them that another one has taken. */
  readonly #had = new Set<number>();
  readonly #lost = new Set<number>();
  #runs: Promise<void>[] = [];
  #draining = false;

  constructor(given: WorkersOptions) {
    this.#given = given;
    const { workers } = given.options.topology;
    this.#pool = new Piscina({
      filename: new URL('../worker.js', import.meta.url).href,
      minThreads: workers,
      maxThreads: workers,
      concurrentTasksPerWorker: 1,
      // A worker lives on its event loop: waiting for tasks by Atomics would put its sockets to sleep.
      atomics: 'disabled',
    });
    // A thread that has no task (one that has just been made for a worker that is to be started again) has nobody else who
    // hears how it ended. The pool makes another, at the latest for the next task.
    this.#pool.on('error', (error: Error) => given.options.log.error(`a thread for workers ended: ${error.message}`));
  }

  start(): void {
    const { workers } = this.#given.options.topology;
    this.#runs = Array.from({ length: workers }, (_, worker) => this.#keep(worker));
  }

  /** A front's side of new rings to each worker; the workers get theirs. */
  connectFront(front: number): readonly Connection[] {
    const { options } = this.#given;
    return Array.from({ length: options.topology.workers }, (_, worker) => {
      const connection = connect(front, worker, shardsOf(options, worker), options.ringBytes);
      this.#tell(worker, { type: 'connect', connection: connection.workerSide }, connection.workerTransfers);
      return connection;
    });
  }

  /** To be called before a key of the merchant is given out. */
  addMerchant(merchant: Merchant): void {
    if (this.#merchants.has(merchant.book)) return;
    this.#merchants.set(merchant.book, merchant);
    this.#controls.forEach((_, worker) => {
      this.#tell(worker, { type: 'merchant', merchant });
    });
  }

  /** The database of this shard was away, and takes connections again. */
  databaseIsBack(shard: number): void {
    this.#tellWriterOf(shard, { type: 'database-back', shard });
  }

  /** A port to the thread that holds this shard's database; for shards on PGlite. */
  sqlPort(shard: number): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#tellWriterOf(shard, { type: 'sql', shard, port: port2 }, [port2]);
    return port1;
  }

  /** Commits and answers what was taken, and ends the threads. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#controls.forEach((_, worker) => {
      this.#tell(worker, { type: 'drain' });
    });
    await Promise.allSettled(this.#runs);
    await this.#pool.destroy();
  }

  #tellWriterOf(shard: number, message: ToWorker, transfers: readonly MessagePort[] = []): void {
    this.#tell(this.#given.options.topology.workerOf[shard] ?? 0, message, transfers);
  }

  #tell(worker: number, message: ToWorker, transfers: readonly MessagePort[] = []): void {
    this.#controls[worker]?.postMessage(message, [...transfers]);
  }

  async #keep(worker: number): Promise<void> {
    const restarts = new Restarts();
    while (!this.#draining) {
      restarts.started(performance.now());
      try {
        await this.#run(worker);
        return;
      } catch (error) {
        this.#controls[worker] = null;
        if (this.#draining) return;
        const waitMs = restarts.delayMs(performance.now());
        this.#given.options.log.error(
          `worker ${worker} died (${(error as Error).message}); started again in ${waitMs} ms`,
        );
        this.#given.onDeath(worker);
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  async #run(worker: number): Promise<void> {
    const { options, fronts, toFront, onMessage } = this.#given;
    const shards = shardsOf(options, worker);
    const { port1, port2 } = new MessageChannel();
    const connections = fronts().map((front) => connect(front, worker, shards, options.ringBytes));
    this.#controls[worker] = port1;
    port1.on('message', (message: FromWorker) => {
      if (message.type === 'shard' && message.state === 'ready') this.#had.add(message.shard);
      if (message.type === 'shard' && message.code === 'MR_FENCED') this.#lost.add(message.shard);
      onMessage(message);
    });
    const task = this.#task(
      worker,
      connections.map(({ workerSide }) => workerSide),
      port2,
    );
    const transferList = [port2, ...connections.flatMap(({ workerTransfers }) => workerTransfers)];
    const running = this.#pool.run(task, { transferList });
    for (const connection of connections) toFront(connection.workerSide.front, connection);
    try {
      await running;
    } finally {
      port1.close();
    }
  }

  #task(worker: number, fronts: readonly FrontConnection[], control: MessagePort): WorkerTask {
    const { settings, bounds, commitDeadlineMs, durability, partitionRecords, shards, topology } = this.#given.options;
    return {
      worker,
      shards: shards.filter(({ shard }) => topology.workerOf[shard] === worker),
      fronts,
      merchants: [...this.#merchants.values()],
      settings,
      bounds,
      commitDeadlineMs,
      durability,
      partitionRecords,
      takeOver: this.#mayTakeOver(worker),
      control,
    };
  }

  /**
   * The first time, as the operator says. Later, what was ours is taken back from the dead worker, whose session may
   * linger; but a shard that another engine took is that engine's.
   */
  #mayTakeOver(worker: number): boolean {
    const { options } = this.#given;
    const shards = shardsOf(options, worker);
    if (shards.some((shard) => this.#lost.has(shard))) return false;
    return options.takeOver || shards.every((shard) => this.#had.has(shard));
  }
}
