/**
 * A shard's store as one engine holds it. The fence and the partitions are the engine's own code over the virtual
 * server's statements; what the driver and the sockets do is played here.
 */

import type { LogRecord } from '../../../src/ledger/record.js';
import { Breaker } from '../../../src/platform/breaker.js';
import { isBatchRefusal, prepareBatch, preparedBatch } from '../../../src/store/batch-row.js';
import type { CopyEncoder } from '../../../src/store/copy/encoder.js';
import { FencedError, ShardHeldError, ShardMismatchError, StoreUnavailableError } from '../../../src/store/errors.js';
import { Mutex } from '../../../src/store/mutex.js';
import { Partitions } from '../../../src/store/partitions.js';
import type { ControlSession } from '../../../src/store/postgres/control.js';
import { Fence } from '../../../src/store/postgres/fence.js';
import type { PgSession } from '../../../src/store/postgres/session.js';
import { SealChain } from '../../../src/store/seal/chain.js';
import type { Session } from '../../../src/store/session.js';
import type {
  BatchEncoder,
  CommitResult,
  FoldedState,
  RememberedKey,
  Resolution,
  ShardStore,
} from '../../../src/store/shard-store.js';
import type { Sql, SqlValue } from '../../../src/store/sql.js';
import { asStore, call } from './call.js';
import { pooledEncoder } from './pool.js';
import { foldedState, keysBetween } from './recovery.js';
import type { Backend, Server } from './server.js';
import { makePartition, runStatement, wantsFence } from './statements.js';
import { SimulatedWriter } from './writer.js';

export interface SimulatedStoreOptions {
  readonly server: Server;
  /** Number of the engine's start. */
  readonly engine: number;
  /** A UUID. */
  readonly owner: string;
  readonly commitDeadlineMicros: number;
}

const CONTROL_DEADLINE_MICROS = 10_000_000;

export class SimulatedStore implements ShardStore {
  readonly incarnation = 1;
  readonly sql: Sql;
  clockOffset = 0;
  readonly #server: Server;
  readonly #options: SimulatedStoreOptions;
  readonly #name: string;
  readonly #writer: SimulatedWriter;
  readonly #mutex = new Mutex();
  #control: Backend | null = null;
  #reader: Backend | null = null;
  #lock: Backend | null = null;
  #fence: Fence | null = null;
  #seals: SealChain | null = null;
  #partitions: Partitions | null = null;
  #preparing: Promise<void> | null = null;
  #closed = false;
  /** Where the batch ends of which nobody knows whether it is there; 0: it is known. */
  #unknown = 0;

  constructor(options: SimulatedStoreOptions) {
    this.#server = options.server;
    this.#options = options;
    options.server.owners.set(options.owner, options.engine);
    this.#name = `millrace-${options.server.name}-${options.owner.slice(0, 8)}`;
    this.#writer = new SimulatedWriter(options.server, this.#name, options.engine, options.commitDeadlineMicros);
    this.sql = {
      query: async (text: string, values: readonly SqlValue[] = []) => {
        const backend = await this.#reading();
        return asStore(() => call(this.#server, backend, () => runStatement(this.#server, text, values)));
      },
      copyOut: () => Promise.reject(new Error('nobody copies a simulated log')),
      close: () => Promise.resolve(),
    };
  }

  get logId(): number {
    return this.#server.logId;
  }
  get hashKey(): Uint8Array {
    return this.#server.hashKey;
  }
  get partitionRecords(): number {
    return this.#server.partitionRecords;
  }
  get epoch(): number {
    return this.#own().fence.epoch;
  }

  async acquire({ takeOver }: { readonly takeOver: boolean }): Promise<Resolution> {
    await this.#takeLock(takeOver);
    try {
      return await this.#takeShard();
    } catch (error) {
      this.#releaseLock();
      throw error;
    }
  }

  async #takeLock(takeOver: boolean): Promise<void> {
    const server = this.#server;
    const { owner } = this.#options;
    this.#lock = await asStore(() => server.connect(`${this.#name}-lock`));
    await asStore(() =>
      call(server, this.#lock as Backend, () => {
        if (server.lockHolder !== null && server.lockHolder !== owner && !takeOver) {
          server.trace.mark('shard held by another');
          throw new ShardHeldError(`shard "${server.name}" is held by another engine`);
        }
        server.lockHolder = owner;
      }),
    );
  }

  #releaseLock(): void {
    if (this.#server.lockHolder === this.#options.owner) this.#server.lockHolder = null;
    if (this.#lock !== null) this.#server.end(this.#lock);
  }

  async #takeShard(): Promise<Resolution> {
    const server = this.#server;
    const control = { spared: `^${this.#name}-(control|lock)$`, use: this.#use } as unknown as ControlSession;
    this.clockOffset = await this.#use((session) => session.query('SELECT clock').then(() => this.#clocksApart()));
    const fence = new Fence(control, server.logId, this.#options.owner, undefined, new Breaker());
    const { digest, ...resolution } = await fence.acquire(`^millrace-${server.name}-[0-9a-f]{8}(-control|-lock)?$`);
    const partitions = new Partitions(server.partitionRecords);
    await this.#use((session) => partitions.prepare(session, resolution.head, resolution.head));
    await asStore(() => this.#writer.connect(prepareBatch({ logId: server.logId, owner: this.#options.owner })));
    this.#fence = fence;
    this.#seals = new SealChain(server, digest);
    this.#partitions = partitions;
    return resolution;
  }

  /** The database's clock less this machine's. */
  #clocksApart(): number {
    return this.#server.wallMicros - Date.now() * 1000;
  }

  encoder(): BatchEncoder {
    return pooledEncoder();
  }

  async commit(batch: BatchEncoder): Promise<CommitResult> {
    const result = await this.#commit(batch);
    this.#unknown = result.type === 'ambiguous' ? batch.last : 0;
    return result;
  }

  async #commit(batch: BatchEncoder): Promise<CommitResult> {
    const { fence, partitions, seals } = this.#own();
    try {
      if (!partitions.covers(batch.last)) await this.#prepare(batch.first - 1, batch.last);
      const sealed = seals.seal(batch as CopyEncoder, fence.row.epoch);
      const result = await this.#writer.commit(preparedBatch(sealed.head, sealed.seal), batch as CopyEncoder);
      if (result.type === 'committed') seals.committed(sealed);
      if (result.type === 'committed' && partitions.isDue(batch.last)) this.#prepareLater(batch.last);
      return result.type === 'failed' ? await this.#fencedOr(result, fence) : result;
    } catch (error) {
      return { type: error instanceof StoreUnavailableError ? 'unsent' : 'failed', error: error as Error };
    }
  }

  async #fencedOr(result: CommitResult & { readonly type: 'failed' }, fence: Fence): Promise<CommitResult> {
    if (!isBatchRefusal(result.error)) return result;
    try {
      if (await fence.isMine()) return result;
      return {
        type: 'fenced',
        error: new FencedError(`shard "${this.#server.name}" has another owner; this one stops`),
      };
    } catch (error) {
      if (error instanceof ShardMismatchError) return { type: 'fenced', error };
      return { type: 'ambiguous', error: error as Error };
    }
  }

  async resolve(): Promise<Resolution> {
    const { fence, seals } = this.#own();
    this.#writer.drop();
    const { digest, ...resolution } = await fence.resolve(`^${this.#name}$`);
    seals.endsWith(digest);
    if (this.#unknown > 0) {
      const isThere = resolution.head >= this.#unknown;
      this.#server.trace.mark(`ambiguous, and the batch was ${isThere ? '' : 'not '}there`);
    }
    this.#writer.reconnect().catch(() => undefined);
    return resolution;
  }

  async folded(): Promise<FoldedState> {
    const backend = await this.#reading();
    return asStore(() => call(this.#server, backend, () => foldedState(this.#server, backend)));
  }

  async loadParents(positions: readonly number[]): Promise<readonly LogRecord[]> {
    const backend = await this.#reading();
    const { server } = this.#options;
    try {
      const read = () => server.log.withActions(positions, Number.MAX_SAFE_INTEGER);
      const records = await asStore(() => call(server, backend, read));
      server.trace.mark('parent loaded');
      return records;
    } catch (error) {
      server.trace.mark('load of a parent failed');
      throw error;
    }
  }

  async *keysBetween(from: number, upTo: number): AsyncGenerator<readonly RememberedKey[]> {
    const backend = await this.#reading();
    yield* await asStore(() => call(this.#server, backend, () => keysBetween(this.#server, from, upTo)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#fence?.close();
    await this.#preparing;
    this.#writer.close();
    for (const backend of [this.#control, this.#reader]) if (backend !== null) this.#server.end(backend);
    this.#releaseLock();
  }

  #own(): { readonly fence: Fence; readonly partitions: Partitions; readonly seals: SealChain } {
    if (this.#fence === null || this.#partitions === null || this.#seals === null) {
      throw new StoreUnavailableError(`shard "${this.#server.name}" has not been acquired`);
    }
    return { fence: this.#fence, partitions: this.#partitions, seals: this.#seals };
  }

  #prepareLater(head: number): void {
    if (this.#preparing !== null) return;
    this.#preparing = this.#prepare(head, head)
      .catch(() => undefined)
      .finally(() => {
        this.#preparing = null;
      });
  }

  #prepare(head: number, last: number): Promise<void> {
    return this.#use((session) => this.#own().partitions.prepare(session, head, last));
  }

  /** As {@link ControlSession.use}. */
  readonly #use = <T>(work: (session: PgSession) => Promise<T>): Promise<T> =>
    this.#mutex.run(async () => {
      if (this.#closed) throw new StoreUnavailableError('the store is closed');
      const server = this.#server;
      if (this.#control?.alive !== true) {
        this.#control = await asStore(() => server.connect(`${this.#name}-control`));
      }
      const backend = this.#control;
      const deadline = server.loop.after(CONTROL_DEADLINE_MICROS, server.loop.current, () => server.end(backend));
      try {
        return await work(this.#sessionOn(backend) as unknown as PgSession);
      } finally {
        server.loop.cancel(deadline);
      }
    });

  #sessionOn(backend: Backend): Session {
    const server = this.#server;
    const query = (text: string, values: readonly SqlValue[] = []) =>
      asStore(() =>
        call(
          server,
          backend,
          () => (text === 'SELECT clock' ? [] : runStatement(server, text, values)),
          wantsFence(text),
        ),
      );
    const exec = (text: string) => asStore(() => call(server, backend, () => makePartition(server, text)));
    const session: Session = {
      query,
      exec,
      // Every transaction here is one call, which happens as a whole.
      transaction: (work) => work(session),
      copyOut: () => Promise.reject(new Error('not on this session')),
    };
    return session;
  }

  async #reading(): Promise<Backend> {
    if (this.#reader?.alive !== true) this.#reader = await asStore(() => this.#server.connect('millrace-read'));
    return this.#reader;
  }
}
