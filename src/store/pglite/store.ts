/**
 * A shard in a PGlite database on a folder: Postgres in WebAssembly, in this thread, without native code.
 *
 * It does not fsync: what is committed survives the death of the process, not of the machine. There is one session, so
 * the fence is the folder's lock; its row is kept and checked all the same, as are the tables, by the same statements
 * as on a server.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { assert } from '../../ledger/assert.js';
import type { LogRecord, Position } from '../../ledger/record.js';
import type { SlotRange } from '../../platform/config/shards.js';
import type { Restore } from '../../platform/ids/id-codec.js';
import type { Log } from '../../platform/log.js';
import { batchStatement, isBatchRefusal } from '../batch-row.js';
import { LOG_COLUMN_LIST } from '../copy/columns.js';
import { CopyEncoder } from '../copy/encoder.js';
import { FencedError, ShardMismatchError, StoreUnavailableError, sqlState } from '../errors.js';
import { migrate } from '../migrate.js';
import { Partitions } from '../partitions.js';
import { lastBatch, readFolded, readKeys, readParents } from '../recovery.js';
import { SealChain } from '../seal/chain.js';
import type { Session } from '../session.js';
import { quoteName, SCHEMA } from '../session.js';
import type { ShardRow } from '../shard-row.js';
import { openShardRow } from '../shard-row.js';
import type { BatchEncoder, CommitResult, FoldedState, RememberedKey, Resolution, ShardStore } from '../shard-store.js';
import type { Sql } from '../sql.js';
import { FolderLock } from './folder-lock.js';
import { pgliteSession } from './session.js';
import { createPgliteSql, PGLITE_OPTIONS } from './sql.js';

export interface PgliteStoreOptions {
  /** Folder of the database; made where it does not exist. Nobody else may open it. */
  readonly folder: string;
  readonly name: string;
  readonly slots: readonly SlotRange[];
  /** @defaultValue "millrace" */
  readonly schema?: string;
  /** For a database that is new. @defaultValue 4,194,304 */
  readonly partitionRecords?: number;
  /** For a database that is new. @defaultValue random */
  readonly logId?: number;
  readonly log?: Log;
}

/** Opens nothing before `acquire`. */
export function createPgliteStore(options: PgliteStoreOptions): ShardStore {
  return new PgliteShard(options);
}

interface Open {
  readonly database: PGlite;
  readonly session: Session;
  readonly row: ShardRow;
  readonly partitions: Partitions;
  readonly seals: SealChain;
  epoch: number;
}

const ready = (): Promise<void> => Promise.resolve();

class PgliteShard implements ShardStore {
  readonly sql: Sql;
  readonly #options: PgliteStoreOptions;
  readonly #owner = randomUUID();
  readonly #lock: FolderLock;
  #database: PGlite | null = null;
  #open: Open | null = null;
  #committing = false;

  constructor(options: PgliteStoreOptions) {
    this.#options = options;
    this.#lock = new FolderLock(options.folder);
    this.sql = {
      query: async (text, values) => createPgliteSql(this.#own().database).query(text, values),
      copyOut: async (query) => createPgliteSql(this.#own().database).copyOut(query),
      close: ready,
    };
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
  /** Its clock is ours. */
  readonly clockOffset = 0;

  get epoch(): number {
    return this.#own().epoch;
  }

  async acquire({ takeOver }: { readonly takeOver: boolean }): Promise<Resolution> {
    const { folder } = this.#options;
    const schema = this.#options.schema ?? SCHEMA;
    mkdirSync(dirname(folder), { recursive: true });
    this.#lock.take(takeOver);
    try {
      return await this.#takeShard(folder, schema);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #takeShard(folder: string, schema: string): Promise<Resolution> {
    const database = await PGlite.create(folder, PGLITE_OPTIONS);
    this.#database = database;
    await database.exec(
      `SET timezone TO 'UTC'; SET datestyle TO ISO; SET bytea_output TO hex; SET search_path TO ${quoteName(schema)}`,
    );
    const session = pgliteSession(database);
    await migrate(session, schema);
    const row = await openShardRow(session, this.#options);
    const partitions = new Partitions(row.partitionRecords);
    const open: Open = { database, session, row, partitions, seals: new SealChain(row, null), epoch: 0 };
    const resolution = await this.#raise(open, await readFence(open));
    await partitions.prepare(session, resolution.head, resolution.head);
    this.#open = open;
    return resolution;
  }

  encoder(): BatchEncoder {
    return new CopyEncoder();
  }

  async commit(batch: BatchEncoder): Promise<CommitResult> {
    const open = this.#own();
    const { database, row, partitions, seals, session } = open;
    assert(batch instanceof CopyEncoder && batch.records > 0, 'a batch is of this store, and not empty');
    assert(!this.#committing, 'one commit at a time');
    this.#committing = true;
    try {
      if (!partitions.covers(batch.last)) await partitions.prepare(session, batch.first - 1, batch.last);
      const fence = { logId: row.logId, epoch: open.epoch, owner: this.#owner };
      const sealed = seals.seal(batch, open.epoch);
      // One message, so one transaction.
      const results = await database.exec(
        `${batchStatement(fence, sealed.head, sealed.seal)}; COPY log (${LOG_COLUMN_LIST}) FROM '/dev/blob' (FORMAT binary)`,
        { blob: new Blob([batch.bytes()]) },
      );
      // PGlite adds the counts of a message up: the second is that of both statements.
      const rows = results.map(({ affectedRows }) => affectedRows ?? 0);
      if (rows.length !== 2 || rows[0] !== 1 || rows[1] !== 1 + batch.records) {
        return {
          type: 'ambiguous',
          error: new Error(`a batch of ${batch.records} records was answered by ${JSON.stringify(rows)}`),
        };
      }
      seals.committed(sealed);
      if (partitions.isDue(batch.last))
        await partitions.prepare(session, batch.last, batch.last).catch(() => undefined);
      return { type: 'committed' };
    } catch (error) {
      return await this.#refusal(open, error as Error);
    } finally {
      this.#committing = false;
    }
  }

  async resolve(): Promise<Resolution> {
    const open = this.#own();
    return this.#raise(open, { epoch: open.epoch, owner: this.#owner });
  }

  async folded(): Promise<FoldedState> {
    {
      const { session, row } = this.#own();
      return readFolded(session, row, ready);
    }
  }

  loadParents(positions: readonly Position[]): Promise<readonly LogRecord[]> {
    return readParents(this.#own().session, positions, Number.MAX_SAFE_INTEGER);
  }

  keysBetween(from: Position, upTo: Position): AsyncIterable<Iterable<RememberedKey>> {
    return readKeys(this.#own().session, from, upTo, ready);
  }

  async close(): Promise<void> {
    this.#open = null;
    await this.#database?.close().catch(() => undefined);
    this.#database = null;
    this.#lock.release();
  }

  #own(): Open {
    if (this.#open === null) throw new StoreUnavailableError(`shard "${this.#options.name}" has not been acquired`);
    return this.#open;
  }

  async #raise(open: Open, from: { readonly epoch: number; readonly owner: string }): Promise<Resolution> {
    const [raised] = await open.session.query(
      'UPDATE fence SET epoch = epoch + 1, owner = $4 WHERE log_id = $1 AND epoch = $2 AND owner = $3 RETURNING epoch',
      [open.row.logId, from.epoch, from.owner, this.#owner],
    );
    if (raised === undefined) {
      const row = await readFence(open);
      if (row.owner === this.#owner) return this.#raise(open, row);
      throw new FencedError(`shard "${this.#options.name}" has another owner; this one stops`);
    }
    open.epoch = Number(raised.epoch);
    const { last, digest } = await lastBatch(open.session);
    open.seals.endsWith(digest);
    return { epoch: open.epoch, head: last };
  }

  async #refusal(open: Open, error: Error): Promise<CommitResult> {
    if (sqlState(error) === undefined) return { type: 'ambiguous', error };
    if (!isBatchRefusal(error)) return { type: 'failed', error };
    const row = await readFence(open).catch(() => null);
    if (row !== null && row.owner === this.#owner && row.epoch === open.epoch) return { type: 'failed', error };
    return {
      type: 'fenced',
      error: new FencedError(`shard "${this.#options.name}" has another owner; this one stops`),
    };
  }
}

async function readFence({ session, row }: Open): Promise<{ readonly epoch: number; readonly owner: string }> {
  const [fence] = await session.query('SELECT epoch, owner FROM fence WHERE log_id = $1', [row.logId]);
  if (fence === undefined)
    throw new ShardMismatchError(`the fence of log ${row.logId} is missing: the database is damaged`);
  return { epoch: Number(fence.epoch), owner: String(fence.owner) };
}
