/** Whatever is done to a log behind the engine's back, verify names the first row that is not as it was committed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chainEnd, comparePoint } from '../../src/folds/verify/checkpoint.js';
import { checkSeals } from '../../src/folds/verify/seals.js';
import type { CheckResult } from '../../src/folds/verify/verify.js';
import type { ShardStore } from '../../src/store/shard-store.js';
import type { Sql } from '../../src/store/sql.js';
import { sealAgain } from '../support/seals.js';
import { commitBatches, type Places, pglitePlaces, postgresPlaces } from './support/places.js';

const SIZES = [1, 120, 79, 100, 50];
const HEAD = 350;
/** Batches end at 1, 121, 200, 300, 350; partitions at each hundred. */
const TABLES = ['log', 'batch'];

interface Tampering {
  readonly what: string;
  readonly edit: readonly string[];
  readonly position: number;
  readonly message: RegExp;
}

const altered = /altered or moved/;
const swap = (a: number, b: number): string =>
  `UPDATE log SET (sequence, recorded_at, fingerprint, amount, book, key, reference, metadata) =
     (SELECT o.sequence, o.recorded_at, o.fingerprint, o.amount, o.book, o.key, o.reference, o.metadata FROM log o
       WHERE o.position = ${a} + ${b} - log.position) WHERE position IN (${a}, ${b})`;
const shift = (from: number, by: number): readonly string[] => [
  `CREATE TABLE moved AS SELECT * FROM log WHERE position >= ${from}`,
  `DELETE FROM log WHERE position >= ${from}`,
  `UPDATE moved SET position = position + ${by}`,
  'INSERT INTO log SELECT * FROM moved',
  'DROP TABLE moved',
];

// biome-ignore format: a table, one a line
const tamperings: readonly Tampering[] = [
  { what: 'an amount altered', edit: ['UPDATE log SET amount = amount + 1 WHERE position = 177'], position: 177, message: altered },
  { what: 'the first row altered', edit: ['UPDATE log SET credit = 3 WHERE position = 1'], position: 1, message: altered },
  { what: 'the last row altered', edit: [`UPDATE log SET debit = 9 WHERE position = ${HEAD}`], position: HEAD, message: altered },
  { what: 'a text altered', edit: [`UPDATE log SET reference = 'other' WHERE position = 42`], position: 42, message: altered },
  { what: 'metadata written with another space', edit: [`UPDATE log SET metadata = '{"order": "A-1"}' WHERE position = 205`], position: 205, message: altered },
  { what: 'a text removed', edit: ['UPDATE log SET key = NULL WHERE position = 305'], position: 305, message: altered },
  { what: 'a time altered by a microsecond', edit: [`UPDATE log SET recorded_at = recorded_at + '1 microsecond' WHERE position = 122`], position: 122, message: altered },
  { what: 'a row given to another merchant', edit: ['UPDATE log SET book = 1 WHERE position = 99'], position: 99, message: altered },
  { what: 'several rows altered', edit: ['UPDATE log SET amount = 5 WHERE position IN (290, 130, 220)'], position: 130, message: altered },
  { what: 'two rows in each other\'s place', edit: [swap(150, 160)], position: 150, message: altered },
  { what: 'rows of two batches in each other\'s place', edit: [swap(30, 340)], position: 30, message: altered },
  { what: 'a row removed', edit: ['DELETE FROM log WHERE position = 250'], position: 250, message: /removed/ },
  { what: 'the last row removed', edit: [`DELETE FROM log WHERE position = ${HEAD}`], position: HEAD, message: /removed/ },
  { what: 'a row removed and the rest moved up', edit: ['DELETE FROM log WHERE position = 180', ...shift(181, -1)], position: 180, message: altered },
  { what: 'a row added and the rest moved down', edit: [...shift(181, 1), 'INSERT INTO log (position, sequence, recorded_at, book, kind) VALUES (181, 9, now(), 1, 8)'], position: 181, message: altered },
  { what: 'a row added at a position that is taken', edit: ['ALTER TABLE log DETACH PARTITION log_p1', 'DROP INDEX log_p1_position', 'INSERT INTO log_p1 SELECT * FROM log_p1 WHERE position = 133', 'ALTER TABLE log ATTACH PARTITION log_p1 FOR VALUES FROM (101) TO (201)'], position: 133, message: /added/ },
  { what: 'a digest altered', edit: [`UPDATE batch SET digest = decode(repeat('00', 32), 'hex') WHERE last = 200`], position: 122, message: /digest/ },
  { what: 'marks altered', edit: [`UPDATE batch SET marks = overlay(marks placing '\\x00'::bytea from 9) WHERE last = 300`], position: 201, message: /marks/ },
  { what: 'marks removed', edit: [`UPDATE batch SET marks = '' WHERE last = 300`], position: 201, message: /marks/ },
  { what: 'a running hash altered', edit: ['UPDATE batch SET hash = hash + 1 WHERE last = 300'], position: 201, message: /digest/ },
  { what: 'an epoch altered', edit: ['UPDATE batch SET epoch = 9 WHERE last = 121'], position: 2, message: /digest/ },
  { what: 'a batch removed with its rows', edit: ['DELETE FROM batch WHERE last = 200', 'DELETE FROM log WHERE position BETWEEN 122 AND 200'], position: 122, message: /no batch begins here/ },
  { what: 'the row of a batch removed', edit: ['DELETE FROM batch WHERE last = 200'], position: 122, message: /no batch begins here/ },
  { what: 'a batch added among the records of another', edit: [`INSERT INTO batch SELECT 150, 160, epoch, hash, digest, marks FROM batch WHERE last = 200`], position: 201, message: /no batch begins here/ },
  { what: 'a batch taken apart', edit: [`INSERT INTO batch SELECT 150, last, epoch, hash, digest, marks FROM batch WHERE last = 200`, 'UPDATE batch SET last = 150 WHERE prev = 121'], position: 122, message: /digest/ },
  { what: 'rows altered together with their marks', edit: ['UPDATE log SET amount = 5 WHERE position = 260', `UPDATE batch SET marks = m.marks FROM remade m WHERE batch.prev = m.prev`], position: 201, message: /digest/ },
];

describe.each([
  ['Postgres', postgresPlaces],
  ['PGlite', pglitePlaces],
] as const)('a log that was tampered with on %s', (_name, start) => {
  let places: Places;
  let store: ShardStore;
  let sql: Sql;
  const check = (): Promise<CheckResult> => checkSeals(sql, HEAD);

  beforeAll(async () => {
    places = await start();
    store = places.open(0);
    await store.acquire({ takeOver: false });
    await commitBatches(store, 1, SIZES);
    sql = store.sql;
    for (const table of TABLES) await sql.query(`CREATE TABLE kept_${table} AS SELECT * FROM ${table}`);
    // What marks would be if that row had another amount, for whoever goes to the trouble.
    await sql.query('UPDATE log SET amount = 5 WHERE position = 260');
    await sealAgain(sql, 260);
    await sql.query('CREATE TABLE remade AS SELECT * FROM batch');
    await restore();
  }, 60_000);
  afterAll(async () => {
    await store?.close();
    await places?.stop();
  });

  async function restore(): Promise<void> {
    for (const table of TABLES) {
      await sql.query(`DELETE FROM ${table}`);
      await sql.query(`INSERT INTO ${table} SELECT * FROM kept_${table}`);
    }
  }

  it('is true before', async () => {
    expect(await check()).toMatchObject({ ok: true, rows: HEAD });
  });

  it.each(tamperings)('gives away $what', async ({ edit, position, message }) => {
    try {
      for (const statement of edit) await sql.query(statement);
      expect(await check()).toMatchObject({
        ok: false,
        firstLie: { position, message: expect.stringMatching(message) as unknown },
      });
    } finally {
      await restore();
    }
  });

  it('passes for true where all digests were computed again, and a checkpoint tells', async () => {
    const end = await chainEnd(sql);
    expect(end).toMatchObject({ shard: 'shard-0', position: HEAD });
    expect(await comparePoint(sql, end)).toMatchObject({ ok: true });
    try {
      await sql.query('UPDATE log SET amount = amount + 1 WHERE position = 177');
      await sealAgain(sql, 177);
      expect(await check()).toMatchObject({ ok: true });
      expect(await comparePoint(sql, end)).toMatchObject({ ok: false, message: expect.stringMatching(/rewritten/) });
    } finally {
      await restore();
    }
  });

  it('does not keep a checkpoint by keeping its digest, by losing its end, or by being another log', async () => {
    const end = await chainEnd(sql);
    try {
      await sql.query('UPDATE log SET amount = amount + 1 WHERE position = 177');
      expect(await comparePoint(sql, end)).toMatchObject({
        ok: false,
        message: expect.stringMatching(/^position 177/),
      });
      await restore();
      await sql.query('DELETE FROM batch WHERE last = 350');
      await sql.query('DELETE FROM log WHERE position > 300');
      expect(await checkSeals(sql, 300)).toMatchObject({ ok: true });
      expect(await comparePoint(sql, end)).toMatchObject({ ok: false, message: expect.stringMatching(/cut off/) });
      expect(await comparePoint(sql, { ...end, log: end.log - 1 })).toMatchObject({ ok: false });
    } finally {
      await restore();
    }
  });

  it('keeps a checkpoint while it grows', async () => {
    const end = await chainEnd(sql);
    await commitBatches(store, HEAD + 1, [3, 4]);
    expect(await checkSeals(sql, HEAD + 7)).toMatchObject({ ok: true });
    expect(await comparePoint(sql, end)).toMatchObject({ ok: true });
  });
});
