/**
 * One shard's database, as its single writer sees it. Postgres and PGlite keep the same contract, and one test-suite
 * runs against both.
 */
import type { LoadAccount, LoadBook } from '../ledger/load.js';
import type { ByteSlice, LogRecord, LogSink, Micros, Position } from '../ledger/record.js';
import type { Restore } from '../platform/ids/id-codec.js';
import type { Sql } from './sql.js';

/** Encodes records as rows of binary COPY into a reused buffer. */
export interface BatchEncoder extends LogSink {
  readonly records: number;
  /** Bytes of rows so far. */
  readonly sizeBytes: number;
  readonly first: Position;
  readonly last: Position;
  /** The ledger's running hash after the last record; set before the commit, stored in the batch's row. */
  chainHash: bigint;
  /** Empties it for the next batch; keeps the buffer. */
  clear(): void;
}

export type CommitResult =
  /** The COMMIT was acknowledged with every command tag as expected. */
  | { readonly type: 'committed' }
  /** The server refused the batch and said so: nothing of it is there. */
  | { readonly type: 'failed'; readonly error: Error }
  /**
   * There is no connection, or no room for the partition that it needs: not one byte of the batch went out, and the same
   * one may go once the database is back.
   */
  | { readonly type: 'unsent'; readonly error: Error }
  /** Nobody knows: connection lost after the first byte, or the deadline passed. `resolve` before anything else. */
  | { readonly type: 'ambiguous'; readonly error: Error }
  /** Another owner holds the fence: this one stops and writes nothing any more. */
  | { readonly type: 'fenced'; readonly error: Error };

/** What the fence says after it was raised. */
export interface Resolution {
  readonly epoch: number;
  /** The end of the committed log: max(last). A batch up to `last` is there if this is ≥ its `last`. */
  readonly head: Position;
}

/** Folded state to start from; every generator is read once, in order. All true as of `foldedTo`. */
export interface FoldedState {
  readonly foldedTo: Position;
  /** The running hash and the recorded time as of `foldedTo` (always the end of a batch); 0 where the log is empty. */
  readonly foldedHash: bigint;
  readonly foldedAt: Micros;
  readonly head: Position;
  /** The running hash that the last batch's row holds: recovery must arrive at it. */
  readonly headHash: bigint;
  readonly books: AsyncIterable<readonly FoldedBook[]>;
  /** Their highest number. */
  readonly accountCount: number;
  /** Valid until the next one is taken. */
  readonly accounts: AsyncIterable<Iterable<LoadAccount>>;
  /** Records of transactions that are pending as of `foldedTo`, each followed by its actions, in order of position. */
  readonly openHolds: AsyncIterable<readonly LogRecord[]>;
  /** `configured` records up to `foldedTo`, in order. */
  readonly configured: AsyncIterable<readonly LogRecord[]>;
  /** Records after `foldedTo`, to the head, in order. Each group is valid until the next one is taken. */
  readonly tail: AsyncIterable<readonly LogRecord[]>;
}

export interface FoldedBook extends LoadBook {
  readonly merchant: string;
  readonly environment: 'test' | 'live';
}

/** A key of the window: hash, where its outcome stands, when it is forgotten. */
export interface RememberedKey {
  readonly book: number;
  readonly key: ByteSlice;
  readonly position: Position;
  readonly recordedAt: Micros;
}

export interface ShardStore {
  /** Never used again, also when slots move; part of every public id. */
  readonly logId: number;
  /** Raised by a restore to a point in time; part of every token and cursor. */
  readonly incarnation: number;
  /** Where incarnations began; missing: nowhere, it was never restored. */
  readonly restores?: readonly Restore[];
  /** 16 secret bytes of this shard: key hashes, fingerprints, ids, tokens. Known after `acquire`, as all of these are. */
  readonly hashKey: Uint8Array;
  /** Partition p of the log holds positions p·n + 1 to (p + 1)·n. */
  readonly partitionRecords: number;
  readonly epoch: number;
  /** The database's clock less this machine's, µs, as `acquire` saw it; 0 where the database is in this process. */
  readonly clockOffset: Micros;
  /**
   * Takes the fence: terminates what an earlier owner left running, raises the epoch and reads the end of the log.
   * @throws ShardHeldError where another engine holds the shard and `takeOver` is false
   */
  acquire(options: { readonly takeOver: boolean }): Promise<Resolution>;
  encoder(): BatchEncoder;
  /** One database transaction: the batch's row behind the fence, and its records. At most one at a time. */
  commit(batch: BatchEncoder): Promise<CommitResult>;
  /**
   * After `failed` and `ambiguous`: terminates the old backend, raises the fence, reads max(last). Waits as long as it takes.
   * @throws FencedError where another owner has it
   */
  resolve(): Promise<Resolution>;
  folded(): Promise<FoldedState>;
  /** Records of these transactions, each followed by its actions in order of position; from the committed log. */
  loadParents(positions: readonly Position[]): Promise<readonly LogRecord[]>;
  /** Keys of the log from `from` up to `upTo` (both inclusive), in order; each is valid until the next one is taken. */
  keysBetween(from: Position, upTo: Position): AsyncIterable<Iterable<RememberedKey>>;
  /** For folds and reads in this thread. */
  readonly sql: Sql;
  close(): Promise<void>;
}
