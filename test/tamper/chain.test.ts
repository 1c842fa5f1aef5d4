/** The chain of digests through restarts, take-overs, lost commits; what recovery says of a log that was altered. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSeals } from '../../src/folds/verify/seals.js';
import { SealBrokenError } from '../../src/store/errors.js';
import type { ShardStore } from '../../src/store/shard-store.js';
import { collect, fill } from '../store/records.js';
import { commitBatches, type Places, pglitePlaces, postgresPlaces, records } from './support/places.js';

const WRITERS = `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name ~ '^millrace-shard-0-[0-9a-f]{8}$'`;

async function acquired(places: Places, number: number, takeOver = false): Promise<ShardStore> {
  const store = places.open(number);
  await store.acquire({ takeOver });
  return store;
}

const verified = async (store: ShardStore, head: number): Promise<unknown> =>
  (await checkSeals(store.sql, head)).firstLie ?? 'true';

describe.each([
  ['Postgres', postgresPlaces],
  ['PGlite', pglitePlaces],
] as const)('the chain on %s', (_name, start) => {
  let places: Places;
  beforeAll(async () => {
    places = await start();
  }, 60_000);
  afterAll(() => places?.stop());

  it('goes on after a restart and after a raised fence', async () => {
    const first = await acquired(places, 0);
    await commitBatches(first, 1, [5, 1]);
    await first.close();
    const second = await acquired(places, 0);
    await commitBatches(second, 7, [3]);
    await second.resolve();
    await commitBatches(second, 10, [2, 2]);
    expect(await verified(second, 13)).toBe('true');
    await second.close();
  });

  it('has the same place for a batch that is committed again under a new epoch', async () => {
    const store = await acquired(places, 1);
    await commitBatches(store, 1, [5]);
    const batch = fill(store.encoder(), records(6, 9), 9n);
    await store.sql.query('ALTER TABLE batch ADD CONSTRAINT refused CHECK (prev < 5)');
    expect((await store.commit(batch)).type).toBe('failed');
    await store.sql.query('ALTER TABLE batch DROP CONSTRAINT refused');
    expect((await store.resolve()).head).toBe(5);
    expect((await store.commit(batch)).type).toBe('committed');
    await commitBatches(store, 10, [4]);
    expect(await verified(store, 13)).toBe('true');
    await store.close();
  });

  it('stops recovery where a row of the tail was altered, also one that the running hash does not cover', async () => {
    const store = await acquired(places, 2);
    await commitBatches(store, 1, [5, 5, 5]);
    expect(await collect((await store.folded()).tail)).toHaveLength(15);
    await store.sql.query(`UPDATE log SET reference = 'other' WHERE position = 8`);
    const { tail } = await store.folded();
    await expect(collect(tail)).rejects.toThrow(SealBrokenError);
    await expect(collect((await store.folded()).tail)).rejects.toThrow(/^position 8: /);
    await store.close();
  });

  it('stops recovery where the last batch was altered and everything is folded', async () => {
    const store = await acquired(places, 3);
    await commitBatches(store, 1, [5, 5]);
    await store.sql.query(`UPDATE fold SET position = 10 WHERE name = 'balances'`);
    expect((await store.folded()).foldedTo).toBe(10);
    await store.sql.query(`UPDATE log SET reference = 'other' WHERE position = 8`);
    await expect(store.folded()).rejects.toThrow(/^position 8: /);
    await store.close();
  });
});

describe('the chain on a server', () => {
  let places: Places;
  beforeAll(async () => {
    places = await postgresPlaces();
  }, 60_000);
  afterAll(() => places?.stop());

  it('goes on for whoever takes the shard over', async () => {
    const first = await acquired(places, 0);
    await commitBatches(first, 1, [5]);
    const second = await acquired(places, 0, true);
    await commitBatches(second, 6, [5]);
    expect((await first.commit(fill(first.encoder(), records(6, 7)))).type).not.toBe('committed');
    await commitBatches(second, 11, [5]);
    expect(await verified(second, 15)).toBe('true');
    await first.close();
    await second.close();
  });

  it('goes on after the session that commits was ended', async () => {
    const store = await acquired(places, 1);
    await commitBatches(store, 1, [5]);
    const batch = fill(store.encoder(), records(6, 9), 9n);
    await store.sql.query(WRITERS);
    let result = await store.commit(batch);
    // How much of it the driver has heard decides what it says; the records are there in neither case.
    if (result.type !== 'committed') {
      expect((await store.resolve()).head).toBe(5);
      result = await store.commit(batch);
    }
    expect(result.type).toBe('committed');
    await commitBatches(store, 10, [2]);
    expect(await verified(store, 11)).toBe('true');
    await store.close();
  });
});
