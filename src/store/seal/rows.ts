/** Where the rows of a batch stand in a copy of the log, and whose they are: all that a seal needs to know of them. */
import { assert } from '../../ledger/assert.js';
import { COPY_HEADER, LOG_COLUMNS } from '../copy/columns.js';

/** Rows of binary COPY, each with its count of fields in front, in order of position. */
export interface BatchRows {
  readonly bytes: Buffer;
  readonly count: number;
  /** Where each row begins; one more entry says where the last one ends. */
  readonly starts: Int32Array;
  /** Book of each row. */
  readonly books: Int32Array;
}

/** Rows that were read back, with their positions as the rows themselves say them. */
export interface ReadRows extends BatchRows {
  readonly positions: Float64Array;
}

const BOOK_FIELD = LOG_COLUMNS.indexOf('book');
/** The count of fields and the length of each. */
const ROW_BYTES_MIN = 2 + 4 * LOG_COLUMNS.length;
const TWO_32 = 4_294_967_296;

/** Of what `COPY (SELECT <the log's columns>) TO STDOUT (FORMAT binary)` gives. */
export function rowsOfCopy(bytes: Buffer): ReadRows {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = COPY_HEADER.length + view.getInt32(COPY_HEADER.length - 4);
  // A start looks at millions of rows: there is room for as many as there can be, and no list grows.
  const most = Math.ceil((bytes.length - at) / ROW_BYTES_MIN);
  const starts = new Int32Array(most + 1);
  const books = new Int32Array(most);
  const positions = new Float64Array(most);
  let count = 0;
  for (let fields = view.getInt16(at); fields !== -1; fields = view.getInt16(at)) {
    assert(fields === LOG_COLUMNS.length, 'a row of the log has all of its columns');
    starts[count] = at;
    at += 2;
    positions[count] = view.getInt32(at + 4) * TWO_32 + view.getUint32(at + 8);
    for (let field = 0; field < fields; field++) {
      const length = view.getInt32(at);
      if (field === BOOK_FIELD) books[count] = view.getInt32(at + 4);
      at += length > 0 ? 4 + length : 4;
    }
    count++;
  }
  starts[count] = at;
  return {
    bytes,
    count,
    starts: starts.subarray(0, count + 1),
    books: books.subarray(0, count),
    positions: positions.subarray(0, count),
  };
}

/** Rows `from` to `to` (exclusive) of what was read. */
export function someRows(rows: ReadRows, from: number, to: number): ReadRows {
  return {
    bytes: rows.bytes,
    count: to - from,
    starts: rows.starts.subarray(from, to + 1),
    books: rows.books.subarray(from, to),
    positions: rows.positions.subarray(from, to),
  };
}
