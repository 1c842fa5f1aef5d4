/** What an engine does that finds, while it runs or starts, that a shard's log is not what was committed. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { locateEmbedded } from '../../src/store/embedded/embedded.js';
import { createPgSql } from '../../src/store/postgres/sql.js';
import type { Sql } from '../../src/store/sql.js';
import { merchantOf } from '../crash/support/merchants.js';
import { freePort } from '../crash/support/processes.js';
import { Api } from '../support/api.js';
import { type RunningEngine, startEngine } from '../support/engine.js';
import { MAIN } from '../support/program.js';

let engine: RunningEngine;
let sql: Sql;

beforeAll(async () => {
  // The same port after a new start, so that clients find it again.
  engine = await startEngine({ env: { MILLRACE_HTTP__PORT: String(await freePort()) } });
  const urls = locateEmbedded(engine.dataDir, ['shard-0', 'shard-1']) ?? {};
  sql = createPgSql({ url: urls['shard-0'] ?? '', applicationName: 'test' });
});
afterAll(async () => {
  await sql.close();
  await engine.dispose();
});

const shards = (): Promise<string> =>
  new Promise((done) => {
    const env = { ...process.env, MILLRACE_DATA_DIR: engine.dataDir };
    execFile(process.execPath, [MAIN, 'shards'], { env, cwd: tmpdir() }, (_error, out, err) => done(out + err));
  });

async function isStopped(): Promise<boolean> {
  try {
    const ready = await fetch(`${engine.url}/readyz`);
    const body = (await ready.json()) as { readonly shards: readonly Record<string, unknown>[] };
    return ready.status === 503 && body.shards[0]?.state === 'stopped' && body.shards[0].code === 'MR_SEAL_BROKEN';
  } catch {
    return false;
  }
}

test('a shard whose log was changed stops, loudly and alone, and is not taken up by a new start', async () => {
  const [left, right] = [
    new Api(engine.url, await engine.createKey(merchantOf(0, 'left'))),
    new Api(engine.url, await engine.createKey(merchantOf(1, 'right'))),
  ];
  for (const api of [left, right]) expect((await api.transfer('external/card', 'a', 1)).status).toBe(201);
  await sql.query(`UPDATE log SET recorded_at = recorded_at - '1 second'::interval
                    WHERE position = (SELECT max(position) FROM log)`);
  // The next batch is refused, so that the shard has to be loaded anew.
  await sql.query('ALTER TABLE log ADD CONSTRAINT refused CHECK (false) NOT VALID');
  expect((await left.transfer('external/card', 'a', 1)).status).toBe(503);
  await vi.waitUntil(isStopped, { timeout: 20_000 });
  await sql.query('ALTER TABLE log DROP CONSTRAINT refused');
  expect(await shards()).toMatch(/shard-0 .* stopped [\s\S]*shard-0: MR_SEAL_BROKEN: position \d+/);

  const check = async (): Promise<void> => {
    const refused = await left.transfer('external/card', 'a', 1);
    expect([refused.status, refused.body.code]).toEqual([503, 'shard_unavailable']);
    expect((await right.transfer('external/card', 'a', 1)).status).toBe(201);
  };
  await check();
  const pid = await engine.enginePid();
  process.kill(pid, 'SIGKILL');
  await vi.waitUntil(async () => (await engine.enginePid().catch(() => pid)) !== pid, { timeout: 20_000 });
  await vi.waitUntil(isStopped, { timeout: 20_000 });
  await check();
}, 90_000);
