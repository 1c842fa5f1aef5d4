/**
 * How fast records become rows of binary COPY, and how fast a server takes and gives them.
 *
 *     npx tsc -p . --noEmit false --outDir dist/bench-build --rootDir . && node dist/bench-build/bench/copy.js [postgres://…]
 *
 * Without a URL only the encoder is measured. The database named must be empty; the bench leaves its tables there.
 */
import { assert } from '../src/ledger/assert.js';
import { LogRecord, RecordKind } from '../src/ledger/record.js';
import { recordGroups } from '../src/store/copy/decode.js';
import { CopyEncoder } from '../src/store/copy/encoder.js';
import { createPostgresStore } from '../src/store/postgres/store.js';
import type { ShardStore } from '../src/store/shard-store.js';

const ENCODE_ROUNDS = 400;
const ENCODE_BATCH = 5_000;
const COMMIT_MS = 4_000;
const BATCHES = [1, 100, 500, 2_000, 8_000];

const rate = (records: number, ms: number): string =>
  `${Math.round((records / ms) * 1000).toLocaleString('en')} records/s`;

/** A posting as most are: one leg, a key, a reference. */
function posting(): LogRecord {
  const record = new LogRecord();
  record.kind = RecordKind.posted;
  record.book = 7;
  record.keyed = true;
  record.legCount = 1;
  record.debit[0] = 12_345;
  record.credit[0] = 67_890;
  record.currency[0] = 978;
  record.amount[0] = 12_500n;
  const bytes = Buffer.alloc(16 + 20 + 10, 'k');
  bytes.writeInt32BE(20, 0);
  bytes.writeInt32BE(10, 24);
  bytes.writeInt32BE(-1, 38);
  bytes.writeInt32BE(-1, 42);
  record.texts = { bytes, offset: 0, length: bytes.length };
  return record;
}

function append(encoder: Pick<CopyEncoder, 'append'>, record: LogRecord, position: number): void {
  record.position = position;
  record.sequence = position;
  record.recordedAt = 1_780_000_000_000_000 + position;
  record.effectiveAt = record.recordedAt;
  record.fingerprintHi = Math.imul(position, 0x9e3779b1);
  record.fingerprintLo = position;
  encoder.append(record);
}

function benchEncoder(): void {
  const encoder = new CopyEncoder();
  const record = posting();
  for (const measured of [false, true]) {
    const start = performance.now();
    for (let round = 0; round < ENCODE_ROUNDS; round++) {
      encoder.clear();
      for (let index = 1; index <= ENCODE_BATCH; index++) append(encoder, record, index);
    }
    const ms = performance.now() - start;
    if (measured) {
      console.log(
        `encode: ${rate(ENCODE_ROUNDS * ENCODE_BATCH, ms)}, ${(encoder.sizeBytes / ENCODE_BATCH).toFixed(0)} bytes a row`,
      );
    }
  }
  const bytes = Buffer.from(encoder.bytes());
  for (const measured of [false, true]) {
    const start = performance.now();
    let decoded = 0;
    for (let round = 0; round < 40; round++) for (const group of recordGroups(bytes)) decoded += group.length;
    assert(decoded === 40 * ENCODE_BATCH, 'what was encoded is decoded');
    if (measured) console.log(`decode: ${rate(40 * ENCODE_BATCH, performance.now() - start)}`);
  }
}

async function benchCommits(store: ShardStore): Promise<void> {
  let { head } = await store.resolve();
  const record = posting();
  for (const size of BATCHES) {
    // Two encoders, as a worker has: one gathers while the other is committed.
    const [one, other] = [store.encoder(), store.encoder()];
    let [filled, next] = [one, other];
    const latencies: number[] = [];
    const fill = (): void => {
      filled.clear();
      for (let index = 0; index < size; index++) append(filled, record, ++head);
    };
    fill();
    const start = performance.now();
    let records = 0;
    while (performance.now() - start < COMMIT_MS) {
      const began = performance.now();
      const committing = store.commit(filled);
      [filled, next] = [next, filled];
      fill();
      const result = await committing;
      if (result.type !== 'committed') throw result.error;
      latencies.push(performance.now() - began);
      records += size;
    }
    const ms = performance.now() - start;
    const result = await store.commit(filled);
    if (result.type !== 'committed') throw result.error;
    latencies.sort((a, b) => a - b);
    const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2);
    console.log(`commit by ${size}: ${rate(records, ms)}, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
  }
}

async function benchRecovery(store: ShardStore): Promise<void> {
  let records = 0;
  let start = performance.now();
  for await (const chunk of (await store.folded()).tail) {
    for (const _record of chunk) records++;
    if (records > 1_000_000) break;
  }
  console.log(`read the tail: ${rate(records, performance.now() - start)}`);
  let keys = 0;
  start = performance.now();
  for await (const chunk of store.keysBetween(1, (await store.folded()).head)) {
    for (const _key of chunk) keys++;
    if (keys > 1_000_000) break;
  }
  console.log(`read keys: ${rate(keys, performance.now() - start)}`);
}

benchEncoder();
const url = process.argv[2];
if (url !== undefined) {
  const store = createPostgresStore({
    url,
    name: 'bench',
    slots: [[0, 16383]],
    commitDeadlineMs: 10_000,
    durability: { acceptLoss: false },
  });
  await store.acquire({ takeOver: false });
  await benchCommits(store);
  await benchRecovery(store);
  await store.close();
}
