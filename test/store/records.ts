/** Records for tests of stores: shapes that a ledger writes, filled without one. */

import type { Texts } from '../../src/ledger/record.js';
import { LogRecord, RecordKind } from '../../src/ledger/record.js';
import type { BatchEncoder } from '../../src/store/shard-store.js';

export const TIME = 1_780_000_000_000_000;

/** Key, reference, description, metadata as a record carries them. */
export function texts(...values: readonly (string | null)[]): Texts {
  const parts = [0, 1, 2, 3].flatMap((index) => {
    const length = Buffer.alloc(4);
    const text = values[index] ?? null;
    const bytes = Buffer.from(text ?? '');
    length.writeInt32BE(text === null ? -1 : bytes.length);
    return [length, bytes];
  });
  const bytes = Buffer.concat(parts);
  return { bytes, offset: 0, length: bytes.length };
}

/** A posting of one leg; `change` sets what a test is about. */
export function posting(position: number, change: (record: LogRecord) => void = () => undefined): LogRecord {
  const record = new LogRecord();
  record.position = position;
  record.book = 1;
  record.sequence = position;
  record.kind = RecordKind.posted;
  record.recordedAt = TIME + position;
  record.effectiveAt = record.recordedAt;
  record.keyed = true;
  record.fingerprintHi = -position;
  record.fingerprintLo = position;
  record.legCount = 1;
  record.debit[0] = 1;
  record.credit[0] = 2;
  record.currency[0] = 978;
  record.amount[0] = BigInt(position) * 100n;
  record.texts = texts(`key-${position}`);
  change(record);
  return record;
}

export function opening(position: number, account: number, name: string): LogRecord {
  return posting(position, (record) => {
    record.kind = RecordKind.accountOpened;
    record.effectiveAt = 0;
    record.legCount = 0;
    record.debit[0] = account;
    record.credit[0] = 0;
    record.currency[0] = 0;
    record.amount[0] = 0n;
    record.keyed = false;
    record.fingerprintHi = 0;
    record.fingerprintLo = 0;
    record.texts = texts();
    record.details = JSON.stringify({
      name,
      currency: 978,
      normal_balance: 'credit',
      min_balance: null,
      max_balance: '9000',
      config_version: 1,
      open: true,
      metadata: null,
    });
  });
}

export function fill(encoder: BatchEncoder, records: readonly LogRecord[], hash = 0n): BatchEncoder {
  for (const record of records) encoder.append(record);
  encoder.chainHash = hash;
  return encoder;
}

/** All that a record says, as plain values that can be compared. */
export function plain(record: LogRecord): Record<string, unknown> {
  const { bytes, offset, length } = record.texts;
  const legs = Array.from({ length: record.legCount }, (_, leg) => ({
    leg: record.leg[leg],
    debit: record.debit[leg],
    credit: record.credit[leg],
    currency: record.currency[leg],
    amount: record.amount[leg],
    released: record.released[leg],
  }));
  const {
    keyHash: _keyHash,
    leg: _leg,
    debit,
    credit: _credit,
    currency: _currency,
    amount: _amount,
    amountWords: _amountWords,
    released: _released,
    releasedWords: _releasedWords,
    ...rest
  } = record;
  return {
    ...rest,
    firstDebit: debit[0],
    legs,
    texts: Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1'),
  };
}

/** @param copied for chunks that use one object again and again */
export async function collect<T>(chunks: AsyncIterable<Iterable<T>>): Promise<T[]>;
export async function collect<T, U>(chunks: AsyncIterable<Iterable<T>>, copied: (item: T) => U): Promise<U[]>;
export async function collect<T>(
  chunks: AsyncIterable<Iterable<T>>,
  copied: (item: T) => unknown = (item) => item,
): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const chunk of chunks) for (const item of chunk) all.push(copied(item));
  return all;
}
