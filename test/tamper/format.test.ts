/** The format is what docs/tamper-evidence.md says: a verifier written from that page alone agrees. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeReceipt } from '../../src/folds/verify/receipt.js';
import { IdCodec } from '../../src/platform/ids/id-codec.js';
import { LOG_COLUMN_LIST } from '../../src/store/copy/columns.js';
import type { ShardStore } from '../../src/store/shard-store.js';
import { commitBatches, type Places, postgresPlaces, records } from './support/places.js';
import * as stranger from './support/stranger.js';

const SIZES = [1, 2, 120, 77, 150];
const HEAD = 350;

describe('a stranger with the page', () => {
  let places: Places;
  let store: ShardStore;
  beforeAll(async () => {
    places = await postgresPlaces();
    store = places.open(0);
    await store.acquire({ takeOver: false });
    await commitBatches(store, 1, SIZES);
  }, 60_000);
  afterAll(async () => {
    await store?.close();
    await places?.stop();
  });

  it('computes every digest of the chain', async () => {
    const batches = await store.sql.query('SELECT prev, last, epoch, hash, digest FROM batch ORDER BY prev');
    expect(batches).toHaveLength(SIZES.length);
    let previous = stranger.genesis(store.logId);
    for (const row of batches) {
      const batch = row as unknown as stranger.BatchColumns & { readonly digest: Uint8Array };
      const copy = await store.sql.copyOut(
        `SELECT ${LOG_COLUMN_LIST} FROM log WHERE position > ${batch.prev} AND position <= ${batch.last} ORDER BY position`,
      );
      previous = stranger.digest(copy, batch, previous, store.hashKey);
      expect(previous.toString('hex')).toBe(Buffer.from(batch.digest).toString('hex'));
    }
  });

  it('verifies the receipt of every row, which holds rows of its own merchant only', async () => {
    const ids = new IdCodec(store.hashKey);
    const made = records(1, HEAD);
    for (let position = 1; position <= HEAD; position += 7) {
      const receipt = await makeReceipt(store.sql, ids.encode(store.logId, position));
      if (receipt === null) throw new Error(`there is no receipt of ${position}`);
      const { batch, leaf, path, record } = receipt;
      const rows = Buffer.from(leaf.rows, 'base64');
      const books = stranger
        .rowsOf(Buffer.concat([Buffer.alloc(19), rows, Buffer.of(0xff, 0xff)]))
        .map(({ book }) => book);
      expect(new Set(books)).toEqual(new Set([made[position - 1]?.book]));
      expect(books.length).toBeLessThanOrEqual(32);
      expect(record).toMatchObject({ position, book: made[position - 1]?.book, key: `key-${position}` });
      const root = stranger.rootFromPath(
        stranger.leafHash(Buffer.from(leaf.blind, 'hex'), rows),
        leaf.index,
        batch.leaves,
        path.map((node) => Buffer.from(node, 'hex')),
      );
      const columns = {
        prev: BigInt(batch.prev),
        last: BigInt(batch.last),
        epoch: BigInt(batch.epoch),
        hash: BigInt(batch.hash),
      };
      const digest = stranger.batchHash(Buffer.from(batch.previous, 'hex'), columns, batch.leaves, root);
      expect(digest.toString('hex')).toBe(batch.digest);
    }
  });

  it('gets no receipt for an id that is of nothing', async () => {
    const ids = new IdCodec(store.hashKey);
    expect(await makeReceipt(store.sql, ids.encode(store.logId, HEAD + 1))).toBeNull();
    expect(await makeReceipt(store.sql, ids.encode(store.logId - 1, 5))).toBeNull();
    expect(await makeReceipt(store.sql, new IdCodec(Buffer.alloc(16, 9)).encode(store.logId, 5))).toBeNull();
    expect(await makeReceipt(store.sql, 'txn_nonsense')).toBeNull();
  });

  it('gets no receipt from a batch that was altered', async () => {
    const id = new IdCodec(store.hashKey).encode(store.logId, 260);
    await store.sql.query('UPDATE log SET amount = amount + 1 WHERE position = 261');
    await expect(makeReceipt(store.sql, id)).rejects.toThrow(/run millrace verify/);
    await store.sql.query('UPDATE log SET amount = amount - 1 WHERE position = 261');
    expect(await makeReceipt(store.sql, id)).not.toBeNull();
  });
});
