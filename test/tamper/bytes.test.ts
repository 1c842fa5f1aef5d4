/** A row comes back from a database byte for byte as it was sent: seals are computed over what was sent. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEGS_MAX, type LogRecord, RecordKind } from '../../src/ledger/record.js';
import { LOG_COLUMN_LIST } from '../../src/store/copy/columns.js';
import { CopyEncoder } from '../../src/store/copy/encoder.js';
import type { ShardStore } from '../../src/store/shard-store.js';
import { fill, posting, texts } from '../store/records.js';
import { type Places, pglitePlaces, postgresPlaces } from './support/places.js';

const INT8_MAX = 2n ** 63n - 1n;
/** The year 2255, where microseconds leave 2^53, and 1970. */
const TIMES = [2 ** 53 - 1, 1, 946_684_800_000_000 - 1, 946_684_800_000_000, 1_780_000_000_123_456];
const STRINGS = [
  '',
  ' ',
  '\\N',
  '\\x00',
  '\t\r\n"\'\\',
  '\u0001\u007f\u0080\uffff',
  '\u{1f600}e\u0301\u{10ffff}',
  'x'.repeat(255),
];
const JSONS = [
  '{}',
  '{"b":1,"a":1.0,"a":"\\u0041"}',
  ' { "n" : 1e400 } ',
  '"\\ud83d\\ude00"',
  `{"k":"${'ü'.repeat(2000)}"}`,
];

/** Every column at both of its ends, in turns, and not there at all. */
function extremes(): LogRecord[] {
  const made: LogRecord[] = [];
  const add = (change: (record: LogRecord) => void): void => {
    made.push(posting(made.length + 1, change));
  };
  add((record) => {
    record.reset();
    record.position = 1;
    record.kind = RecordKind.configured;
  });
  for (const time of TIMES) {
    add((record) => {
      record.recordedAt = time;
      record.effectiveAt = time - 1;
      record.expiresAt = time;
    });
  }
  for (const [index, text] of STRINGS.entries()) {
    add((record) => {
      record.texts = texts(text, text, text, JSONS[index % JSONS.length] ?? null);
      record.details = JSONS[(index + 1) % JSONS.length] ?? null;
    });
  }
  add((record) => {
    record.sequence = Number.MAX_SAFE_INTEGER;
    record.parent = Number.MAX_SAFE_INTEGER;
    record.book = 2 ** 31 - 1;
    record.debit[0] = 2 ** 31 - 1;
    record.credit[0] = -(2 ** 31);
    record.currency[0] = 2 ** 15 - 1;
    record.code = 2 ** 15 - 1;
    record.flags = 2 ** 15 - 1;
    record.leg[0] = 63;
    record.amount[0] = INT8_MAX;
    record.released[0] = -INT8_MAX - 1n;
    record.fingerprintHi = -(2 ** 31);
    record.fingerprintLo = -1;
  });
  add((record) => {
    record.legCount = LEGS_MAX;
    for (let leg = 0; leg < LEGS_MAX; leg++) {
      record.leg[leg] = leg;
      record.debit[leg] = 2 ** 31 - 1 - leg;
      record.credit[leg] = leg + 1;
      record.currency[leg] = 2 ** 15 - 1;
      record.amount[leg] = INT8_MAX - BigInt(leg);
      record.released[leg] = leg % 2 === 0 ? 0n : 1n;
    }
  });
  return made;
}

describe.each([
  ['Postgres', postgresPlaces],
  ['PGlite', pglitePlaces],
] as const)('rows on %s', (_name, start) => {
  let places: Places;
  let store: ShardStore;
  beforeAll(async () => {
    places = await start();
    store = places.open(0);
    await store.acquire({ takeOver: false });
  }, 60_000);
  afterAll(async () => {
    await store?.close();
    await places?.stop();
  });

  it('come back byte for byte, at the ends of every column', async () => {
    const encoder = store.encoder();
    fill(encoder, extremes());
    if (!(encoder instanceof CopyEncoder)) throw new Error('the store encodes by copy');
    const sent = Buffer.from(encoder.bytes());
    expect(await store.commit(encoder)).toEqual({ type: 'committed' });
    const read = await store.sql.copyOut(`SELECT ${LOG_COLUMN_LIST} FROM log ORDER BY position`);
    expect(read.equals(sent)).toBe(true);
  });
});
