/** Batches and their rows as they are read back, in slices that end where batches do. */
import type { Position } from '../../ledger/record.js';
import { LOG_COLUMN_LIST } from '../copy/columns.js';
import type { Session } from '../session.js';
import type { SqlRow } from '../sql.js';
import type { BatchHead, Seal } from './seal.js';

export interface StoredBatch extends BatchHead, Seal {}

export interface SealedSlice {
  readonly batches: readonly StoredBatch[];
  /** A binary copy of the log's rows up to where the last of the batches ends. */
  readonly bytes: Buffer;
}

const BATCH_COLUMNS = 'prev, last, epoch, hash, digest, marks';
const BATCHES_A_SLICE = 512;
/** More than a batch holds: a row that says more is wrong, and not a reason to read all of the log at once. */
const BATCH_RECORDS_MAX = 1 << 20;

export const storedBatch = (row: SqlRow): StoredBatch => ({
  prev: Number(row.prev),
  last: Number(row.last),
  epoch: Number(row.epoch),
  hash: row.hash as bigint,
  digest: Buffer.from(row.digest as Uint8Array),
  marks: Buffer.from(row.marks as Uint8Array),
});

/** The batch that holds a position; `before` is the last one that begins before it. */
export async function batchAt(session: Pick<Session, 'query'>, position: Position): Promise<StoredBatch | null> {
  const [row] = await session.query(`SELECT ${BATCH_COLUMNS} FROM batch WHERE prev < $1 ORDER BY prev DESC LIMIT 1`, [
    position,
  ]);
  if (row === undefined) return null;
  const batch = storedBatch(row);
  return batch.last >= position ? batch : null;
}

/** @param recordsASlice about; a slice has at least one batch */
export async function* readSealed(
  session: Pick<Session, 'query' | 'copyOut'>,
  from: Position,
  head: Position,
  recordsASlice: number,
): AsyncGenerator<SealedSlice> {
  for (let after = from; after < head; ) {
    const rows = await session.query(
      `SELECT ${BATCH_COLUMNS} FROM batch WHERE prev >= $1 AND prev < $2 ORDER BY prev LIMIT ${BATCHES_A_SLICE}`,
      [after, head],
    );
    const batches: StoredBatch[] = [];
    for (const row of rows) {
      batches.push(storedBatch(row));
      if ((batches.at(-1)?.last ?? 0) - after >= recordsASlice) break;
    }
    const end = Math.min(batches.at(-1)?.last ?? head, head, after + recordsASlice + BATCH_RECORDS_MAX);
    const bytes = await session.copyOut(
      `SELECT ${LOG_COLUMN_LIST} FROM log WHERE position > ${after} AND position <= ${end} ORDER BY position`,
    );
    yield { batches, bytes };
    after = Math.max(end, after + 1);
  }
}
