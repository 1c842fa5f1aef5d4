import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckResult } from '../../src/folds/verify/verify.js';
import { verifyShard } from '../../src/folds/verify/verify.js';
import type { Sql } from '../../src/store/sql.js';
import { commitBatch, startPgliteShards, startPostgresShards, type TestDatabases } from './support/database.js';
import { Model, type ModelRecord } from './support/model.js';

/** What is done to the shard, which check finds it, and at which row. */
interface Corruption {
  readonly what: string;
  readonly edit: readonly string[];
  readonly check: string;
  readonly position?: number;
  readonly account?: string;
  readonly book?: number;
}

const model = new Model(43);
for (let step = 0; step < 500; step++) model.step();
const nameOf = (number: number | undefined): string => model.account(number ?? 0).name;
const find = (fits: (record: ModelRecord) => boolean): ModelRecord => {
  const record = model.records.find(fits);
  if (record === undefined) throw new Error('the history lacks such a record');
  return record;
};
const posted = find(({ kind, legs, position }) => kind === 1 && legs.length === 1 && position > 50);
const several = find(({ kind, legs }) => kind === 1 && legs.length > 1);
const capture = find(({ kind, legs }) => kind === 3 && legs.length === 1);
const reversal = find(({ kind, legs }) => kind === 7 && legs.length === 1);
const released = find(({ kind, legs }) => kind === 4 && legs.length === 1);
const expiry = find(({ kind }) => kind === 6);
const keyed = model.records.filter(({ key, book }) => key !== null && book === 1);
const tagged = find(({ kind, reference }) => kind < 8 && reference !== null);
const middle = find(({ book, position }) => book === 2 && position > 300);
const changed = find(({ kind }) => kind === 10);
const open = [...model.parents.values()].find(
  (parent) => parent.record.kind === 2 && ['pending', 'partially_captured'].includes(model.status(parent)),
);
const holding = open?.record.position ?? 0;
const first = keyed[0] as ModelRecord;
const second = keyed[1] as ModelRecord;
const account = model.account(posted.legs[0]?.debit ?? 0);

// biome-ignore format: a table, one corruption a line
const corruptions: readonly Corruption[] = [
  { what: 'a missing record', edit: [`DELETE FROM log WHERE position = ${middle.position}`], check: 'log', position: middle.position + 1 },
  { what: 'a record twice', edit: [`INSERT INTO log SELECT * FROM log WHERE position = ${middle.position}`], check: 'log', position: middle.position },
  { what: 'a record before the one before it', edit: [`UPDATE log SET recorded_at = '2020-01-01' WHERE position = ${middle.position}`], check: 'log', position: middle.position },
  { what: 'a record effective in the future', edit: [`UPDATE log SET effective_at = '2099-01-01' WHERE position = ${middle.position}`], check: 'log', position: middle.position },
  { what: 'the last record lost', edit: [`DELETE FROM log WHERE position = ${model.records.length}`], check: 'log', position: model.records.length - 1 },
  { what: 'a batch lost', edit: ['DELETE FROM batch WHERE prev = 100'], check: 'batches', position: 200 },
  { what: 'a record beyond the last batch', edit: ['INSERT INTO log (position, sequence, recorded_at, book, kind) VALUES (90000, 1, now(), 1, 8)'], check: 'batches', position: 90_000 },
  { what: 'a gap in a sequence', edit: [`UPDATE log SET sequence = sequence + 1 WHERE position = ${middle.position}`], check: 'sequences', position: middle.position, book: 2 },
  { what: 'a record moved to another book', edit: [`UPDATE log SET book = 3 WHERE position = ${middle.position}`], check: 'sequences' },
  { what: 'an account renamed', edit: [`UPDATE log SET details = replace(details::text, '"name":"', '"name":"x')::json WHERE position = ${changed.position}`], check: 'accounts', position: changed.position, account: nameOf(changed.account ?? 0) },
  { what: 'settings skipped', edit: [`UPDATE log SET details = regexp_replace(details::text, '"config_version":[0-9]+', '"config_version":99')::json WHERE position = ${changed.position}`], check: 'accounts', position: changed.position },
  { what: 'an account on both sides', edit: [`UPDATE log SET credit = debit WHERE position = ${posted.position}`], check: 'legs', position: posted.position, account: account.name },
  { what: 'an account that was never opened', edit: [`UPDATE log SET credit = 12345 WHERE position = ${posted.position}`], check: 'legs', position: posted.position },
  { what: 'a leg of another currency', edit: [`UPDATE log SET currency = 840 WHERE position = ${posted.position}`], check: 'legs', position: posted.position },
  { what: 'a negative amount', edit: [`UPDATE log SET amount = -5 WHERE position = ${posted.position}`], check: 'legs', position: posted.position },
  { what: 'half a leg', edit: [`UPDATE log SET more_legs = more_legs[1:5] WHERE position = ${several.position}`], check: 'legs', position: several.position },
  { what: 'a key used twice', edit: [`UPDATE log SET key = '${first.key}' WHERE position = ${second.position}`], check: 'keys', position: second.position, book: 1 },
  { what: 'an amount changed', edit: [`UPDATE log SET amount = amount + 1 WHERE position = ${posted.position}`], check: 'counters' },
  { what: 'a limit that did not hold', edit: [`UPDATE log SET details = regexp_replace(details::text, '"min_balance":[^,]*', '"min_balance":"100000"')::json WHERE position = ${account.openedPosition}`], check: 'limits', account: account.name },
  { what: 'a closed account moved', edit: [`UPDATE log SET details = replace(details::text, '"open":true', '"open":false')::json WHERE position = ${account.openedPosition}`], check: 'limits', account: account.name },
  { what: 'an account closed with money in it', edit: [`UPDATE log SET kind = 11, details = replace(details::text, '"open":true', '"open":false')::json WHERE position = ${changed.position}`], check: 'limits' },
  { what: 'a capture beyond the hold', edit: [`UPDATE log SET amount = amount + 100000 WHERE position = ${capture.position}`], check: 'holds', position: capture.position },
  { what: 'a release beyond the hold', edit: [`UPDATE log SET released = released + 100000 WHERE position = ${released.position}`], check: 'holds', position: released.position },
  { what: 'a reversal beyond what was posted', edit: [`UPDATE log SET amount = amount + 100000 WHERE position = ${reversal.position}`], check: 'holds', position: reversal.position },
  { what: 'a parent that is not there', edit: [`UPDATE log SET parent = 2 WHERE position = ${capture.position}`], check: 'holds', position: capture.position },
  { what: 'a capture between other accounts', edit: [`UPDATE log SET debit = credit, credit = debit WHERE position = ${capture.position}`], check: 'holds', position: capture.position },
  { what: 'an expiry before its time', edit: [`UPDATE log SET expires_at = '2050-01-01' WHERE position = ${expiry.parent}`], check: 'holds', position: expiry.position },
  { what: 'a state told wrong', edit: [`UPDATE log SET details = '{"parent_state":{"status":"voided"}}' WHERE position = ${capture.position}`], check: 'states', position: capture.position },
  { what: 'a counter changed', edit: [`UPDATE account SET credits_posted = credits_posted + 1 WHERE number = ${account.number}`], check: 'counters', account: account.name },
  { what: 'money made on one side', edit: [`UPDATE account SET credits_posted = credits_posted + 1 WHERE number = ${account.number}`], check: 'zero-sum' },
  { what: 'a version skipped', edit: [`UPDATE account SET version = version + 1 WHERE number = ${account.number}`], check: 'counters', account: account.name },
  { what: 'a limit changed without a record', edit: [`UPDATE account SET min_balance = -5 WHERE number = ${account.number}`], check: 'counters', account: account.name },
  { what: 'an account without a record', edit: [`INSERT INTO account (config_version, config_position, opened_position, opened_at, number, book, currency, open, has_metadata, normal_balance, name) VALUES (1, 1, 1, now(), 777, 1, 978, true, false, 'credit', 'ghost')`], check: 'counters', account: 'ghost' },
  { what: 'a hold lost', edit: [`DELETE FROM hold WHERE position = ${holding}`], check: 'open-holds', position: holding },
  { what: 'a hold changed', edit: [`UPDATE hold SET remaining = remaining + 1 WHERE position = ${holding}`], check: 'open-holds', position: holding },
  { what: 'a hold of nothing', edit: [`INSERT INTO hold VALUES (${posted.position}, NULL, 5, 1)`], check: 'open-holds', position: posted.position },
  { what: 'a line missing in a statement', edit: [`UPDATE entry_block SET positions = array_remove(positions, ${posted.position}::int8) WHERE account = ${account.number}`], check: 'statements', position: posted.position, account: account.name },
  { what: 'a line twice in a statement', edit: [`UPDATE entry_block SET positions = (SELECT array_agg(p ORDER BY p) FROM unnest(positions || ${posted.position}::int8) AS p) WHERE account = ${account.number} AND ${posted.position} = ANY (positions)`], check: 'statements', position: posted.position, account: account.name },
  { what: 'a line of a record that did not change the account', edit: [`UPDATE entry_block SET positions = ${account.openedPosition}::int8 || positions WHERE account = ${account.number} AND ${posted.position} = ANY (positions)`], check: 'statements', position: account.openedPosition, account: account.name },
  { what: 'lines of a statement out of order', edit: [`UPDATE entry_block SET positions = (SELECT array_agg(p ORDER BY p DESC) FROM unnest(positions) AS p) WHERE account = ${account.number} AND ${posted.position} = ANY (positions)`], check: 'statements', account: account.name },
  { what: 'a block of a statement lost', edit: [`DELETE FROM entry_block WHERE account = ${account.number} AND ${posted.position} = ANY (positions)`], check: 'statements', account: account.name },
  { what: 'a block of a statement that ends elsewhere', edit: [`UPDATE entry_block SET last_position = last_position + 1 WHERE account = ${account.number} AND ${posted.position} = ANY (positions)`], check: 'statements', account: account.name },
  { what: 'a block of a statement under another account', edit: [`UPDATE entry_block SET account = 99999 WHERE account = ${account.number} AND ${posted.position} = ANY (positions)`], check: 'statements' },
  { what: 'a line missing at the end of a statement', edit: [`UPDATE account SET tail = trim_array(tail, 1), version = version - 1 WHERE number = ${account.number}`], check: 'statements', account: account.name },
  { what: 'a statement that starts wrong', edit: [`UPDATE entry_block SET credits_pending = credits_pending + 1 WHERE account = ${account.number}`], check: 'statements', account: account.name },
  { what: 'the end of a statement that starts wrong', edit: [`UPDATE account SET tail_debits_posted = tail_debits_posted + 1 WHERE number = ${account.number}`], check: 'statements', account: account.name },
  { what: 'a list that lacks a record', edit: [`UPDATE book_block SET positions[1] = 0 WHERE book = 2`], check: 'books', book: 2 },
  { what: 'a book that counts wrong', edit: ['UPDATE book SET sequence = sequence + 1 WHERE book = 2'], check: 'books', book: 2 },
  { what: 'a tag lost', edit: [`DELETE FROM tag WHERE position = ${tagged.position}`], check: 'tags', position: tagged.position },
  { what: 'a cursor within a batch', edit: ['UPDATE fold SET position = position - 1'], check: 'cursor' },
];

/** Of every check, in order. */
async function results(sql: Sql): Promise<CheckResult[]> {
  const all: CheckResult[] = [];
  for await (const result of verifyShard(sql)) all.push(result);
  return all;
}

describe.each([
  ['Postgres', startPostgresShards],
  ['PGlite', startPgliteShards],
] as const)('verify on %s', (_name, start) => {
  let databases: TestDatabases;
  let sql: Sql;
  const folded = ['log', 'batch', 'account', 'hold', 'entry_block', 'book_block', 'book', 'tag', 'fold'];

  beforeAll(async () => {
    databases = await start();
    sql = await databases.create();
    for (let at = 0; at < model.records.length; at += 100) {
      await commitBatch(sql, model.records.slice(at, at + 100), (number) => model.account(number).currency);
      await sql.query('SELECT * FROM fold_step(1000)');
    }
    for (const table of folded) await sql.query(`CREATE TABLE kept_${table} AS SELECT * FROM ${table}`);
  }, 60_000);
  afterAll(() => databases?.stop());

  it('says of a true shard what it looked at', async () => {
    const all = await results(sql);
    expect(all.filter(({ ok }) => !ok)).toEqual([]);
    expect(all.find(({ check }) => check === 'log')?.rows).toBe(model.records.length);
    for (const { check, rows } of all) expect(rows, check).toBeGreaterThan(0);
  });

  it.each(corruptions)('finds $what', async ({ edit, check, position, account: name, book }) => {
    try {
      for (const statement of edit) await sql.query(statement);
      const found = (await results(sql)).find((result) => result.check === check);
      expect(found?.ok).toBe(false);
      expect(found?.firstLie?.message).toEqual(expect.any(String));
      if (position !== undefined) expect(found?.firstLie?.position).toBe(position);
      if (name !== undefined) expect(found?.firstLie?.account).toBe(name);
      if (book !== undefined) expect(found?.firstLie?.book).toBe(book);
    } finally {
      for (const table of folded) {
        await sql.query(`DELETE FROM ${table}`);
        await sql.query(`INSERT INTO ${table} SELECT * FROM kept_${table}`);
      }
    }
  });
});
