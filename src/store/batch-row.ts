/** The row that begins every batch and lets it pass the fence, and what it means when the row is refused. */
import { sqlState } from './errors.js';
import type { BatchHead, Seal } from './seal/seal.js';

export interface FenceRow {
  readonly logId: number;
  readonly epoch: number;
  /** A UUID. */
  readonly owner: string;
}

/**
 * Inserts the batch's row, unless the fence has another owner or epoch, or the log does not end where the batch begins.
 * Then `last` is null, which the column does not take, and with this statement all of its message is undone.
 */
const insertion = (
  logId: number,
  owner: string,
  [prev, last, epoch, hash, digest, marks]: readonly [string, string, string, string, string, string],
): string =>
  `INSERT INTO batch (prev, last, epoch, hash, digest, marks) VALUES (${prev}, (SELECT ${last} FROM fence` +
  ` WHERE log_id = ${logId} AND epoch = ${epoch} AND owner = '${owner}'` +
  ` AND coalesce((SELECT b.last FROM batch b ORDER BY b.prev DESC LIMIT 1), 0) = ${prev} FOR SHARE OF fence),` +
  ` ${epoch}, ${hash}, ${digest}, ${marks})`;

const bytea = (bytes: Buffer): string => `'\\x${bytes.toString('hex')}'`;

export const batchStatement = (
  { logId, owner }: FenceRow,
  { prev, last, epoch, hash }: BatchHead,
  { digest, marks }: Seal,
): string => insertion(logId, owner, [`${prev}`, `${last}`, `${epoch}`, `${hash}`, bytea(digest), bytea(marks)]);

/** Prepares the insertion in a session, so that a batch does not pay for its planning; see {@link preparedBatch}. */
export const prepareBatch = ({ logId, owner }: Omit<FenceRow, 'epoch'>): string =>
  `PREPARE batch_row (int8, int8, int8, int8, bytea, bytea) AS ${insertion(logId, owner, ['$1', '$2', '$3', '$4', '$5', '$6'])}`;

/** The same as {@link batchStatement}, and with the same command tag, where it was prepared. */
export const preparedBatch = ({ prev, last, epoch, hash }: BatchHead, { digest, marks }: Seal): string =>
  `EXECUTE batch_row (${prev}, ${last}, ${epoch}, ${hash}, ${bytea(digest)}, ${bytea(marks)})`;

const NOT_NULL_VIOLATION = '23502';
const UNIQUE_VIOLATION = '23505';

/** True if the batch's row was refused, for its fence or its place. */
export function isBatchRefusal(error: Error): boolean {
  const { table } = error as { readonly table?: string };
  return table === 'batch' && (sqlState(error) === NOT_NULL_VIOLATION || sqlState(error) === UNIQUE_VIOLATION);
}
