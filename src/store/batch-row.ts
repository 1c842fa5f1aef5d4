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
export function batchStatement(
  { logId, epoch, owner }: FenceRow,
  prev: Position,
  last: Position,
  hash: bigint,
): string {
  return (
    `INSERT INTO batch (prev, last, epoch, hash) VALUES (${prev}, (SELECT ${last} FROM fence WHERE log_id = ${logId}` +
    ` AND epoch = ${epoch} AND owner = '${owner}'` +
    ` AND coalesce((SELECT b.last FROM batch b ORDER BY b.prev DESC LIMIT 1), 0) = ${prev} FOR SHARE OF fence),` +
    ` ${epoch}, ${hash})`
  );
}

const NOT_NULL_VIOLATION = '23502';
const UNIQUE_VIOLATION = '23505';

/** True if the batch's row was refused, for its fence or its place. */
export function isBatchRefusal(error: Error): boolean {
  const { table } = error as { readonly table?: string };
  return table === 'batch' && (sqlState(error) === NOT_NULL_VIOLATION || sqlState(error) === UNIQUE_VIOLATION);
}
