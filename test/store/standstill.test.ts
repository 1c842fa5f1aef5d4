/** Statements on a server that is stopped, slow, or gone. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createPgSql } from '../../src/store/postgres/sql.js';
import type { Sql } from '../../src/store/sql.js';
import type { TestPostgres } from '../support/postgres.js';
import { startTestPostgres, withClient } from '../support/postgres.js';
import { stopServer } from '../support/stopped.js';

const AFTER_MS = 300;
const WITHIN_MS = 500;
const NAME = 'millrace-standstill';

let server: TestPostgres;
let sql: Sql;
let goOn: () => void = () => undefined;
beforeAll(async () => {
  server = await startTestPostgres();
  sql = createPgSql({
    url: server.url(),
    applicationName: NAME,
    connectionsMax: 2,
    standstill: { afterMs: AFTER_MS, withinMs: WITHIN_MS },
  });
});
afterEach(() => goOn());
afterAll(async () => {
  await sql.close();
  await server.stop();
});

const connections = (): Promise<number> =>
  withClient(server.url(), async (client) => {
    const { rows } = await client.query('SELECT FROM pg_stat_activity WHERE application_name = $1', [NAME]);
    return rows.length;
  });

/** Asks until it is answered. @returns how long that took, ms */
async function untilAnswered(): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    try {
      await sql.query('SELECT 1');
      return performance.now() - startedAt;
    } catch (error) {
      if (performance.now() - startedAt > 20_000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

it('on a stopped server is refused soon, on more connections than there are too, and the next ones at once', async () => {
  await sql.query('SELECT 1');
  goOn = stopServer(server.pid);
  const startedAt = performance.now();
  const asked = await Promise.allSettled([1, 2, 3, 4, 5, 6].map((one) => sql.query('SELECT $1::int4 AS one', [one])));
  const tookMs = performance.now() - startedAt;
  for (const result of asked) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'MR_STORE_UNAVAILABLE' } });
  }
  expect(tookMs).toBeGreaterThan(AFTER_MS);
  expect(tookMs).toBeLessThan(2_000);
  const againAt = performance.now();
  await expect(sql.query('SELECT 1')).rejects.toMatchObject({ code: 'MR_STORE_UNAVAILABLE' });
  await expect(sql.copyOut('SELECT 1')).rejects.toMatchObject({ code: 'MR_STORE_UNAVAILABLE' });
  expect(performance.now() - againAt).toBeLessThan(50);
});

it('goes on soon after the server does, on as many connections as before', async () => {
  for (let round = 0; round < 3; round++) {
    goOn = stopServer(server.pid);
    await expect(sql.query('SELECT 1')).rejects.toMatchObject({ code: 'MR_STORE_UNAVAILABLE' });
    goOn();
    expect(await untilAnswered()).toBeLessThan(2_000);
    expect(await Promise.all([1, 2, 3].map(() => sql.query('SELECT 2 AS two')))).toEqual(
      [1, 2, 3].map(() => [{ two: 2 }]),
    );
  }
  // Two for statements and one for signs of life; the server has noticed that the others are gone.
  for (const until = performance.now() + 5_000; performance.now() < until && (await connections()) > 3; ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(await connections()).toBeLessThanOrEqual(3);
}, 60_000);

it('that is only slow is waited for', async () => {
  const [row] = await sql.query('SELECT pg_sleep($1)::text AS slept, 7 AS seven', [
    (AFTER_MS + WITHIN_MS + 700) / 1000,
  ]);
  expect(row?.seven).toBe(7);
});

it('that fails keeps its own error', async () => {
  await expect(sql.query('SELECT nothing')).rejects.toMatchObject({ code: '42703' });
  await expect(sql.copyOut('SELECT nothing')).rejects.toMatchObject({ code: '42703' });
});

it('whose connection is ended by the server is refused, and the next one goes on another', async () => {
  await expect(sql.query('SELECT pg_terminate_backend(pg_backend_pid())')).rejects.toMatchObject({
    code: 'MR_STORE_UNAVAILABLE',
  });
  expect(await sql.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
});
