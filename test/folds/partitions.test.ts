/** What a read costs must not grow with the log: it may look into the partitions that hold what it reads, and no others. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ShardReader } from '../../src/folds/read/shard-reader.js';
import { currencyByCode } from '../../src/ledger/currency.js';
import type { Sql, SqlValue } from '../../src/store/sql.js';
import { BOOK, SECOND, World } from '../ledger/helpers.js';
import { commitBatch, startPgliteShards, startPostgresShards, type TestDatabases } from './support/database.js';
import { modelRecord } from './support/records.js';

const PARTITION_RECORDS = 100;

/** One move after another, the third of them held and captured at the end; two accounts that nobody has folded. */
function history(): World {
  const world = new World();
  world.move('external/in>a 5', { openAccounts: true });
  world.move('a>b 1', { openAccounts: true, pending: true, expiresIn: 3600 * SECOND });
  const items = [1n, 2n, 3n].map((amount) =>
    world.command([{ debit: 'external/in', credit: 'a', amount, currency: 'EUR' }], { key: null }),
  );
  world.apply({ type: 'atomic_batch', ...world.head(undefined), items });
  world.change('a', { max_balance: 1_000_000n });
  while (world.ledger.head < 16 * PARTITION_RECORDS) {
    world.move('external/in>a 5');
    world.now += SECOND;
  }
  const held = world.log.records.find(({ kind }) => kind === 2);
  world.act('capture', held?.position ?? 0, { amount: 0n });
  world.move('external/in>late 5', { openAccounts: true });
  return world;
}

async function partitionSmall(sql: Sql, records: number): Promise<void> {
  for (const index of [0, 1, 2]) await sql.query(`DROP TABLE log_p${index}`);
  for (let index = 0; index * PARTITION_RECORDS <= records; index++) {
    const [from, to] = [index * PARTITION_RECORDS, (index + 1) * PARTITION_RECORDS];
    await sql.query(`CREATE TABLE log_p${index} PARTITION OF log FOR VALUES FROM (${from}) TO (${to})`);
    await sql.query(`CREATE INDEX ON log_p${index} (position)`);
    await sql.query(`CREATE INDEX ON log_p${index} (parent, position) WHERE parent IS NOT NULL`);
  }
}

/** A way to the shard that notes how many partitions the plan of each statement has. */
function planned(sql: Sql, most: Map<string, number>): Sql {
  return {
    ...sql,
    query: async (text: string, values: readonly SqlValue[] = []) => {
      const plan = await sql.query(`EXPLAIN ${text}`, values);
      const partitions = new Set(JSON.stringify(plan).match(/log_p[0-9]+/g));
      most.set(text, Math.max(most.get(text) ?? 0, partitions.size));
      return sql.query(text, values);
    },
  };
}

describe.each([
  ['Postgres', startPostgresShards],
  ['PGlite', startPgliteShards],
] as const)('reads of a log of many partitions, on %s', (_name, start) => {
  let databases: TestDatabases;
  beforeAll(async () => {
    databases = await start();
  });
  afterAll(() => databases?.stop());

  it('plan the few partitions that hold what is read', async () => {
    const sql = await databases.create();
    const world = history();
    const records = world.log.records.map(modelRecord);
    await partitionSmall(sql, records.length);
    const currencyOf = (number: number): number =>
      currencyByCode(world.ledger.accountByNumber(number).currency)?.number ?? 0;
    const folded = 16 * PARTITION_RECORDS;
    await commitBatch(sql, records.slice(0, folded), currencyOf);
    await sql.query('SELECT * FROM fold_step($1)', [folded]);
    await commitBatch(sql, records.slice(folded), currencyOf);

    const statements = new Map<string, number>();
    const reader = new ShardReader(planned(sql, statements), { name: 'one' });
    const positionOf = (kind: number): number => world.log.records.find((one) => one.kind === kind)?.position ?? 0;
    expect(await reader.transaction(BOOK, positionOf(2))).toMatchObject({ status: 'captured' });
    expect(await reader.unit(BOOK, positionOf(14))).toHaveLength(4);
    expect(await reader.transaction(BOOK, world.ledger.head)).toMatchObject({ status: 'posted' });
    expect(await reader.account(BOOK, 'b')).not.toBeNull();
    expect((await reader.accounts(BOOK, { limit: 10 })).data).toHaveLength(3);
    expect((await reader.transactions(BOOK, { limit: 2, filter: {} })).data).toHaveLength(2);
    expect((await reader.entries(BOOK, 'b', { limit: 2 }))?.data).toHaveLength(1);
    const before = world.log.records[0]?.recordedAt ?? 0;
    expect(await reader.accountAt(BOOK, 'a', before + SECOND)).not.toBeNull();
    expect(await reader.accountAt(BOOK, 'late', world.now)).not.toBeNull();
    expect(await reader.accountAsOf(BOOK, 'b', world.now)).not.toBeNull();

    const ofLog = [...statements].filter(([text]) => / log | actions_on/.test(text));
    expect(ofLog.length).toBeGreaterThan(5);
    for (const [text, partitions] of ofLog) expect(partitions, text).toBeLessThanOrEqual(2);
  });
});
