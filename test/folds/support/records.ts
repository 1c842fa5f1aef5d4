import type { LogRecord } from '../../../src/ledger/record.js';
import { readTexts } from '../../../src/ledger/texts.js';
import type { ModelRecord } from './model.js';

/** What the ledger wrote, as a batch put in by hand takes it. */
export function modelRecord(record: LogRecord): ModelRecord {
  const legs = Array.from({ length: record.legCount }, (_, index) => ({
    leg: record.leg[index] ?? 0,
    debit: record.debit[index] ?? 0,
    credit: record.credit[index] ?? 0,
    amount: record.amount[index] ?? 0n,
    released: record.released[index] ?? 0n,
  }));
  const { position, book, sequence, kind, flags, code, recordedAt, effectiveAt, expiresAt, parent, details } = record;
  return {
    position,
    book,
    sequence,
    kind,
    flags,
    code,
    details,
    legs,
    at: recordedAt,
    effective: effectiveAt === 0 || effectiveAt === recordedAt ? null : effectiveAt,
    expires: expiresAt === 0 ? null : expiresAt,
    parent: parent === 0 ? null : parent,
    account: kind >= 9 && kind <= 13 ? (record.debit[0] ?? 0) : null,
    fingerprint: record.keyed
      ? BigInt.asIntN(64, (BigInt(record.fingerprintHi) << 32n) | BigInt.asUintN(32, BigInt(record.fingerprintLo)))
      : null,
    ...readTexts(record.texts),
  };
}
