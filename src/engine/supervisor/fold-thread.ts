/** The thread of the folds: started when the shards are ready, poked when something is committed, started again. */
import type { MessagePort } from 'node:worker_threads';
import { Worker } from 'node:worker_threads';
import type { SupervisorOptions } from './options.js';
import { Restarts } from './restarts.js';

/** What it says, as far as the supervisor cares. */
export interface FoldMessage {
  readonly type: 'lag' | 'error';
  readonly shard: string;
  readonly message?: string;
  readonly position?: number;
  readonly lagMs?: number;
}

export class FoldThread {
  readonly #options: SupervisorOptions;
  readonly #sqlPort: (shard: number) => MessagePort;
  readonly #onMessage: (message: FoldMessage) => void;
  readonly #restarts = new Restarts();
  #thread: Worker | null = null;
  #ending = false;

  constructor(
    options: SupervisorOptions,
    sqlPort: (shard: number) => MessagePort,
    onMessage: (message: FoldMessage) => void,
  ) {
    this.#options = options;
    this.#sqlPort = sqlPort;
    this.#onMessage = onMessage;
  }

  start(): void {
    this.#restarts.started(performance.now());
    const ports: MessagePort[] = [];
    const shards = this.#options.shards.map(({ name, place, shard }) => {
      if (place.kind === 'postgres') return { name, connection: { kind: 'postgres', url: place.url } };
      const port = this.#sqlPort(shard);
      ports.push(port);
      return { name, connection: { kind: 'port', port } };
    });
    const lagRecordsMax = this.#options.bounds.foldLagMax;
    const thread = new Worker(this.#options.foldEntry, { workerData: { shards, lagRecordsMax }, transferList: ports });
    this.#thread = thread;
    thread.on('message', this.#onMessage);
    thread.on('error', (error) => this.#options.log.error(`folds failed: ${error.message}`));
    thread.once('exit', () => this.#ended());
  }

  poke(shard: number): void {
    this.#thread?.postMessage({ type: 'poke', shard: this.#options.shards[shard]?.name });
  }

  /** After a database came back in another thread: the old ports lead nowhere. */
  renew(): void {
    this.#thread?.postMessage({ type: 'stop' });
  }

  /** Resolves when the steps under way have ended. */
  async end(): Promise<void> {
    this.#ending = true;
    const thread = this.#thread;
    if (thread === null) return;
    const gone = new Promise((resolve) => thread.once('exit', resolve));
    thread.postMessage({ type: 'stop' });
    await gone;
  }

  #ended(): void {
    this.#thread = null;
    if (this.#ending) return;
    const waitMs = this.#restarts.delayMs(performance.now());
    this.#options.log.error(`the thread of the folds ended; started again in ${waitMs} ms`);
    setTimeout(() => {
      if (!this.#ending) this.start();
    }, waitMs);
  }
}
