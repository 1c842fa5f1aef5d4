/**
 * Log records as rows of binary COPY, in one buffer that is used again for every batch.
 *
 * ```
 * header 19 bytes │ row │ row │ … │ trailer 2 bytes
 * row: int16 count of fields, then each field: int32 length (−1 for null) and its bytes, all big-endian
 * ```
 *
 * On the way of every transaction, so: fields are written through one DataView at a running offset, 64-bit integers as
 * two halves (a BigInt written through a DataView costs ten times as much), and texts are copied as they came.
 */
import { assert } from '../../ledger/assert.js';
import { highWord, isZero, lowWord } from '../../ledger/int64.js';
import type { LogRecord, Position } from '../../ledger/record.js';
import { isTransaction } from '../../ledger/record.js';
import { viewOf } from '../../ledger/words.js';
import type { BatchRows } from '../seal/rows.js';
import type { BatchEncoder } from '../shard-store.js';
import { COPY_HEADER, COPY_TRAILER, LEG_NUMBERS, LOG_COLUMNS, OID_INT8, POSTGRES_EPOCH_MICROS } from './columns.js';

/** All of a row but texts, details and legs after the first: 2 + 23 lengths + 9·8 + 3·4 + 5·2, rounded up. */
const ROW_FIXED_BYTES_MAX = 256;
/** Of an array: dimensions, has-nulls, type, length, lower bound. */
const ARRAY_HEADER_BYTES = 20;
const ARRAY_ITEM_BYTES = 12;
const START_BYTES = 1 << 20;
const START_ROWS = 1 << 12;
/** Up to here a loop over words is faster than a call of `set` with its view. */
const SMALL_COPY_BYTES = 128;
const TWO_32 = 4_294_967_296;
/** A mark is `offset · 2^22 + records`; a buffer has fewer than 2^31 bytes. */
const MARK_FACTOR = 1 << 22;

export class CopyEncoder implements BatchEncoder {
  records = 0;
  first: Position = 0;
  chainHash = 0n;
  #buffer = Buffer.allocUnsafeSlow(START_BYTES);
  #view = new DataView(this.#buffer.buffer);
  #used = COPY_HEADER.length;
  /** Where each row begins, and its book: what sealing the batch asks of its rows. */
  #starts = new Int32Array(START_ROWS);
  #books = new Int32Array(START_ROWS);

  constructor() {
    this.#buffer.set(COPY_HEADER);
  }

  get sizeBytes(): number {
    return this.#used - COPY_HEADER.length;
  }

  get last(): Position {
    return this.first + this.records - 1;
  }

  /** All of the batch as COPY wants it; valid until the next append or clear. */
  bytes(): Buffer {
    this.#reserve(COPY_TRAILER.length);
    this.#buffer.set(COPY_TRAILER, this.#used);
    return this.#buffer.subarray(0, this.#used + COPY_TRAILER.length);
  }

  /** Rows `from` to `to` (exclusive) alone, without what COPY wants around them; valid until the next append or clear. */
  rowBytes(from: number, to: number): Buffer {
    const { starts } = this.rows();
    return this.#buffer.subarray(starts[from], starts[to]);
  }

  /** The batch's rows where they stand; valid until the next append or clear. */
  rows(): BatchRows {
    if (this.records === this.#starts.length) this.#growRows();
    this.#starts[this.records] = this.#used;
    return { bytes: this.#buffer, count: this.records, starts: this.#starts, books: this.#books };
  }

  clear(): void {
    this.#used = COPY_HEADER.length;
    this.records = 0;
    this.first = 0;
    this.chainHash = 0n;
  }

  mark(): number {
    return this.#used * MARK_FACTOR + this.records;
  }

  rewind(mark: number): void {
    this.records = mark % MARK_FACTOR;
    this.#used = (mark - this.records) / MARK_FACTOR;
    if (this.records === 0) this.first = 0;
  }

  append(record: LogRecord): void {
    if (this.records === 0) this.first = record.position;
    else assert(record.position === this.first + this.records, 'records of a batch have no gap');
    const { details, texts, legCount } = record;
    // A UTF-16 unit is at most 3 bytes of UTF-8.
    const detailsMax = details === null ? 0 : details.length * 3;
    this.#reserve(
      ROW_FIXED_BYTES_MAX +
        detailsMax +
        texts.length +
        (legCount > 1 ? ARRAY_HEADER_BYTES + legCount * LEG_NUMBERS * ARRAY_ITEM_BYTES : 0),
    );
    const view = this.#view;
    let at = this.#used;
    if (this.records === this.#starts.length) this.#growRows();
    this.#starts[this.records] = at;
    this.#books[this.records] = record.book;
    view.setInt16(at, LOG_COLUMNS.length);
    at = setWide(view, at + 2, record.position);
    at = setWide(view, at, record.sequence);
    at = setWide(view, at, record.recordedAt - POSTGRES_EPOCH_MICROS);
    at = record.keyed ? setHalves(view, at, record.fingerprintHi, record.fingerprintLo) : setNull(view, at);
    at = this.#setAmounts(at, record);
    at = record.parent === 0 ? setNull(view, at) : setWide(view, at, record.parent);
    at = setEffective(view, at, record);
    at = record.expiresAt === 0 ? setNull(view, at) : setWide(view, at, record.expiresAt - POSTGRES_EPOCH_MICROS);
    at = setInt(view, at, record.book);
    const debit = record.debit[0] as number;
    at = debit === 0 ? setNull(view, at) : setInt(view, at, debit);
    at = legCount === 0 ? setNull(view, at) : setInt(view, at, record.credit[0] as number);
    at = setShort(view, at, record.kind);
    at = legCount === 0 ? setNull(view, at) : setShort(view, at, record.currency[0] as number);
    at = record.code === 0 ? setNull(view, at) : setShort(view, at, record.code);
    at = record.flags === 0 ? setNull(view, at) : setShort(view, at, record.flags);
    at = legCount === 0 || record.leg[0] === 0 ? setNull(view, at) : setShort(view, at, record.leg[0] as number);
    at = legCount < 2 ? setNull(view, at) : this.#setMoreLegs(at, record);
    at = details === null ? setNull(view, at) : this.#setText(at, details);
    this.#used = this.#copyTexts(at, texts.bytes, texts.offset, texts.length);
    this.records++;
  }

  #setAmounts(at: number, { legCount, amountWords, releasedWords }: LogRecord): number {
    const view = this.#view;
    if (legCount === 0) return setNull(view, setNull(view, at));
    const next = isZero(amountWords, 0) ? setNull(view, at) : setLong(view, at, amountWords, 0);
    return isZero(releasedWords, 0) ? setNull(view, next) : setLong(view, next, releasedWords, 0);
  }

  #setMoreLegs(start: number, record: LogRecord): number {
    const view = this.#view;
    const items = (record.legCount - 1) * LEG_NUMBERS;
    view.setInt32(start, ARRAY_HEADER_BYTES + items * ARRAY_ITEM_BYTES);
    view.setInt32(start + 4, 1);
    view.setInt32(start + 8, 0);
    view.setInt32(start + 12, OID_INT8);
    view.setInt32(start + 16, items);
    view.setInt32(start + 20, 1);
    let at = start + 4 + ARRAY_HEADER_BYTES;
    for (let leg = 1; leg < record.legCount; leg++) {
      at = setHalves(view, at, 0, record.leg[leg] as number);
      at = setHalves(view, at, 0, record.debit[leg] as number);
      at = setHalves(view, at, 0, record.credit[leg] as number);
      at = setHalves(view, at, 0, record.currency[leg] as number);
      at = setLong(view, at, record.amountWords, leg);
      at = setLong(view, at, record.releasedWords, leg);
    }
    return at;
  }

  #setText(at: number, text: string): number {
    const length = this.#buffer.write(text, at + 4);
    this.#view.setInt32(at, length);
    return at + 4 + length;
  }

  #copyTexts(at: number, bytes: Uint8Array, offset: number, length: number): number {
    if (length > SMALL_COPY_BYTES) {
      this.#buffer.set(bytes.subarray(offset, offset + length), at);
      return at + length;
    }
    const view = this.#view;
    const words = viewOf(bytes);
    const whole = length & ~3;
    for (let i = 0; i < whole; i += 4) view.setInt32(at + i, words.getInt32(offset + i));
    for (let i = whole; i < length; i++) view.setUint8(at + i, bytes[offset + i] as number);
    return at + length;
  }

  #growRows(): void {
    const starts = new Int32Array(this.#starts.length * 2);
    assert(starts.length <= MARK_FACTOR, 'a batch has fewer than 2^22 records');
    starts.set(this.#starts);
    this.#starts = starts;
    const books = new Int32Array(starts.length);
    books.set(this.#books);
    this.#books = books;
  }

  #reserve(more: number): void {
    if (this.#used + more <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#used + more));
    grown.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** For kinds that are transactions null says "when it was recorded", else "none". */
function setEffective(view: DataView, at: number, record: LogRecord): number {
  const { effectiveAt } = record;
  const implied = isTransaction(record.kind) ? record.recordedAt : 0;
  return effectiveAt === implied ? setNull(view, at) : setWide(view, at, effectiveAt - POSTGRES_EPOCH_MICROS);
}

function setNull(view: DataView, at: number): number {
  view.setInt32(at, -1);
  return at + 4;
}

/** An int8 from an integer between −2^53 and 2^53: the floor and the wrapped rest are its two's complement. */
function setWide(view: DataView, at: number, value: number): number {
  view.setInt32(at, 8);
  view.setInt32(at + 4, Math.floor(value / TWO_32));
  view.setInt32(at + 8, value | 0);
  return at + 12;
}

function setHalves(view: DataView, at: number, high: number, low: number): number {
  view.setInt32(at, 8);
  view.setInt32(at + 4, high);
  view.setInt32(at + 8, low);
  return at + 12;
}

/** An int64 by its halves. */
function setLong(view: DataView, at: number, words: Int32Array, index: number): number {
  return setHalves(view, at, highWord(words, index), lowWord(words, index));
}

function setInt(view: DataView, at: number, value: number): number {
  view.setInt32(at, 4);
  view.setInt32(at + 4, value);
  return at + 8;
}

function setShort(view: DataView, at: number, value: number): number {
  view.setInt32(at, 2);
  view.setInt16(at + 4, value);
  return at + 6;
}
