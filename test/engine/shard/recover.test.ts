import { describe, expect, it } from 'vitest';
import { slicesText } from '../../../src/engine/shard/key-indexer.js';
import { recoverLedger } from '../../../src/engine/shard/recover.js';
import type { LedgerSettings } from '../../../src/ledger/command.js';
import { KeyedHash } from '../../../src/ledger/hash.js';
import type { KeyBucket } from '../../../src/ledger/keys/bucket.js';
import { KeyWindow } from '../../../src/ledger/keys/window.js';
import type { RememberedKey, ShardStore } from '../../../src/store/shard-store.js';

const PARTITION = 100;
const HEAD = 150;
const BOOK = 1;
const RECORDED_AT = 1_780_000_000_000_000;
const WEEK = 7 * 24 * 3600 * 1_000_000;
const hash = new KeyedHash(new Uint8Array(16).fill(7));
const settings = {
  customCurrencies: [],
  keyWindow: WEEK,
  keysMax: 1000,
  keysGuaranteed: 0,
} as unknown as LedgerSettings;

const keyAt = (position: number): Buffer => Buffer.from(`key-${position}`);
function hashAt(position: number): Int32Array {
  const into = new Int32Array(4);
  const key = keyAt(position);
  hash.hash128(BOOK, key, 0, key.length, into);
  return into;
}

/** The row that the indexer writes for a partition. */
function filterRow(partition: number): { partition: number; bits: Uint8Array; by_book: string } {
  const keys = new KeyWindow(PARTITION);
  keys.configure(settings);
  for (let position = partition * PARTITION + 1; position <= (partition + 1) * PARTITION; position++) {
    keys.remember(hashAt(position), BOOK, position, RECORDED_AT, RECORDED_AT + WEEK);
  }
  const sorted = keys.sortedEntries(partition);
  const buckets: KeyBucket[] = [...sorted.chunks()];
  if (buckets.length === 0) throw new Error('a partition with keys has buckets');
  return { partition, bits: sorted.filter.toBytes(), by_book: slicesText(sorted.slices) };
}

async function* none(): AsyncGenerator<never> {}

/** A log of two partitions, a key a position, of which the first is indexed by somebody else after so many looks at its database. */
function storeIndexedAfter(looks: number): ShardStore {
  let looked = 0;
  const query = async (text: string): Promise<readonly object[]> => {
    const isIndexed = ++looked > looks;
    if (text.includes('FROM key_filter')) return isIndexed ? [filterRow(0)] : [];
    if (text.includes('FROM log_partition')) return [{ first: isIndexed ? PARTITION + 1 : 1 }];
    throw new Error(`a start asks: ${text}`);
  };
  const folded = {
    foldedTo: HEAD,
    foldedHash: 1n,
    foldedAt: RECORDED_AT,
    head: HEAD,
    headHash: 1n,
    accountCount: 0,
    accounts: none(),
    openHolds: none(),
    configured: none(),
    tail: none(),
    books: (async function* () {
      yield [{ book: BOOK, sequence: HEAD, merchant: 'm', environment: 'test' }];
    })(),
  };
  async function* keysBetween(from: number, upTo: number): AsyncGenerator<readonly RememberedKey[]> {
    const positions = Array.from({ length: upTo - from + 1 }, (_, index) => from + index);
    yield positions.map((position) => {
      const bytes = keyAt(position);
      const key = { bytes, offset: 0, length: bytes.length };
      return { book: BOOK, position, recordedAt: RECORDED_AT, key };
    });
  }
  const hashKey = new Uint8Array(16).fill(7);
  const store = { hashKey, partitionRecords: PARTITION, sql: { query }, folded: async () => folded, keysBetween };
  return store as unknown as ShardStore; // as much of it as a start asks for
}

describe('a start', () => {
  it.each([0, 1, 2])('knows every key of a partition that is indexed after %i looks at the database', async (looks) => {
    const { keys } = await recoverLedger(storeIndexedAfter(looks), settings);
    for (let position = 1; position <= HEAD; position++) {
      expect(keys.find(hashAt(position), RECORDED_AT), `the key at ${position}`).not.toBe(0);
    }
    expect(keys.count).toBe(HEAD);
  });
});
