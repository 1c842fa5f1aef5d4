/**
 * A shard on a Postgres server.
 *
 * Sessions of an owner: the writer, which only commits; control, which raises the fence, terminates and makes
 * partitions; the holder of the shard's lock; and readers.
 */
import { randomUUID } from 'node:crypto';
import { assert } from '../../ledger/assert.js';
import type { LogRecord, Micros, Position } from '../../ledger/record.js';
import { Breaker } from '../../platform/breaker.js';
import type { SlotRange } from '../../platform/config/shards.js';
import { messageOf } from '../../platform/errors.js';
import type { Restore } from '../../platform/ids/id-codec.js';
import type { Log } from '../../platform/log.js';
import { isBatchRefusal, prepareBatch, preparedBatch } from '../batch-row.js';
import { CopyEncoder } from '../copy/encoder.js';
import { FencedError, ShardMismatchError, StoreUnavailableError } from '../errors.js';
import { migrate } from '../migrate.js';
import { Partitions } from '../partitions.js';
import { readFolded, readKeys, readParents } from '../recovery.js';
import { SealChain } from '../seal/chain.js';
import { SCHEMA } from '../session.js';
import type { ShardRow } from '../shard-row.js';
import { openShardRow } from '../shard-row.js';
import type { BatchEncoder, CommitResult, FoldedState, RememberedKey, Resolution, ShardStore } from '../shard-store.js';
import type { Sql } from '../sql.js';
import { checkServer, readClockOffset } from './checks.js';
import type { ConnectOptions } from './connect.js';
import { ControlSession } from './control.js';
import { Fence } from './fence.js';
import type { SessionNames } from './names.js';
import { READER_NAME, sessionNames } from './names.js';
import { OwnerLock } from './owner-lock.js';
import { Reader } from './reader.js';
import { createPgSql } from './sql.js';
import { notSent, Writer } from './writer.js';

export interface PostgresStoreOptions {
  readonly url: string;
  /** Of the shard, as the configuration calls it: 1–32 lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly slots: readonly SlotRange[];
  /** @defaultValue "millrace" */
  readonly schema?: string;
  /** How long a COMMIT may take before it is ambiguous. */
  readonly commitDeadlineMs: number;
  readonly durability: {
    /** False (or an empty text): servers that would lose answered transactions are refused. */
    readonly acceptLoss: boolean | string;
    /** For the writer's sessions; the server's own setting where it is missing. */
    readonly synchronousCommit?: 'on' | 'remote_apply' | 'remote_write' | 'local' | 'off';
  };
  /** For a database that is new. @defaultValue 4,194,304 */
  readonly partitionRecords?: number;
  /** For a database that is new; 1 to 2^31−1, never used before. @defaultValue random */
  readonly logId?: number;
  /** Connections of `sql` at most. @defaultValue 4 */
  readonly connectionsMax?: number;
  readonly log?: Log;
  /** Told of every attempt to raise the fence. */
  readonly breaker?: Breaker;
}

/** Writer, control, lock, and readers of recovery and of parents. */
const OWN_CONNECTIONS = 5;
/** Sessions wait for ever where the owner does, whatever the server's defaults are. */
const PATIENT = {
  statement_timeout: '0',
  lock_timeout: '0',
  idle_session_timeout: '0',
  idle_in_transaction_session_timeout: '0',
};
const CONTROL_LOCK_TIMEOUT_MS = 500;
/** Longer than any migration takes. */
const MIGRATION_MS_MAX = 86_400_000;
/** A server that does not answer is not waited for longer by whoever connects than by whoever commits. */
const CONNECT_MS_MIN = 1_000;
const CONNECT_MS_MAX = 10_000;
/** A statement of a lost owner ends on the server soon after its owner has given it up. */
const WRITER_GRACE_MS = 5_000;

export function createPostgresStore(options: PostgresStoreOptions): ShardStore {
  return new PostgresShard(options);
}

class PostgresShard implements ShardStore {
  readonly sql: Sql;
  clockOffset: Micros = 0;
  readonly #options: PostgresStoreOptions;
  readonly #schema: string;
  readonly #owner = randomUUID();
  readonly #names: SessionNames;
  readonly #control: ControlSession;
  readonly #lock: OwnerLock;
  readonly #writer: Writer;
  readonly #reader: Reader;
  #taken: {
    readonly row: ShardRow;
    readonly fence: Fence;
    readonly partitions: Partitions;
    readonly seals: SealChain;
  } | null = null;
  #committing = false;
  #preparing: Promise<void> | null = null;

  constructor(options: PostgresStoreOptions) {
    this.#options = options;
    this.#schema = options.schema ?? SCHEMA;
    this.#names = sessionNames(options.name, this.#owner);
    const { synchronousCommit } = options.durability;
    const connectTimeoutMs = Math.min(CONNECT_MS_MAX, Math.max(CONNECT_MS_MIN, options.commitDeadlineMs));
    const connect = (applicationName: string, settings: Record<string, string>): ConnectOptions => ({
      url: options.url,
      schema: this.#schema,
      applicationName,
      connectTimeoutMs,
      settings: {
        ...PATIENT,
        ...(synchronousCommit === undefined ? {} : { synchronous_commit: synchronousCommit }),
        ...settings,
      },
    });
    this.#control = new ControlSession(
      connect(this.#names.control, { lock_timeout: String(CONTROL_LOCK_TIMEOUT_MS) }),
      `^(${this.#names.control}|${this.#names.lock})$`,
    );
    this.#lock = new OwnerLock(connect(this.#names.lock, {}), this.#schema, options.log);
    const statementTimeout = String(options.commitDeadlineMs + WRITER_GRACE_MS);
    this.#writer = new Writer(
      // Of the batch's row there is one plan, and it does not depend on the numbers.
      connect(this.#names.writer, { statement_timeout: statementTimeout, plan_cache_mode: 'force_generic_plan' }),
      options.commitDeadlineMs,
    );
    this.#reader = new Reader(connect(READER_NAME, {}));
    this.sql = createPgSql({
      ...connect(READER_NAME, {}),
      ...(options.connectionsMax === undefined ? {} : { connectionsMax: options.connectionsMax }),
    });
  }

  get logId(): number {
    return this.#own().row.logId;
  }
  get incarnation(): number {
    return this.#own().row.incarnation;
  }
  get restores(): readonly Restore[] {
    return this.#own().row.restores;
  }
  get hashKey(): Uint8Array {
    return this.#own().row.hashKey;
  }
  get partitionRecords(): number {
    return this.#own().row.partitionRecords;
  }
  get epoch(): number {
    return this.#own().fence.epoch;
  }

  async acquire({ takeOver }: { readonly takeOver: boolean }): Promise<Resolution> {
    await this.#lock.take(this.#options.name, takeOver);
    try {
      return await this.#takeShard();
    } catch (error) {
      await this.#lock.release();
      throw error;
    }
  }

  async #takeShard(): Promise<Resolution> {
    const { name, durability, connectionsMax, log, breaker } = this.#options;
    const row = await this.#control.use(async (session) => {
      await checkServer(session, {
        shard: name,
        acceptLoss: Boolean(durability.acceptLoss),
        synchronousCommit: durability.synchronousCommit,
        // The lock's and this one are there already.
        connections: OWN_CONNECTIONS - 2 + (connectionsMax ?? 4),
      });
      this.clockOffset = await readClockOffset(session);
      await migrate(session, this.#schema);
      return openShardRow(session, this.#options);
    }, MIGRATION_MS_MAX);
    const fence = new Fence(this.#control, row.logId, this.#owner, log, breaker ?? new Breaker());
    const { digest, ...resolution } = await fence.acquire(this.#names.ofAnyOwner);
    const partitions = new Partitions(row.partitionRecords);
    await this.#control.use((session) => partitions.prepare(session, resolution.head, resolution.head));
    await this.#writer.connect(prepareBatch({ logId: row.logId, owner: this.#owner }));
    this.#taken = { row, fence, partitions, seals: new SealChain(row, digest) };
    return resolution;
  }

  encoder(): BatchEncoder {
    return new CopyEncoder();
  }

  async commit(batch: BatchEncoder): Promise<CommitResult> {
    const { fence, partitions, seals } = this.#own();
    assert(batch instanceof CopyEncoder && batch.records > 0, 'a batch is of this store, and not empty');
    assert(!this.#committing, 'one commit at a time');
    this.#committing = true;
    try {
      if (!partitions.covers(batch.last)) await this.#prepare(batch.first - 1, batch.last);
      const sealed = seals.seal(batch, fence.row.epoch);
      const result = await this.#writer.commit(preparedBatch(sealed.head, sealed.seal), batch);
      if (result.type === 'committed') seals.committed(sealed);
      if (result.type === 'committed' && partitions.isDue(batch.last)) this.#prepareLater(batch.last);
      return result.type === 'failed' ? await this.#fencedOr(result, fence) : result;
    } catch (error) {
      // Only what comes before the first byte throws.
      return notSent(error as Error);
    } finally {
      this.#committing = false;
    }
  }

  async resolve(): Promise<Resolution> {
    const { fence, seals } = this.#own();
    this.#writer.drop();
    // The writer's session of the ambiguous commit, and those of earlier ones if they are still there.
    const { digest, ...resolution } = await fence.resolve(`^${this.#names.writer}$`);
    seals.endsWith(digest);
    // Under way before the next commit asks for it; if it fails, that commit tries again.
    this.#writer.reconnect().catch(() => undefined);
    return resolution;
  }

  async folded(): Promise<FoldedState> {
    const { session, done } = await this.#reader.snapshot();
    try {
      return await readFolded(session, this.#own().row, done);
    } catch (error) {
      await done();
      throw error;
    }
  }

  loadParents(positions: readonly Position[]): Promise<readonly LogRecord[]> {
    return this.#reader.use((session) => readParents(session, positions, Number.MAX_SAFE_INTEGER));
  }

  async *keysBetween(from: Position, upTo: Position): AsyncGenerator<Iterable<RememberedKey>> {
    const { session, done } = await this.#reader.snapshot();
    yield* readKeys(session, from, upTo, done);
  }

  async close(): Promise<void> {
    this.#taken?.fence.close();
    await this.#preparing;
    this.#writer.close();
    this.#control.close();
    this.#reader.close();
    await this.sql.close();
    // Last: whoever takes the shard now finds nothing of this owner.
    await this.#lock.release();
  }

  #own() {
    if (this.#taken === null) throw new StoreUnavailableError(`shard "${this.#options.name}" has not been acquired`);
    return this.#taken;
  }

  /** A batch's row that cannot be: because the fence is not mine any more, or for a reason of its own. */
  async #fencedOr(result: CommitResult & { readonly type: 'failed' }, fence: Fence): Promise<CommitResult> {
    if (!isBatchRefusal(result.error)) return result;
    try {
      if (await fence.isMine()) return result;
      return {
        type: 'fenced',
        error: new FencedError(`shard "${this.#options.name}" has another owner; this one stops`),
      };
    } catch (error) {
      if (error instanceof ShardMismatchError) return { type: 'fenced', error };
      return { type: 'ambiguous', error: error as Error };
    }
  }

  #prepareLater(head: Position): void {
    if (this.#preparing !== null) return;
    this.#preparing = this.#prepare(head, head)
      .catch((error: unknown) => this.#options.log?.warn(`a partition could not be made yet: ${messageOf(error)}`))
      .finally(() => {
        this.#preparing = null;
      });
  }

  #prepare(head: Position, last: Position): Promise<void> {
    const { partitions } = this.#own();
    return this.#control.use((session) => partitions.prepare(session, head, last));
  }
}
