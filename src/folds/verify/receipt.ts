/** A receipt: that a transaction's row stands in a batch of a digest, for somebody who sees nothing of the database. */
import { isTransaction, type LogRecord, type Position } from '../../ledger/record.js';
import { IdCodec } from '../../platform/ids/id-codec.js';
import { COPY_HEADER, COPY_TRAILER, LOG_COLUMN_LIST } from '../../store/copy/columns.js';
import { decodeRecords } from '../../store/copy/decode.js';
import { StoreUnavailableError } from '../../store/errors.js';
import { pathTo } from '../../store/seal/merkle.js';
import { rowsOfCopy } from '../../store/seal/rows.js';
import { BatchSealer, genesisOf, LEAF_HEADER_BYTES, type Leaf } from '../../store/seal/seal.js';
import { batchAt } from '../../store/seal/stored.js';
import { RESTORES, readRestores } from '../../store/shard-row.js';
import type { Sql } from '../../store/sql.js';
import { sealedShard } from './seals.js';

export const RECEIPT_FORMAT = 'millrace-receipt-1';

/** The row in words. Amounts and times (µs since 1970) are decimal text where they may pass 2^53. */
export interface ReceiptRecord {
  readonly position: Position;
  readonly sequence: number;
  readonly kind: number;
  readonly recorded_at: number;
  readonly book: number;
  readonly parent: Position | null;
  readonly legs: readonly {
    readonly leg: number;
    readonly debit: number;
    readonly credit: number;
    readonly currency: number;
    readonly amount: string;
    readonly released: string;
  }[];
  readonly key: string | null;
  readonly reference: string | null;
  readonly description: string | null;
  readonly metadata: string | null;
}

/** Digests, blind in hexadecimal digits; rows in base64. */
export interface Receipt {
  readonly format: typeof RECEIPT_FORMAT;
  readonly transaction: string;
  readonly shard: string;
  readonly log: number;
  readonly record: ReceiptRecord;
  readonly batch: {
    readonly prev: Position;
    readonly last: Position;
    readonly epoch: number;
    readonly hash: string;
    readonly leaves: number;
    readonly previous: string;
    readonly digest: string;
  };
  readonly leaf: { readonly index: number; readonly blind: string; readonly rows: string };
  readonly path: readonly string[];
}

/** @returns null where the id is of another shard, or of nothing */
export async function makeReceipt(sql: Sql, transaction: string): Promise<Receipt | null> {
  const { logId, name, hashKey } = await sealedShard(sql);
  const [restored] = await sql.query(`SELECT ${RESTORES} AS restores`);
  const place = new IdCodec(hashKey, readRestores(restored?.restores)).decode(transaction);
  if (place === null || place.logId !== logId) return null;
  const { position } = place;
  const batch = await batchAt(sql, position);
  if (batch === null) return null;
  const [table] = await sql.query('SELECT attached_from() AS first');
  if (batch.prev + 1 < Number(table?.first)) {
    throw new StoreUnavailableError(
      `${transaction} stands in a file since millrace detach, and a receipt is made from the table: attach it first`,
    );
  }
  const previous = batch.prev === 0 ? genesisOf(logId) : ((await batchAt(sql, batch.prev))?.digest ?? Buffer.alloc(0));
  const rows = rowsOfCopy(
    await sql.copyOut(
      `SELECT ${LOG_COLUMN_LIST} FROM log WHERE position > ${batch.prev} AND position <= ${batch.last} ORDER BY position`,
    ),
  );
  const sealer = new BatchSealer(hashKey);
  const wanted = rows.positions.indexOf(position);
  if (wanted < 0 || !sealer.seal(rows, batch, previous).digest.equals(batch.digest)) {
    throw new Error(`the batch of position ${position} is not what was committed: run millrace verify`);
  }
  const found: { index: number; leaf: Leaf }[] = [];
  let index = 0;
  const { digests, count } = sealer.digests(rows, batch, (leaf) => {
    if (leaf.rows.includes(wanted)) found.push({ index, leaf });
    index++;
  });
  const [own] = found;
  if (own === undefined) throw new Error('every row of a batch is in a leaf');
  const leafRows = own.leaf.bytes.subarray(LEAF_HEADER_BYTES);
  const record = recordIn(leafRows, position);
  // An id names a transaction; its place may hold something else where the id was made up.
  if (record === null || !isTransaction(record.kind)) return null;
  return {
    format: RECEIPT_FORMAT,
    transaction,
    shard: name,
    log: logId,
    record: inWords(record),
    batch: {
      prev: batch.prev,
      last: batch.last,
      epoch: batch.epoch,
      hash: String(batch.hash),
      leaves: count,
      previous: previous.toString('hex'),
      digest: batch.digest.toString('hex'),
    },
    leaf: { index: own.index, blind: own.leaf.blind.toString('hex'), rows: leafRows.toString('base64') },
    path: pathTo(digests, count, own.index).map((digest) => digest.toString('hex')),
  };
}

/** @param rows of a leaf @returns null where they hold no such position, or are no rows */
export function recordIn(rows: Buffer, position: Position): LogRecord | null {
  const records = decodeRecords(Buffer.concat([COPY_HEADER, rows, COPY_TRAILER]));
  return records.find((record) => record.position === position) ?? null;
}

export function inWords(record: LogRecord): ReceiptRecord {
  const [key, reference, description, metadata] = textsOf(record);
  return {
    position: record.position,
    sequence: record.sequence,
    kind: record.kind,
    recorded_at: record.recordedAt,
    book: record.book,
    parent: record.parent === 0 ? null : record.parent,
    legs: Array.from({ length: record.legCount }, (_, leg) => ({
      leg: record.leg[leg] ?? 0,
      debit: record.debit[leg] ?? 0,
      credit: record.credit[leg] ?? 0,
      currency: record.currency[leg] ?? 0,
      amount: String(record.amount[leg]),
      released: String(record.released[leg]),
    })),
    key: key ?? null,
    reference: reference ?? null,
    description: description ?? null,
    metadata: metadata ?? null,
  };
}

function textsOf({ texts }: LogRecord): readonly (string | null)[] {
  const bytes = Buffer.from(texts.bytes.buffer, texts.bytes.byteOffset, texts.bytes.byteLength);
  const values: (string | null)[] = [];
  for (let at = texts.offset; at < texts.offset + texts.length; ) {
    const length = bytes.readInt32BE(at);
    values.push(length === -1 ? null : bytes.toString('utf8', at + 4, at + 4 + length));
    at += 4 + Math.max(length, 0);
  }
  return values;
}
