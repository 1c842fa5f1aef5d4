/**
 * The front threads: made while the shards still load, told one by one to listen on one port, and started again when they end.
 */
import type { MessagePort } from 'node:worker_threads';
import { Worker } from 'node:worker_threads';
import type { LedgerSettings } from '../../ledger/command.js';
import type { Connection, WorkerConnection } from './connections.js';
import type { ApiKeyEntry, FromFront, KeysChange, ShardSpec, ToFront } from './messages.js';
import type { SupervisorOptions } from './options.js';
import { Restarts } from './restarts.js';

/** `workerData` of a front thread. */
export interface FrontThreadData {
  readonly front: number;
  readonly fronts: number;
  readonly host: string;
  readonly shards: readonly ShardSpec[];
  readonly connections: readonly WorkerConnection[];
  readonly keys: readonly ApiKeyEntry[];
  readonly keysStale: boolean;
  readonly settings: LedgerSettings;
  readonly config: unknown;
  /** Of all fronts; see the http layer. */
  readonly counters: SharedArrayBuffer;
}

export interface FrontsOptions {
  readonly options: SupervisorOptions;
  /** New rings from this front to all workers. */
  readonly connect: (front: number) => readonly Connection[];
  /** Called for a front that has just been started: tells it how the shards are. */
  readonly introduce: (front: number) => void;
}

export class Fronts {
  readonly #given: FrontsOptions;
  readonly #threads: (Worker | null)[] = [];
  /** Those from 0 up to here may listen; others wait until the one before them does. */
  #listening = 0;
  #onListening: () => void = () => undefined;
  /** By id; for fronts that start. */
  readonly #keys = new Map<string, ApiKeyEntry>();
  #keysStale = false;
  #port: number;
  #draining = false;

  constructor(given: FrontsOptions) {
    this.#given = given;
    this.#port = given.options.port;
  }

  /** Makes them, after the workers: what they have to load is loaded while the shards do. */
  make(): void {
    for (let front = 0; front < this.#given.options.topology.fronts; front++) this.#start(front, new Restarts());
  }

  /** Resolves with the port when all of them listen. */
  async listen(): Promise<number> {
    for (let front = 0; front < this.#given.options.topology.fronts; front++) {
      // One by one: the first may be given a free port, which the others then share.
      const listens = new Promise<void>((resolve) => {
        this.#onListening = resolve;
      });
      this.#listening = front + 1;
      this.tell(front, { type: 'listen', port: this.#port });
      await listens;
    }
    return this.#port;
  }

  /** Indexes of those that run. */
  get running(): readonly number[] {
    return this.#threads.flatMap((thread, front) => (thread === null ? [] : [front]));
  }

  /** The keys that fronts know, from now on. */
  setKeys(change: KeysChange): void {
    if (change.whole) this.#keys.clear();
    for (const key of change.keys) this.#keys.set(key.id, key);
    this.#keysStale = change.stale;
    this.tellAll({ type: 'keys', ...change });
  }

  tell(front: number, message: ToFront, transfers: readonly MessagePort[] = []): void {
    this.#threads[front]?.postMessage(message, [...transfers]);
  }

  tellAll(message: ToFront): void {
    for (const front of this.running) this.tell(front, message);
  }

  /** Takes nothing new, answers what is under way, and ends the threads. */
  async drain(): Promise<void> {
    this.#draining = true;
    const gone = this.#threads.flatMap((thread) =>
      thread === null ? [] : [new Promise((resolve) => thread.once('exit', resolve))],
    );
    this.tellAll({ type: 'drain' });
    await Promise.all(gone);
  }

  #start(front: number, restarts: Restarts): void {
    restarts.started(performance.now());
    const connections = this.#given.connect(front);
    const thread = new Worker(this.#given.options.frontEntry, {
      workerData: this.#data(
        front,
        connections.map(({ frontSide }) => frontSide),
      ),
      transferList: connections.flatMap(({ frontTransfers }) => [...frontTransfers]),
    });
    thread.on('message', (message: FromFront) => {
      if (message.type === 'problem') {
        this.#given.options.log.warn(`front ${front}: ${message.doing}: ${message.message}`);
        return;
      }
      this.#port = message.port;
      // The last that was told to; one of the others that was started again is nobody's to wait for.
      if (front === this.#listening - 1) this.#onListening();
    });
    thread.on('error', (error) => this.#given.options.log.error(`front ${front} failed: ${error.message}`));
    thread.once('exit', () => this.#ended(front, restarts));
    this.#threads[front] = thread;
    this.#given.introduce(front);
    if (front < this.#listening) this.tell(front, { type: 'listen', port: this.#port });
  }

  #data(front: number, connections: readonly WorkerConnection[]): FrontThreadData {
    const { topology, shards, settings, frontConfig, frontCounters, host } = this.#given.options;
    return {
      front,
      fronts: topology.fronts,
      host,
      shards,
      connections,
      keys: [...this.#keys.values()],
      keysStale: this.#keysStale,
      settings,
      config: frontConfig,
      counters: frontCounters,
    };
  }

  #ended(front: number, restarts: Restarts): void {
    this.#threads[front] = null;
    if (this.#draining) return;
    const waitMs = restarts.delayMs(performance.now());
    this.#given.options.log.error(`front ${front} ended; started again in ${waitMs} ms`);
    setTimeout(() => {
      if (!this.#draining) this.#start(front, restarts);
    }, waitMs);
  }
}
