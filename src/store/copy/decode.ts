/**
 * Reads what `COPY (query) TO STDOUT (FORMAT binary)` gives. A reader stands on a field and knows its length; the caller
 * knows the columns that it asked for.
 */
import { assert } from '../../ledger/assert.js';
import type { Micros } from '../../ledger/record.js';
import { isTransaction, LogRecord, type RecordKind } from '../../ledger/record.js';
import { COPY_HEADER, LEG_NUMBERS, POSTGRES_EPOCH_MICROS } from './columns.js';

const TWO_32 = 4_294_967_296;
const ARRAY_HEADER_BYTES = 20;
const ARRAY_ITEM_BYTES = 12;
const TEXTS = 4;
const GROUP_RECORDS = 32;
/** No time that a record can carry. */
const IMPLIED: Micros = Number.NEGATIVE_INFINITY;

/** Walks over the rows; every `get…` takes the next field. */
export class CopyReader {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Where the next field begins. */
  at: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const extension = bytes.length < COPY_HEADER.length ? 0 : this.view.getInt32(COPY_HEADER.length - 4);
    assert(bytes.length > COPY_HEADER.length, 'a copy has at least a header and a trailer');
    this.at = COPY_HEADER.length + extension;
  }

  /** Steps into the next row. @returns false at the end */
  next(): boolean {
    const fields = this.view.getInt16(this.at);
    this.at += 2;
    return fields !== -1;
  }

  /** Length of the next field, −1 for null; steps to its bytes. */
  length(): number {
    const length = this.view.getInt32(this.at);
    this.at += 4;
    return length;
  }

  /** An int8 within ±2^53; 0 for null. */
  wide(): number {
    if (this.length() === -1) return 0;
    const value = this.view.getInt32(this.at) * TWO_32 + this.view.getUint32(this.at + 4);
    this.at += 8;
    return value;
  }

  bigint(): bigint | null {
    if (this.length() === -1) return null;
    this.at += 8;
    return this.view.getBigInt64(this.at - 8);
  }

  /** Without a BigInt on the way. 0 for null. */
  bigintInto(into: BigInt64Array, index: number): void {
    if (this.length() === -1) {
      into[index] = 0n;
      return;
    }
    into[index] = this.view.getBigInt64(this.at);
    this.at += 8;
  }

  /** `none` for null. */
  micros(none: Micros): Micros {
    if (this.length() === -1) return none;
    const value = this.view.getInt32(this.at) * TWO_32 + this.view.getUint32(this.at + 4) + POSTGRES_EPOCH_MICROS;
    this.at += 8;
    return value;
  }

  /** 0 for null. */
  int(): number {
    if (this.length() === -1) return 0;
    const value = this.view.getInt32(this.at);
    this.at += 4;
    return value;
  }

  /** 0 for null. */
  short(): number {
    if (this.length() === -1) return 0;
    const value = this.view.getInt16(this.at);
    this.at += 2;
    return value;
  }

  boolean(): boolean {
    if (this.length() === -1) return false;
    return this.bytes[this.at++] === 1;
  }

  text(): string | null {
    const length = this.length();
    if (length === -1) return null;
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }
}

/**
 * Rows of LOG_COLUMN_LIST as records. Their texts are views of `bytes`. The hash of a key is not in the log: `keyHash`
 * is not touched.
 */
export function decodeRecords(bytes: Buffer): LogRecord[] {
  const reader = new CopyReader(bytes);
  const records: LogRecord[] = [];
  while (reader.next()) records.push(readRecord(reader, new LogRecord()));
  return records;
}

/**
 * As {@link decodeRecords}, some dozens at a time in the same records again and again: to make one costs several times
 * what reading one does, and thousands of them are more than a processor keeps near.
 */
export function* recordGroups(bytes: Buffer): Generator<readonly LogRecord[]> {
  const reader = new CopyReader(bytes);
  const records = Array.from({ length: GROUP_RECORDS }, () => new LogRecord());
  let count = 0;
  while (reader.next()) {
    readRecord(reader, records[count++] as LogRecord);
    if (count < records.length) continue;
    yield records;
    count = 0;
  }
  if (count > 0) yield records.slice(0, count);
}

/** The row that the reader has stepped into. @returns the record that is given */
export function readRecord(reader: CopyReader, record: LogRecord): LogRecord {
  const { view } = reader;
  record.position = reader.wide();
  record.sequence = reader.wide();
  record.recordedAt = reader.micros(0);
  const hasFingerprint = reader.length() !== -1;
  record.fingerprintHi = hasFingerprint ? view.getInt32(reader.at) : 0;
  record.fingerprintLo = hasFingerprint ? view.getInt32(reader.at + 4) : 0;
  if (hasFingerprint) reader.at += 8;
  reader.bigintInto(record.amount, 0);
  reader.bigintInto(record.released, 0);
  record.parent = reader.wide();
  const effectiveAt = reader.micros(IMPLIED);
  record.expiresAt = reader.micros(0);
  record.book = reader.int();
  record.debit[0] = reader.int();
  const credit = reader.int();
  record.kind = reader.short() as RecordKind;
  record.currency[0] = reader.short();
  record.code = reader.short();
  record.flags = reader.short();
  record.leg[0] = reader.short();
  record.credit[0] = credit;
  record.legCount = credit === 0 ? 0 : 1;
  readMoreLegs(reader, record);
  record.effectiveAt = effectiveAt !== IMPLIED ? effectiveAt : isTransaction(record.kind) ? record.recordedAt : 0;
  record.details = reader.text();
  readTexts(reader, record);
  return record;
}

function readMoreLegs(reader: CopyReader, record: LogRecord): void {
  const length = reader.length();
  if (length === -1) return;
  const { view } = reader;
  const legs = view.getInt32(reader.at + 12) / LEG_NUMBERS;
  // To the low halves of the first number of each leg.
  let at = reader.at + ARRAY_HEADER_BYTES + 8;
  for (let leg = 1; leg <= legs; leg++) {
    record.leg[leg] = view.getInt32(at);
    record.debit[leg] = view.getInt32(at + ARRAY_ITEM_BYTES);
    record.credit[leg] = view.getInt32(at + 2 * ARRAY_ITEM_BYTES);
    record.currency[leg] = view.getInt32(at + 3 * ARRAY_ITEM_BYTES);
    record.amount[leg] = view.getBigInt64(at + 4 * ARRAY_ITEM_BYTES - 4);
    record.released[leg] = view.getBigInt64(at + 5 * ARRAY_ITEM_BYTES - 4);
    at += LEG_NUMBERS * ARRAY_ITEM_BYTES;
  }
  record.legCount = 1 + legs;
  reader.at += length;
}

/** The last four columns stand in the copy just as a record carries them. */
function readTexts(reader: CopyReader, record: LogRecord): void {
  const offset = reader.at;
  record.keyed = reader.view.getInt32(offset) !== -1;
  for (let text = 0; text < TEXTS; text++) {
    const length = reader.length();
    if (length !== -1) reader.at += length;
  }
  record.texts = { bytes: reader.bytes, offset, length: reader.at - offset };
}
