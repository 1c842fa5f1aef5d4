import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ShardReader } from '../../src/folds/read/shard-reader.js';
import { verifyShard } from '../../src/folds/verify/verify.js';
import { currencyByCode } from '../../src/ledger/currency.js';
import type { Sql } from '../../src/store/sql.js';
import { BOOK, SECOND, World } from '../ledger/helpers.js';
import { commitBatch, startPgliteShards, startPostgresShards, type TestDatabases } from './support/database.js';
import { modelRecord } from './support/records.js';

const NAMES = ['external/in', 'a', 'b', 'limited', 'debit', 'external/usd', 'usd'] as const;
const name = fc.constantFrom(...NAMES);
const amount = fc.oneof(
  { weight: 20, arbitrary: fc.bigInt({ min: 1n, max: 60n }) },
  { weight: 1, arbitrary: fc.constantFrom(2n ** 62n, 2n ** 63n - 1n) },
);
const leg = fc
  .record({ debit: name, credit: name, amount })
  .filter(({ debit, credit }) => debit !== credit && debit.endsWith('usd') === credit.endsWith('usd'))
  .map((one) => ({ ...one, currency: one.debit.endsWith('usd') ? 'USD' : 'EUR' }));
const post = fc.record({
  legs: fc.array(leg, { minLength: 1, maxLength: 4 }),
  pending: fc.boolean(),
  openAccounts: fc.constant(true),
  expiresIn: fc.integer({ min: 1, max: 20 }).map((seconds) => seconds * SECOND),
  reference: fc.constantFrom('order-1', 'order-2', undefined),
  ago: fc.constantFrom(0, 0, 5, 50),
});
const step = fc.oneof(
  { weight: 8, arbitrary: post.map((value) => ({ do: 'post' as const, ...value })) },
  {
    weight: 10,
    arbitrary: fc
      .record({
        type: fc.constantFrom('capture' as const, 'void' as const, 'increment' as const, 'reverse' as const),
        back: fc.nat(25),
        amount: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 40n })),
        final: fc.boolean(),
        force: fc.boolean(),
      })
      .map((value) => ({ do: 'act' as const, ...value })),
  },
  {
    weight: 1,
    arbitrary: fc.array(post, { minLength: 1, maxLength: 3 }).map((items) => ({ do: 'batch' as const, items })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ name, min: fc.bigInt({ min: -50n, max: 20n }) })
      .map((value) => ({ do: 'limits' as const, ...value })),
  },
  { weight: 1, arbitrary: name.map((value) => ({ do: 'close' as const, name: value })) },
  { weight: 1, arbitrary: name.map((value) => ({ do: 'reopen' as const, name: value })) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }).map((seconds) => ({ do: 'wait' as const, seconds })) },
);
const history = fc.record({
  steps: fc.array(step, { minLength: 60, maxLength: 120, size: 'max' }),
  batches: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 4, maxLength: 4 }),
  folds: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 4, maxLength: 4 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function run(world: World, one: Step): void {
  switch (one.do) {
    case 'post': {
      const { ago, reference, ...rest } = one;
      const effectiveAt = ago > 0 && !one.pending ? world.now - ago * SECOND : 0;
      world.post(one.legs, { ...rest, effectiveAt, ...(reference !== undefined && { reference }) });
      return;
    }
    case 'act':
      world.act(one.type, Math.max(1, world.ledger.head - one.back), one);
      return;
    case 'batch': {
      const items = one.items.map(({ legs, pending, expiresIn }) =>
        world.command(legs, { pending, expiresIn, openAccounts: true, key: null }),
      );
      world.apply({ type: 'atomic_batch', ...world.head(undefined), items });
      return;
    }
    case 'limits':
      world.change(one.name, { min_balance: one.min });
      return;
    case 'close':
      world.close(one.name);
      return;
    case 'reopen':
      world.reopen(one.name);
      return;
    case 'wait':
      world.now += one.seconds * SECOND;
      world.ledger.expireDue(world.now, 2, world.log);
  }
}

const FOLDED = ['log', 'batch', 'account', 'account_setting', 'hold', 'entry_block', 'book_block', 'book', 'tag'];

async function empty(sql: Sql): Promise<void> {
  await sql.query(`TRUNCATE ${FOLDED.join(', ')}`);
  await sql.query('UPDATE fold SET position = 0');
}

describe.each([
  ['Postgres', startPostgresShards],
  ['PGlite', startPgliteShards],
] as const)('what the ledger writes, on %s', (_name, start) => {
  let databases: TestDatabases;
  let sql: Sql;
  let reader: ShardReader;
  beforeAll(async () => {
    databases = await start();
    sql = await databases.create();
  });
  afterAll(() => databases?.stop());

  it('is folded to what the ledger holds in memory, and is found true by verify', async () => {
    const seen = new Set<number>();
    await fc.assert(
      fc.asyncProperty(history, async ({ steps, batches, folds }) => {
        await empty(sql);
        // Names of accounts are kept by their numbers, and every history has its own.
        reader = new ShardReader(sql, { name: 'one' });
        const world = new World();
        world.open({ name: 'limited', min_balance: -10n, max_balance: 300n, metadata: '{"l": 1}' });
        world.open({ name: 'debit', normal_balance: 'debit', max_balance: 400n });
        world.move('external/in>a 500', { openAccounts: true });
        for (const one of steps) run(world, one);
        const { ledger, log } = world;
        const rows = log.records.map(modelRecord);
        for (const { kind } of rows) seen.add(kind);
        const currencyOf = (number: number): number =>
          currencyByCode(ledger.accountByNumber(number).currency)?.number ?? 0;
        for (let at = 0, turn = 0; at < rows.length; turn++) {
          const end = at + (batches[turn % 4] ?? 1);
          await commitBatch(sql, rows.slice(at, end), currencyOf);
          at = end;
          await sql.query('SELECT * FROM fold_step($1)', [folds[turn % 4] ?? 1]);
        }
        await sql.query('SELECT * FROM fold_step(1000000)');
        await compare(world);
        for await (const result of verifyShard(sql)) expect(result, result.check).toMatchObject({ ok: true });
      }),
      { numRuns: 25, seed: Number(process.env.MILLRACE_SEED ?? 11) },
    );
    // A run that never reached these would prove less than it says.
    for (const kind of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14]) expect(seen).toContain(kind);
  }, 120_000);

  async function compare({ ledger, log }: World): Promise<void> {
    for (let number = 1; number <= ledger.accountCount; number++) {
      const { metadata, ...expected } = ledger.accountByNumber(number);
      const got = await reader.account(BOOK, expected.name);
      expect(got).toMatchObject(expected);
      expect(got?.metadata).toBe(metadata === undefined ? '{"l": 1}' : null);
    }
    const records = await reader.records(
      BOOK,
      log.records.map(({ position }) => position),
    );
    expect(records).toEqual(log.records.map((record) => ledger.recordView(record)));
    for (const { position, kind } of log.records) {
      const expected = kind === 1 || kind === 2 ? ledger.transactionView(position) : null;
      if (expected === null) continue;
      const got = await reader.transaction(BOOK, position);
      expect(got).toMatchObject({ status: expected.status, legs: expected.legs });
    }
    for (const { position } of log.records.filter(({ kind }) => kind === 14)) {
      const unit = await reader.unit(BOOK, position);
      expect(unit.length).toBe(1 + (JSON.parse(unit[0]?.details ?? '{}') as { count: number }).count);
    }
  }
});
