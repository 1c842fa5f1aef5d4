import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KeyIndexer } from '../../../src/engine/shard/key-indexer.js';
import { KeyWindow } from '../../../src/ledger/keys/window.js';
import type { Sql, SqlRow, SqlValue } from '../../../src/store/sql.js';
import { SECOND, START } from '../../ledger/helpers.js';

const PARTITION = 20_000;
const STATEMENT_MS = 10;

/** A database that takes its time by the test's clock, and remembers what it was told. */
class SlowSql {
  readonly said: string[] = [];
  /** Up to which position partitions were said to have no keys left to write. */
  readonly passed: number[] = [];

  async query(text: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    this.said.push(text.trim().split(/\s+/).slice(0, 3).join(' '));
    if (text.startsWith('UPDATE log_partition')) this.passed.push(Number(values[0]));
    await new Promise((resolve) => setTimeout(resolve, STATEMENT_MS));
    return [];
  }

  count(what: string): number {
    return this.said.filter((text) => text.startsWith(what)).length;
  }
}

const BUCKETS = 'INSERT INTO key_bucket';
const FILTER = 'WITH filter AS';

function windowOf(partitions: number): KeyWindow {
  const keys = new KeyWindow(PARTITION);
  keys.configure({ keyWindow: 1_000 * SECOND, keysMax: 10_000_000, keysGuaranteed: 0 });
  keys.setBooks(1);
  const hash = new Int32Array(4);
  for (let position = 1; position <= partitions * PARTITION; position++) {
    for (let word = 0; word < 4; word++) hash[word] = Math.imul(position * 4 + word + 1, 0x9e3779b1);
    keys.remember(hash, 1, position, START, START + 1_000 * SECOND);
  }
  return keys;
}

function indexerOf(keys: KeyWindow, residentKeysMax = 1_000_000) {
  const sql = new SlowSql();
  const errors: Error[] = [];
  const indexer = new KeyIndexer(sql as unknown as Sql, keys, {
    partitionRecords: PARTITION,
    residentKeysMax,
    onError: (error) => errors.push(error),
  });
  return { sql, indexer, errors };
}

describe('the keys of a full partition', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('are written a statement at a time, with nine times as long for others after each', async () => {
    const { sql, indexer } = indexerOf(windowOf(1));
    indexer.catchUp(PARTITION, START);
    expect(sql.count(BUCKETS)).toBe(1);
    for (let statement = 2; statement <= 8; statement++) {
      await vi.advanceTimersByTimeAsync(STATEMENT_MS + 9 * STATEMENT_MS - 1);
      expect(sql.count(BUCKETS)).toBe(statement - 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(sql.count(BUCKETS)).toBe(statement);
    }
    expect(sql.count(FILTER)).toBe(0);
    await vi.advanceTimersByTimeAsync(10 * STATEMENT_MS);
    expect(sql.count(FILTER)).toBe(1);
  });

  test('are written without a rest where the next partition is full already', async () => {
    const { sql, indexer } = indexerOf(windowOf(2));
    indexer.catchUp(2 * PARTITION, START);
    await vi.advanceTimersByTimeAsync(9 * STATEMENT_MS);
    expect(sql.count(BUCKETS)).toBe(8);
    expect(sql.count(FILTER)).toBe(1);
  });

  test('are left to the next owner when the shard closes, also while it rests', async () => {
    const { sql, indexer, errors } = indexerOf(windowOf(1));
    indexer.catchUp(PARTITION, START);
    await vi.advanceTimersByTimeAsync(STATEMENT_MS + 1);
    let closed = false;
    void indexer.close().then(() => {
      closed = true;
    });
    await vi.advanceTimersByTimeAsync(250);
    expect(closed).toBe(true);
    indexer.catchUp(PARTITION, START);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sql.said).toEqual([BUCKETS]);
    expect(errors).toEqual([]);
  });

  test('go behind filters that are laid across when no partition is due', async () => {
    const keys = windowOf(9);
    const { sql, indexer } = indexerOf(keys, 0);
    for (let round = 0; round < 12; round++) {
      indexer.catchUp(9 * PARTITION, START);
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(sql.count(FILTER)).toBe(9);
    expect(keys.residentPartitions()).toEqual([]);
    expect(keys.mayBeSliced).toBe(false);
    const said = sql.said.length;
    indexer.catchUp(9 * PARTITION, START);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sql.said.length).toBe(said);
  });

  test('stay in memory for so many partitions as may, the newest', async () => {
    const keys = windowOf(5);
    const { indexer } = indexerOf(keys, 2 * PARTITION);
    for (let round = 0; round < 8; round++) {
      indexer.catchUp(5 * PARTITION, START);
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(keys.residentPartitions()).toEqual([3, 4]);
    expect(keys.oldestOpen).toBeUndefined();
  });

  test('may be forgotten while they are written', async () => {
    const keys = windowOf(2);
    const { sql, indexer, errors } = indexerOf(keys);
    indexer.catchUp(PARTITION, START);
    await vi.advanceTimersByTimeAsync(STATEMENT_MS + 1);
    expect(keys.forget(START + 1_000 * SECOND)).toEqual([0]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(errors).toEqual([]);
    expect(keys.isClosed(0)).toBe(false);
    expect(sql.count('DELETE FROM key_filter')).toBe(1);
    expect(keys.residentPartitions()).toEqual([1]);
  });

  test('are deleted once they are forgotten, whoever noticed it', async () => {
    const keys = windowOf(2);
    const { sql, indexer } = indexerOf(keys);
    keys.forget(START + 1_000 * SECOND);
    indexer.catchUp(2 * PARTITION, START);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sql.count('DELETE FROM key_filter')).toBe(1);
    expect(sql.count('DELETE FROM key_bucket')).toBe(1);
  });

  test('count as written where they are forgotten before they are', async () => {
    const keys = windowOf(4);
    const { sql, indexer } = indexerOf(keys);
    indexer.catchUp(4 * PARTITION, START + 2_000 * SECOND);
    await vi.advanceTimersByTimeAsync(10_000);
    // The newest stays, and with it what is to be written of it.
    expect([sql.count(FILTER), keys.oldestOpen]).toEqual([1, 3]);
    expect(sql.passed).toEqual([3 * PARTITION + 1]);
  });

  test('count as written only as far as the log is committed', async () => {
    const keys = windowOf(3);
    const { sql, indexer } = indexerOf(keys);
    indexer.catchUp(PARTITION + 5, START + 2_000 * SECOND);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([keys.oldestOpen, sql.passed]).toEqual([2, [PARTITION + 5 + 1]]);
    indexer.catchUp(3 * PARTITION, START + 2_000 * SECOND);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([keys.oldestOpen, sql.passed[1]]).toEqual([undefined, 3 * PARTITION + 1]);
  });
});
