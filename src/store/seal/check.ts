/** Compares what stands in the database with its seals, batch by batch, and names the first row that is not as sealed. */
import type { Position } from '../../ledger/record.js';
import { firstOtherMark, marksOf } from './marks.js';
import type { ReadRows } from './rows.js';
import { rowsOfCopy, someRows } from './rows.js';
import { BatchSealer } from './seal.js';
import type { SealedSlice, StoredBatch } from './stored.js';

/** What is not as it was committed. */
export interface SealFault {
  readonly position: Position;
  /** Of the row that stands there, where one does. */
  readonly book: number | null;
  readonly message: string;
}

export class SealCheck {
  readonly #sealer: BatchSealer;
  readonly #looksAtMarks: boolean;
  #digest: Buffer;
  #position: Position;

  /**
   * @param digest of the batch that ends at `position`; the genesis at 0
   * @param marks false: only to name a row that is not as sealed. Marks prove nothing, and a start has no time to waste.
   */
  constructor(hashKey: Uint8Array, digest: Buffer, position: Position, { marks = true } = {}) {
    this.#looksAtMarks = marks;
    this.#sealer = new BatchSealer(hashKey);
    this.#digest = digest;
    this.#position = position;
  }

  /** The digest at the end of what was found true. */
  get digest(): Buffer {
    return this.#digest;
  }

  /** Slices come in order, without a gap. @returns the first fault; after one, this has come to its end */
  check({ batches, bytes }: SealedSlice): SealFault | null {
    const rows = rowsOfCopy(bytes);
    if (batches.length === 0) return this.#batchMissing();
    let from = 0;
    for (const batch of batches) {
      if (batch.prev !== this.#position) return this.#batchMissing();
      const gap = firstGap(rows, from, batch);
      if (gap !== null) return gap;
      const to = from + batch.last - batch.prev;
      const fault = this.#sealFault(batch, someRows(rows, from, to));
      if (fault !== null) return fault;
      this.#digest = batch.digest;
      this.#position = batch.last;
      from = to;
    }
    const extra = rows.positions[from];
    if (extra === undefined) return null;
    return faultAt(extra, rows, from, 'the row was added: it stands there a second time');
  }

  #batchMissing(): SealFault {
    return {
      position: this.#position + 1,
      book: null,
      message: 'no batch begins here: the row of a batch was removed, added or moved',
    };
  }

  #sealFault(batch: StoredBatch, rows: ReadRows): SealFault | null {
    const isAsSealed = this.#sealer.digest(rows, batch, this.#digest).equals(batch.digest);
    if (isAsSealed && !this.#looksAtMarks) return null;
    const marks = marksOf(rows);
    if (isAsSealed) {
      if (marks.equals(batch.marks)) return null;
      return faultAt(
        batch.prev + 1,
        rows,
        0,
        `the marks of the batch up to ${batch.last} were altered, its rows were not`,
      );
    }
    const row = batch.marks.length === marks.length ? firstOtherMark(marks, batch.marks) : null;
    if (row !== null) {
      return faultAt(
        batch.prev + 1 + row,
        rows,
        row,
        'the row is not the one that was committed here: it was altered or moved',
      );
    }
    return faultAt(
      batch.prev + 1,
      rows,
      0,
      `the batch up to ${batch.last} does not give its digest: its own row was altered, or rows together with their marks`,
    );
  }
}

/** Positions of a batch, one by one. */
function firstGap(rows: ReadRows, from: number, { prev, last }: StoredBatch): SealFault | null {
  for (let position = prev + 1; position <= last; position++) {
    const at = from + position - prev - 1;
    const found = rows.positions[at];
    if (found === position) continue;
    if (found !== undefined && found < position) {
      return faultAt(found, rows, at, 'the row was added: it stands there a second time');
    }
    return { position, book: null, message: 'the row was removed: nothing stands at its position' };
  }
  return null;
}

const faultAt = (position: Position, rows: ReadRows, row: number, message: string): SealFault => ({
  position,
  book: rows.books[row] ?? null,
  message,
});
