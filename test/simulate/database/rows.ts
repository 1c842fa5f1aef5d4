/** The committed log of the virtual database: batches as they were copied in, their records, and plain rows of these. */
import { errorByNumber } from '../../../src/ledger/errors.js';
import type { LogRecord } from '../../../src/ledger/record.js';
import { readTexts } from '../../../src/ledger/texts.js';
import { CopyReader, readRecord } from '../../../src/store/copy/decode.js';
import type { CommittedBatch, LogLeg, LogRow } from '../history.js';
import { pooledRecord } from './pool.js';

/** With the digest that its row carries, and its rows as they came in. */
export interface SealedBatch extends CommittedBatch {
  readonly digest: Buffer;
  /** All of a COPY, header and trailer included. */
  readonly copied: Buffer;
}

export class LogTable {
  readonly rows: LogRow[] = [];
  readonly records: LogRecord[] = [];
  readonly batches: SealedBatch[] = [];
  /** Positions of a transaction's actions, by its position. */
  readonly #actions = new Map<number, number[]>();

  get head(): number {
    return this.batches.at(-1)?.last ?? 0;
  }
  get headHash(): bigint {
    return this.batches.at(-1)?.hash ?? 0n;
  }
  /** The last batch's. */
  get headDigest(): Buffer {
    return this.batches.at(-1)?.digest ?? Buffer.alloc(0);
  }

  row(position: number): LogRow | undefined {
    return this.rows[position - 1];
  }

  append(batch: SealedBatch): void {
    const reader = new CopyReader(batch.copied);
    while (reader.next()) {
      const record = readRecord(reader, pooledRecord());
      this.records.push(record);
      this.rows.push(rowOf(record));
      // As the column `parent` of an action: refusals that name one do not change it.
      if (record.kind >= 3 && record.kind <= 7) this.#noteAction(record.parent, record.position);
    }
    this.batches.push(batch);
  }

  /** These transactions, each followed by its actions up to `upTo`, in order of position. */
  withActions(positions: readonly number[], upTo: number): LogRecord[] {
    const found: LogRecord[] = [];
    for (const position of [...new Set(positions)].sort((a, b) => a - b)) {
      const record = this.records[position - 1];
      if (record === undefined || position > upTo) continue;
      found.push(record);
      for (const action of this.#actions.get(position) ?? []) {
        if (action <= upTo) found.push(this.records[action - 1] as LogRecord); // noted when it was appended
      }
    }
    return found;
  }

  /** The batch that ends at this position. */
  batchEndingAt(position: number): CommittedBatch | undefined {
    let low = 0;
    let high = this.batches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.batches[middle] as CommittedBatch).last < position)
        low = middle + 1; // within the list
      else high = middle;
    }
    return this.batches[low]?.last === position ? this.batches[low] : undefined;
  }

  #noteAction(parent: number, position: number): void {
    const known = this.#actions.get(parent);
    if (known === undefined) this.#actions.set(parent, [position]);
    else known.push(position);
  }
}

const NO_LEGS: readonly LogLeg[] = [];

function rowOf(record: LogRecord): LogRow {
  const { key, reference, description, metadata } = readTexts(record.texts);
  const { legCount } = record;
  return {
    position: record.position,
    sequence: record.sequence,
    book: record.book,
    kind: record.kind,
    recordedAt: record.recordedAt,
    flags: record.flags,
    code: record.code === 0 ? null : (errorByNumber(record.code)?.code ?? null),
    parent: record.parent,
    effectiveAt: record.effectiveAt,
    expiresAt: record.expiresAt,
    legs: legCount === 0 ? NO_LEGS : legsOf(record),
    account: legCount === 0 ? (record.debit[0] as number) : 0,
    details: record.details,
    key,
    fingerprint: record.keyed ? `${record.fingerprintHi}:${record.fingerprintLo}` : null,
    reference,
    description,
    metadata,
  };
}

function legsOf(record: LogRecord): LogLeg[] {
  return Array.from({ length: record.legCount }, (_, leg) => ({
    leg: record.leg[leg] as number,
    debit: record.debit[leg] as number,
    credit: record.credit[leg] as number,
    currency: record.currency[leg] as number,
    amount: record.amount[leg] as bigint,
    released: record.released[leg] as bigint,
  }));
}
