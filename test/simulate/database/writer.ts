/**
 * The connection that commits, and what the server does with a batch: row behind the fence, COPY, COMMIT. What the fence
 * asks is read from the statement that the engine prepares, so that a condition that is missing there is missing here.
 */
import type { CopyEncoder } from '../../../src/store/copy/encoder.js';
import { StoreUnavailableError } from '../../../src/store/errors.js';
import type { CommitResult } from '../../../src/store/shard-store.js';
import { planted } from '../planted.js';
import { ConnectionLost, HarnessError, ServerError } from './errors.js';
import type { Backend, Server } from './server.js';

interface Prepared {
  readonly owner: string;
  readonly asksEpoch: boolean;
  readonly asksOwner: boolean;
  readonly asksEnd: boolean;
  readonly locks: boolean;
}

function prepare(text: string): Prepared {
  const owner = /owner = '([^']*)'/.exec(text)?.[1];
  return {
    owner: owner ?? '',
    asksEpoch: text.includes('AND epoch = $3') && !planted('fence_left_out'),
    asksOwner: owner !== undefined && !planted('fence_left_out'),
    asksEnd: text.includes('ORDER BY b.prev DESC LIMIT 1), 0) = $1'),
    locks: text.includes('FOR SHARE OF fence'),
  };
}

interface Batch {
  readonly prev: number;
  readonly last: number;
  readonly epoch: number;
  readonly hash: bigint;
  readonly digest: Buffer;
  readonly copied: Buffer;
}

const BATCH = 'EXECUTE batch_row (';

/** Its row: prev, last, epoch, hash, digest and marks, which nobody looks at here. */
function batchOf(statement: string, encoder: CopyEncoder): Batch {
  const values = statement.startsWith(BATCH) ? statement.slice(BATCH.length, -1).split(', ', 6) : [];
  const [prev, last, epoch, hash, digest = '', marks] = values;
  if (marks === undefined || digest.length !== DIGEST_LENGTH) throw new HarnessError(`not a batch: ${statement}`);
  return {
    prev: Number(prev),
    last: Number(last),
    epoch: Number(epoch),
    hash: BigInt(hash ?? 0),
    digest: Buffer.from(digest.slice(3, -1), 'hex'),
    // What goes over the wire is not the encoder's any more.
    copied: Buffer.from(encoder.bytes()),
  };
}

/** `'\x…'` with 64 digits. */
const DIGEST_LENGTH = 3 + 64 + 1;

const ambiguous = (error: Error): CommitResult => ({ type: 'ambiguous', error });

export class SimulatedWriter {
  readonly #server: Server;
  readonly #name: string;
  readonly #engine: number;
  readonly #deadlineMicros: number;
  #backend: Backend | null = null;
  #connecting: Promise<Backend> | null = null;
  #prepared: Prepared | null = null;
  #closed = false;

  constructor(server: Server, name: string, engine: number, deadlineMicros: number) {
    this.#server = server;
    this.#name = name;
    this.#engine = engine;
    this.#deadlineMicros = deadlineMicros;
  }

  async connect(preparation: string): Promise<void> {
    this.#prepared = prepare(preparation);
    await this.#connected();
  }

  async reconnect(): Promise<void> {
    await this.#connected();
  }

  drop(): void {
    const backend = this.#backend;
    this.#backend = null;
    // The server hears of it when it next reads or writes: a batch that is on its way, or worked on, goes on.
    if (backend !== null && !backend.busy) this.#server.end(backend);
  }

  close(): void {
    this.#closed = true;
    this.drop();
  }

  async commit(statement: string, encoder: CopyEncoder): Promise<CommitResult> {
    let backend: Backend;
    try {
      backend = await this.#connected();
    } catch (error) {
      return { type: 'unsent', error: new StoreUnavailableError((error as Error).message) };
    }
    const result = await this.#send(backend, batchOf(statement, encoder), encoder.records);
    if (result.type !== 'committed' && this.#backend === backend) this.drop();
    return result;
  }

  #connected(): Promise<Backend> {
    if (this.#backend?.alive) return Promise.resolve(this.#backend);
    this.#connecting ??= this.#dial().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #dial(): Promise<Backend> {
    const backend = await this.#server.connect(this.#name);
    if (this.#closed) throw new StoreUnavailableError('the store is closed');
    this.#backend = backend;
    return backend;
  }

  #send(backend: Backend, batch: Batch, records: number): Promise<CommitResult> {
    const { loop, trace } = this.#server;
    const client = loop.current;
    return new Promise((resolve) => {
      const deadline = loop.after(this.#deadlineMicros, client, () => {
        trace.mark('commit past its deadline');
        resolve(ambiguous(new StoreUnavailableError('no answer to a COMMIT in time')));
      });
      const settle = (result: CommitResult): void => {
        loop.cancel(deadline);
        resolve(result);
      };
      backend.busy = true;
      const tell = (result: CommitResult): void => {
        backend.busy = false;
        // Its client has cut the connection meanwhile.
        if (this.#backend !== backend) this.#server.end(backend);
        loop.after(this.#server.wayMicros(), client, () => settle(result));
      };
      new Commit(this.#server, backend, batch, this.#prepared as Prepared, this.#engine, records, tell).begin();
    });
  }
}

/** One batch on the server. */
class Commit {
  constructor(
    readonly server: Server,
    readonly backend: Backend,
    readonly batch: Batch,
    readonly prepared: Prepared,
    readonly engine: number,
    readonly records: number,
    readonly tell: (result: CommitResult) => void,
  ) {}

  begin(): void {
    const { server } = this;
    server.loop.after(server.wayMicros(), server.thread, () => this.#arrive());
  }

  #lost(): void {
    this.server.end(this.backend);
    this.tell(ambiguous(new ConnectionLost()));
  }

  #arrive(): void {
    const { server, backend } = this;
    const { weather, random, trace } = server;
    if (!backend.alive || weather.isDown) {
      this.#lost();
      return;
    }
    if (random.chance(weather.lostBefore)) {
      trace.mark('connection lost before a commit');
      this.#lost();
      return;
    }
    const refusal = this.#refusal();
    if (refusal !== null) {
      trace.mark('batch refused by the fence');
      this.#fail(refusal);
      return;
    }
    if (this.prepared.locks) server.share(backend);
    const [least, most] = weather.commitMicros;
    const takes = random.between(least, most);
    server.loop.after(takes >> 1, server.thread, () => this.#copied(takes));
  }

  /** What the statement of the batch's row runs into. */
  #refusal(): ServerError | null {
    const { server, batch, prepared } = this;
    const { epoch, owner } = server.fence;
    const isPassed =
      (!prepared.asksEpoch || epoch === batch.epoch) &&
      (!prepared.asksOwner || owner === prepared.owner) &&
      (!prepared.asksEnd || server.log.head === batch.prev);
    if (!isPassed) return new ServerError('null value in column "last" of relation "batch"', '23502', 'batch');
    if (batch.prev < server.log.head) {
      return new ServerError('duplicate key value violates unique constraint "batch_pkey"', '23505', 'batch');
    }
    return null;
  }

  #copied(takes: number): void {
    const { server, backend, batch } = this;
    const { weather, random, trace, loop } = server;
    if (!backend.alive) {
      this.#lost();
      return;
    }
    if (random.chance(weather.lostDuring)) {
      trace.mark('connection lost during a copy');
      this.#lost();
      return;
    }
    if (weather.isFull) {
      trace.mark('disk full');
      this.#fail(new ServerError('could not extend file: No space left on device', '53100'));
      return;
    }
    if (random.chance(weather.refuses)) {
      trace.mark('batch refused');
      this.#fail(new ServerError('out of memory', '53200'));
      return;
    }
    if (random.chance(weather.garbles)) {
      this.#garbled();
      return;
    }
    if (!this.#isCovered(batch.last)) {
      this.#fail(new ServerError('no partition of relation "log" found for row', '23514', 'log'));
      return;
    }
    const stalls = random.chance(weather.stalls);
    if (!stalls) {
      loop.after(takes - (takes >> 1), server.thread, () => this.#commit());
      return;
    }
    trace.mark('commit stalled');
    // A signal reaches a backend that hangs before its COMMIT; past that point nothing stops it.
    backend.committing = random.chance(0.5);
    loop.after(random.between(500_000, 6_000_000), server.thread, () => this.#commit());
  }

  /** The message is undone as a whole; a proxy in between may leave it at an answer that nobody expects. */
  #garbled(): void {
    const { server } = this;
    if (server.random.chance(0.5)) {
      server.trace.mark('copy garbled, and refused');
      this.#fail(new ServerError('incorrect binary data format', '22P03'));
      return;
    }
    server.trace.mark('copy garbled, and short');
    server.letGo(this.backend);
    this.tell(ambiguous(new Error(`a batch was answered by ["INSERT 0 1","COPY ${this.records - 1}","ROLLBACK"]`)));
  }

  #isCovered(last: number): boolean {
    return this.server.partitions.has(Math.floor((last - 1) / this.server.partitionRecords));
  }

  #commit(): void {
    const { server, backend, batch } = this;
    const { weather, random, trace, loop } = server;
    if (!backend.alive) {
      this.#lost();
      return;
    }
    if (random.chance(weather.oddTag)) {
      trace.mark('commit answered by a rollback');
      server.letGo(backend);
      this.tell(ambiguous(new Error('a batch was answered by ["INSERT 0 1","ROLLBACK"]')));
      return;
    }
    const { prev, last, epoch, hash, digest, copied } = batch;
    const { engine } = this;
    server.log.append({ step: trace.nextStep(), at: loop.now, engine, prev, last, epoch, hash, digest, copied });
    server.folds.wake();
    trace.say(
      loop.now,
      `${server.name} committed ${prev + 1}-${last} epoch ${epoch} engine ${this.engine} hash ${hash}`,
    );
    if (epoch < server.fence.epoch) trace.mark('commit by an old epoch');
    backend.committing = false;
    server.letGo(backend);
    if (backend.terminated) {
      trace.mark('late commit, session terminated');
      this.#lost();
      return;
    }
    if (!backend.client.alive) {
      trace.mark('commit of an engine that is dead');
      server.end(backend);
      return;
    }
    if (random.chance(weather.lostAfter)) {
      trace.mark('connection lost after a commit');
      this.#lost();
      return;
    }
    this.tell({ type: 'committed' });
  }

  /** The server says so itself and lives on: nothing of the batch is there. */
  #fail(error: ServerError): void {
    this.server.letGo(this.backend);
    this.tell({ type: 'failed', error });
  }
}
