/** The row that begins every batch and lets it pass the fence, and what it means when the row is refused. */
import type { Position } from '../ledger/record.js';
import { sqlState } from './errors.js';

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
const insertion = (logId: number, owner: string, prev: string, last: string, epoch: string, hash: string): string =>
  `INSERT INTO batch (prev, last, epoch, hash) VALUES (${prev}, (SELECT ${last} FROM fence WHERE log_id = ${logId}` +
  ` AND epoch = ${epoch} AND owner = '${owner}'` +
  ` AND coalesce((SELECT b.last FROM batch b ORDER BY b.prev DESC LIMIT 1), 0) = ${prev} FOR SHARE OF fence),` +
  ` ${epoch}, ${hash})`;

export function batchStatement(
  { logId, epoch, owner }: FenceRow,
  prev: Position,
  last: Position,
  hash: bigint,
): string {
  return insertion(logId, owner, String(prev), String(last), String(epoch), String(hash));
}

/** Prepares the insertion in a session, so that a batch does not pay for its planning; see {@link preparedBatch}. */
export const prepareBatch = ({ logId, owner }: Omit<FenceRow, 'epoch'>): string =>
  `PREPARE batch_row (int8, int8, int8, int8) AS ${insertion(logId, owner, '$1', '$2', '$3', '$4')}`;

/** The same as {@link batchStatement}, and with the same command tag, where it was prepared. */
export const preparedBatch = (epoch: number, prev: Position, last: Position, hash: bigint): string =>
  `EXECUTE batch_row (${prev}, ${last}, ${epoch}, ${hash})`;

const NOT_NULL_VIOLATION = '23502';
const UNIQUE_VIOLATION = '23505';

/** True if the batch's row was refused, for its fence or its place. */
export function isBatchRefusal(error: Error): boolean {
  const { table } = error as { readonly table?: string };
  return table === 'batch' && (sqlState(error) === NOT_NULL_VIOLATION || sqlState(error) === UNIQUE_VIOLATION);
}
