/** Whether a receipt proves what it says, from itself alone. */
import { isDeepStrictEqual } from 'node:util';
import { inWords, recordIn } from '../../folds/verify/receipt.js';
import type { LogRecord } from '../../ledger/record.js';
import { LEGS_MAX } from '../../ledger/record.js';
import { messageOf } from '../../platform/errors.js';
import { LEG_NUMBERS, LOG_COLUMNS } from '../../store/copy/columns.js';
import { rootBy, sha256Of } from '../../store/seal/merkle.js';
import { digestOfBatch, Prefix } from '../../store/seal/seal.js';
import type { ReceiptFile } from './files.js';

const ARRAY_HEADER_BYTES = 20;
/** int8 and timestamptz, int4, int2; −1: the array; 0: a text. */
const WIDTH_OF: Readonly<Record<(typeof LOG_COLUMNS)[number], number>> = {
  position: 8,
  sequence: 8,
  recorded_at: 8,
  fingerprint: 8,
  amount: 8,
  released: 8,
  parent: 8,
  effective_at: 8,
  expires_at: 8,
  book: 4,
  debit: 4,
  credit: 4,
  kind: 2,
  currency: 2,
  code: 2,
  flags: 2,
  leg: 2,
  more_legs: -1,
  details: 0,
  key: 0,
  reference: 0,
  description: 0,
  metadata: 0,
};

/** @returns what is wrong with it, or null; signatures are looked at elsewhere */
export function faultOfReceipt(receipt: ReceiptFile): string | null {
  const { record, batch, leaf, path, checkpoint } = receipt;
  if (record.position <= batch.prev || record.position > batch.last) return 'the record does not stand in the batch';
  const rows = Buffer.from(leaf.rows, 'base64');
  const found = readRecord(rows, record.position);
  if (typeof found === 'string') return found;
  if (!isDeepStrictEqual(inWords(found), record)) return 'the record is not the one that the rows hold';
  const digest = sha256Of(Buffer.of(Prefix.leaf), Buffer.from(leaf.blind, 'hex'), rows);
  const nodes = path.map((node) => Buffer.from(node, 'hex'));
  const root = rootBy(digest, leaf.index, batch.leaves, nodes);
  if (root === null) return 'the path does not fit the batch';
  const hash = BigInt(batch.hash);
  if (BigInt.asIntN(64, hash) !== hash) return 'the running hash has more than 64 bits';
  const sealed = digestOfBatch(Buffer.from(batch.previous, 'hex'), { ...batch, hash }, batch.leaves, root);
  if (sealed.toString('hex') !== batch.digest) return 'the rows and the path do not lead to the digest of the batch';
  if (checkpoint === undefined) return null;
  const { shard, log, transaction } = checkpoint;
  if (checkpoint.digest !== batch.digest || checkpoint.position !== batch.last || log !== receipt.log)
    return 'the checkpoint is of another batch';
  if (shard !== receipt.shard || transaction?.id !== receipt.transaction || transaction.position !== record.position)
    return 'the checkpoint is of another transaction';
  return null;
}

function readRecord(rows: Buffer, position: number): LogRecord | string {
  try {
    if (!areRows(rows)) return 'the rows are not rows of a log';
    return recordIn(rows, position) ?? 'the rows do not hold the record';
  } catch (error) {
    // What ends within a field is read beyond its end.
    return `the rows cannot be read: ${messageOf(error)}`;
  }
}

/** In the order of the columns. */
const WIDTHS: readonly number[] = LOG_COLUMNS.map((column) => WIDTH_OF[column]);

/** Looked at before rows are decoded, which trusts lengths: a receipt may come from anybody. */
function areRows(rows: Buffer): boolean {
  let at = 0;
  while (at < rows.length) {
    if (rows.readInt16BE(at) !== WIDTHS.length) return false;
    at += 2;
    for (const width of WIDTHS) {
      const length = rows.readInt32BE(at);
      at += 4;
      if (length === -1) continue;
      if (length < 0 || (width > 0 && length !== width)) return false;
      if (width < 0 && !isArrayOfLegs(rows.subarray(at, at + length))) return false;
      at += length;
    }
  }
  return at === rows.length;
}

function isArrayOfLegs(bytes: Buffer): boolean {
  if (bytes.length < ARRAY_HEADER_BYTES) return false;
  const items = bytes.readInt32BE(12);
  return (
    items % LEG_NUMBERS === 0 && bytes.length === ARRAY_HEADER_BYTES + items * 12 && items / LEG_NUMBERS < LEGS_MAX
  );
}
