/** SQL across threads, migrations at the same time, and the lock of a PGlite folder. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../src/store/migrate.js';
import { FolderLock } from '../../src/store/pglite/folder-lock.js';
import { createPortSql, servePortSql } from '../../src/store/port-sql.js';
import { connectSession } from '../../src/store/postgres/session.js';
import { createPgSql } from '../../src/store/postgres/sql.js';
import { parseTimestamp } from '../../src/store/postgres/types.js';
import type { Sql } from '../../src/store/sql.js';
import type { TestPostgres } from '../support/postgres.js';
import { startTestPostgres } from '../support/postgres.js';

let server: TestPostgres;
const open: Sql[] = [];
beforeAll(async () => {
  server = await startTestPostgres();
});
afterEach(async () => {
  for (const sql of open.splice(0)) await sql.close();
});
afterAll(() => server.stop());

const sqlOn = (url: string): Sql => {
  const sql = createPgSql({ url, applicationName: 'millrace-test' });
  open.push(sql);
  return sql;
};

describe('a copy out of a connection', () => {
  it('is whole, however long, and what is asked after it is answered', async () => {
    const sql = sqlOn(server.url());
    const bytes = await sql.copyOut('SELECT repeat($$row$$, i) FROM generate_series(1, 3000) i');
    const rows: number[] = [];
    for (let at = 19; bytes.readInt16BE(at) !== -1; at += 6 + bytes.readInt32BE(at + 2))
      rows.push(bytes.readInt32BE(at + 2));
    expect(rows).toEqual(Array.from({ length: 3_000 }, (_, index) => 3 * (index + 1)));
    expect(await sql.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it.each([
    ['before its first row', 'SELECT 1 FROM nothing'],
    ['after many rows', 'SELECT 1 / (50000 - i) FROM generate_series(1, 100000) i'],
  ])('that fails %s is an error, and its connection goes on', async (_when, query) => {
    const session = await connectSession({ url: server.url(), applicationName: 'millrace-test' });
    try {
      await expect(session.copyOut(query)).rejects.toThrow(/does not exist|division by zero/);
      expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
      expect((await session.copyOut('SELECT 1')).toString('hex').slice(38)).toBe('00010000000400000001ffff');
    } finally {
      await session.close();
    }
  });

  it('whose connection is lost half-way is an error', async () => {
    const session = await connectSession({ url: server.url(), applicationName: 'millrace-lost' });
    const reading = session.copyOut('SELECT i, pg_sleep(0.01) FROM generate_series(1, 3000) i');
    const lost = expect(reading).rejects.toThrow();
    await sqlOn(server.url()).query(
      `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'millrace-lost'`,
    );
    await lost;
    await session.close();
  });
});

describe('SQL over a port', () => {
  it('answers with the same rows and the same errors as the database itself', async () => {
    const { port1, port2 } = new MessageChannel();
    servePortSql(port1, sqlOn(server.url()));
    const sql = createPortSql(port2);
    open.push(sql);
    const [first, second] = await Promise.all([
      sql.query('SELECT $1::int8 AS wide, $2::bytea AS bytes', [2n ** 62n, new Uint8Array([1, 2])]),
      sql.query('SELECT 1 AS one'),
    ]);
    expect(first[0]?.wide).toBe(2n ** 62n);
    expect(Buffer.from(first[0]?.bytes as Uint8Array)).toEqual(Buffer.from([1, 2]));
    expect(second).toEqual([{ one: 1 }]);
    // Header, one row of one int4, trailer.
    expect((await sql.copyOut('SELECT 1')).toString('hex').slice(38)).toBe('00010000000400000001ffff');
    await expect(sql.query('SELECT nothing')).rejects.toMatchObject({
      code: '42703',
      message: 'column "nothing" does not exist',
    });
  });

  it('fails at once when the other thread has gone, also what was asked before', async () => {
    const { port1, port2 } = new MessageChannel();
    const never = () => new Promise<never>(() => undefined);
    servePortSql(port1, { query: never, copyOut: never, close: () => Promise.resolve() });
    const sql = createPortSql(port2);
    const asked = sql.query('SELECT 1');
    const copied = sql.copyOut('SELECT 1');
    port1.close();
    await expect(asked).rejects.toMatchObject({ code: 'MR_STORE_UNAVAILABLE' });
    await expect(copied).rejects.toMatchObject({ code: 'MR_STORE_UNAVAILABLE' });
    await expect(sql.query('SELECT 1')).rejects.toMatchObject({ code: 'MR_STORE_UNAVAILABLE' });
  });
});

describe('SQL on a pool', () => {
  it('says that the database is unavailable where nobody answers, and recovers from a lost connection', async () => {
    await expect(sqlOn('postgres://nobody@127.0.0.1:1/none').query('SELECT 1')).rejects.toMatchObject({
      code: 'MR_STORE_UNAVAILABLE',
    });
    const sql = sqlOn(server.url());
    await expect(sql.query('SELECT pg_terminate_backend(pg_backend_pid())')).rejects.toMatchObject({
      code: 'MR_STORE_UNAVAILABLE',
    });
    expect(await sql.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('keeps the options that stand in the URL', async () => {
    const sql = sqlOn(`${server.url()}?options=${encodeURIComponent('-c work_mem=7MB')}`);
    const [row] = await sql.query(
      `SELECT current_setting('work_mem') AS mem, current_setting('search_path') AS path, current_setting('timezone') AS zone`,
    );
    expect(row).toEqual({ mem: '7MB', path: 'millrace', zone: 'UTC' });
  });
});

describe('migrations', () => {
  it('may be run by several programs at once and are applied once', async () => {
    const url = await server.createDatabase();
    await Promise.all(
      [1, 2, 3].map(async () => {
        const session = await connectSession({ url, applicationName: 'millrace-test' });
        await migrate(session, 'millrace');
        await session.close();
      }),
    );
    const rows = await sqlOn(url).query('SELECT number, name FROM migration ORDER BY number');
    expect(rows.slice(0, 2)).toEqual([
      { number: 1, name: '0001-log' },
      { number: 2, name: '0002-folds' },
    ]);
  });

  it('stand in the schema that was asked for', async () => {
    const url = await server.createDatabase();
    const session = await connectSession({ url, schema: 'another', applicationName: 'millrace-test' });
    await migrate(session, 'another');
    expect(
      await session.query(`SELECT count(*)::int4 AS tables FROM pg_tables WHERE schemaname IN ('public', 'millrace')`),
    ).toEqual([{ tables: 0 }]);
    expect(await session.query('SELECT count(*) AS logs FROM another.log')).toEqual([{ logs: 0n }]);
    await session.close();
  });
});

describe('times', () => {
  it('are read to the microsecond, whatever their fraction', () => {
    expect(parseTimestamp('1970-01-01 00:00:00+00')).toBe(0);
    expect(parseTimestamp('1969-12-31 23:59:59.999999+00')).toBe(-1);
    expect(parseTimestamp('2026-01-02 03:04:05.6+00')).toBe(Date.UTC(2026, 0, 2, 3, 4, 5) * 1000 + 600_000);
    expect(() => parseTimestamp('2026-01-02 03:04:05+02')).toThrow('not a time in UTC');
  });
});

describe('the lock of a PGlite folder', () => {
  const folder = mkdtempSync('/tmp/mr-lock-');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('outlives nobody: the file of a dead process is replaced', () => {
    const path = join(folder, 'dead');
    writeFileSync(`${path}.lock`, JSON.stringify({ pid: 999_999_999, started: '1', id: 'x' }));
    const lock = new FolderLock(path);
    lock.take(false);
    lock.release();
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('is not let go by the one from whom it was taken', () => {
    const path = join(folder, 'taken');
    const first = new FolderLock(path);
    const second = new FolderLock(path);
    first.take(false);
    expect(() => second.take(false)).toThrow(`is open in process ${process.pid}; stop it first`);
    second.take(true);
    first.release();
    expect(existsSync(`${path}.lock`)).toBe(true);
    second.release();
    expect(existsSync(`${path}.lock`)).toBe(false);
  });
});
