/** Batches and their rows as they are read back, in slices that end where batches do. */
import type { Position } from '../../ledger/record.js';
import { LOG_COLUMN_LIST } from '../copy/columns.js';
import { readAhead } from '../read-ahead.js';
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
const RECORDS_A_SLICE = 32_768;
/** About: large slices spare statements, and of two shards there may be two each in memory. */
const BYTES_A_SLICE = 1 << 21;
/** For the first slice: most have a tenth of it. */
const RECORD_BYTES_GUESSED = 1 << 10;
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

/**
 * Each batch is read once: its marks are two bytes a record. A batch that begins where none should, among the records of
 * another, is in one of the slices too.
 *
 * @param recordsMax about: the batches that begin among so many records make a slice, or among fewer where records are large
 */
export async function* readSealed(
  session: Pick<Session, 'query' | 'copyOut'>,
  from: Position,
  head: Position,
  recordsMax = RECORDS_A_SLICE,
): AsyncGenerator<SealedSlice> {
  let records = Math.min(recordsMax, BYTES_A_SLICE / RECORD_BYTES_GUESSED);
  const slices = readAhead<ReadSlice>((before) => {
    if (before === null) return readSlice(session, { after: from, lastPrev: from - 1 }, head, records);
    const last = before.batches.at(-1);
    if (last === undefined) return null;
    const recordBytes = before.bytes.length / Math.max(before.end - before.after, 1);
    // At most twice as many as before: the next records may be of another size.
    records = Math.max(1, Math.floor(Math.min(recordsMax, 2 * records, BYTES_A_SLICE / recordBytes)));
    return readSlice(session, { after: before.end, lastPrev: last.prev }, head, records);
  });
  for await (const slice of slices) if (slice.after < head || slice.batches.length > 0) yield slice;
}

/** What comes before a slice. */
interface Place {
  readonly after: Position;
  /** Where the last batch that was read begins. One that begins behind it and before `after` should not be there. */
  readonly lastPrev: Position;
}

interface ReadSlice extends SealedSlice {
  readonly after: Position;
  readonly end: Position;
}

async function readSlice(
  session: Pick<Session, 'query' | 'copyOut'>,
  { after, lastPrev }: Place,
  head: Position,
  records: number,
): Promise<ReadSlice> {
  const rows = await session.query(
    `SELECT ${BATCH_COLUMNS} FROM batch WHERE prev > $1 AND prev < $2 ORDER BY prev LIMIT ${BATCHES_A_SLICE}`,
    [lastPrev, Math.min(head, after + records)],
  );
  const batches = rows.map(storedBatch);
  const last = batches.at(-1)?.last ?? head;
  const end = Math.max(after, Math.min(last, head, after + records + BATCH_RECORDS_MAX));
  const bytes = await session.copyOut(
    `SELECT ${LOG_COLUMN_LIST} FROM log WHERE position > ${after} AND position <= ${end} ORDER BY position`,
  );
  return { batches, bytes, after, end };
}
