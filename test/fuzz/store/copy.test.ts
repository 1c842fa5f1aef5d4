/** The COPY encoder against Postgres itself: what it writes, the server reads back as it was, to the last bit. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isTransaction, LogRecord, RecordKind } from '../../../src/ledger/record.js';
import { LOG_COLUMN_LIST } from '../../../src/store/copy/columns.js';
import { CopyEncoder } from '../../../src/store/copy/encoder.js';
import { texts } from '../../store/records.js';
import { startTestPostgres, type TestPostgres, withClient } from '../../support/postgres.js';
import { settings } from '../support/settings.js';

const { seed, times } = settings();
const SAFE = Number.MAX_SAFE_INTEGER;
const INT32_MAX = 2 ** 31 - 1;
/** The years that the API takes: 1970 to 2254. */
const MICROS_MAX = 9_000_000_000_000_000;

let server: TestPostgres;
beforeAll(async () => {
  // Nothing of it is to last.
  server = await startTestPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => server.stop());

const edge = (min: number, max: number) => fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max }));
const int64 = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, -(2n ** 32n)),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
);
const words = fc
  .string({ unit: 'binary', maxLength: 400, size: 'max' })
  .map((text) => Buffer.from(text.replaceAll('\0', '')).toString());
// Postgres checks the escapes of a json value: those of half a character or NUL are never written by the ledger.
const json = fc
  .json()
  .filter((text) => !/\\u(?:0000|d[89a-f])/i.test(text))
  .map((text) => Buffer.from(text).toString());
const leg = fc.record({
  leg: edge(0, 63),
  debit: edge(1, INT32_MAX),
  credit: edge(1, INT32_MAX),
  currency: edge(1, 32_767),
  amount: int64,
  released: int64,
});
const row = fc.record({
  sequence: edge(1, SAFE),
  recordedAt: edge(1, MICROS_MAX),
  effectiveAt: fc.option(edge(1, MICROS_MAX)),
  expiresAt: edge(0, MICROS_MAX),
  keyed: fc.boolean(),
  fingerprintHi: edge(-(2 ** 31), INT32_MAX),
  fingerprintLo: edge(-(2 ** 31), INT32_MAX),
  parent: edge(0, SAFE),
  book: edge(1, INT32_MAX),
  kind: fc.constantFrom(...Object.values(RecordKind)),
  code: edge(0, 32_767),
  flags: edge(0, 32_767),
  legs: fc.oneof(fc.array(leg, { maxLength: 3 }), fc.array(leg, { minLength: 64, maxLength: 64 })),
  key: fc.option(words),
  reference: fc.option(words),
  description: fc.option(words),
  metadata: fc.option(json),
  details: fc.option(json),
});
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;

function fill(record: LogRecord, position: number, given: Row): LogRecord {
  const { legs, key, reference, description, metadata, effectiveAt, ...plain } = given;
  Object.assign(record, plain, { position, legCount: legs.length });
  record.effectiveAt = effectiveAt ?? (isTransaction(given.kind) ? given.recordedAt : 0);
  // A record without legs may name an account all the same, or none.
  record.debit[0] = legs[0]?.debit ?? 0;
  legs.forEach((one, index) => {
    record.leg[index] = one.leg;
    record.debit[index] = one.debit;
    record.credit[index] = one.credit;
    record.currency[index] = one.currency;
    record.amount[index] = one.amount;
    record.released[index] = one.released;
  });
  record.texts = texts(key, reference, description, metadata);
  return record;
}

/** The row as the server should say it, every value as text. */
function expected(position: number, given: Row): (string | null)[] {
  const { legs, kind, recordedAt, effectiveAt } = given;
  const [first, ...more] = legs;
  const implied = isTransaction(kind) ? recordedAt : 0;
  const effective = effectiveAt === null || effectiveAt === implied ? null : effectiveAt;
  const orNull = (value: number | bigint | undefined): string | null =>
    value === undefined || Number(value) === 0 ? null : String(value);
  const numbers = more.flatMap((one) => [one.leg, one.debit, one.credit, one.currency, one.amount, one.released]);
  return [
    String(position),
    String(given.sequence),
    String(recordedAt),
    given.keyed
      ? String(BigInt.asIntN(64, (BigInt(given.fingerprintHi) << 32n) | BigInt(given.fingerprintLo >>> 0)))
      : null,
    orNull(first?.amount),
    orNull(first?.released),
    orNull(given.parent),
    effective === null ? null : String(effective),
    orNull(given.expiresAt),
    String(given.book),
    orNull(first?.debit),
    orNull(first?.credit),
    String(kind),
    orNull(first?.currency),
    orNull(given.code),
    orNull(given.flags),
    orNull(first?.leg),
    more.length === 0 ? null : `{${numbers.join(',')}}`,
    given.details,
    given.key,
    given.reference,
    given.description,
    given.metadata,
  ];
}

/** `log` without its partitions. */
const TABLE = (
  /CREATE TABLE log \([\s\S]*?\n\)/.exec(readFileSync('src/store/migrations/0001-log.sql', 'utf8'))?.[0] ?? ''
).replace('TABLE log', 'TEMPORARY TABLE copied');
const TIMES: readonly string[] = ['recorded_at', 'effective_at', 'expires_at'];
const SHOWN = LOG_COLUMN_LIST.split(', ').map((name) =>
  TIMES.includes(name) ? `(extract(epoch FROM ${name}) * 1000000)::int8::text` : `${name}::text`,
);

async function copied(client: pg.Client, bytes: Buffer): Promise<unknown[][]> {
  await client.query('TRUNCATE copied');
  const stream = client.query(copyFrom(`COPY copied (${LOG_COLUMN_LIST}) FROM STDIN (FORMAT binary)`));
  stream.end(Buffer.from(bytes));
  await once(stream, 'finish');
  const { rows } = await client.query<unknown[]>({
    text: `SELECT ${SHOWN.join(', ')} FROM copied ORDER BY copied.position`,
    rowMode: 'array',
  });
  return rows;
}

it(`every column of any record is read back by Postgres as it was written, with seed ${seed}`, async () => {
  const encoder = new CopyEncoder();
  // The ledger fills one and the same record again and again: what was in it before must not show.
  const record = new LogRecord();
  await withClient(server.url(), async (client) => {
    await client.query(TABLE);
    const batch = fc.tuple(edge(1, SAFE - 100), fc.array(row, { minLength: 1, maxLength: 30 }));
    await fc.assert(
      fc.asyncProperty(batch, async ([first, rows]) => {
        encoder.clear();
        for (const [index, given] of rows.entries()) encoder.append(fill(record, first + index, given));
        expect(await copied(client, encoder.bytes())).toEqual(
          rows.map((given, index) => expected(first + index, given)),
        );
      }),
      { numRuns: 25 * times, seed: Number(seed) },
    );
  });
}, 600_000);
