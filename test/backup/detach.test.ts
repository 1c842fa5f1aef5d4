/** Old partitions of the log in files: what is proven of them, and what an engine on the rest still knows. */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { migrate } from '../../src/store/migrate.js';
import { connectSession } from '../../src/store/postgres/session.js';
import { openShardRow } from '../../src/store/shard-row.js';
import { millrace, until } from '../crash/support/processes.js';
import { Api } from '../support/api.js';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';
import type { TestPostgres } from '../support/postgres.js';
import { startTestPostgres, withClient } from '../support/postgres.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const PARTITION_RECORDS = 64;

let server: TestPostgres;
let folder: string;
let files: string;
let url: string;
let env: Readonly<Record<string, string>>;
let engine: RunningEngine;
let api: Api;
let holdId: string;

const detach = () => millrace(['detach', '--before', '2100-01-01T00:00:00Z', '--to', files], env);
const verify = () => millrace(['verify'], env);
const ask = (text: string) =>
  withClient(url, async (client) => (await client.query(text)).rows[0] as Record<string, unknown>);
const balance = async (name: string): Promise<number> =>
  (await api.get(`/v1/accounts/${encodeURIComponent(name)}`)).body.balances.posted as number;

async function post(count: number, prefix: string): Promise<void> {
  for (let number = 1; number <= count; number++) {
    const answer = await api.transfer(
      'external/card',
      `customer/${number % 5}`,
      number,
      {},
      { key: `${prefix}-${number}` },
    );
    expect(answer.status).toBe(201);
  }
}

beforeAll(async () => {
  server = await startTestPostgres();
  folder = mkdtempSync(join(tmpdir(), 'millrace-detach-'));
  files = join(folder, 'files');
  url = await server.createDatabase();
  const session = await connectSession({ url, applicationName: 'detach test' });
  await migrate(session, 'millrace');
  await openShardRow(session, { name: 'shard-0', slots: [[0, 16383]], partitionRecords: PARTITION_RECORDS });
  await session.close();
  env = {
    MILLRACE_STORE__KIND: 'postgres',
    MILLRACE_SHARDS: JSON.stringify([{ name: 'shard-0', slots: '0-16383', url }]),
    MILLRACE_DATA_DIR: join(folder, 'data'),
    MILLRACE_KEYS__WINDOW: '1s',
  };
  engine = await startEngine({ dataDir: join(folder, 'data'), env });
  api = new Api(engine.url, await engine.createKey('acme'));
});
afterAll(async () => {
  await engine.dispose();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a partition with an open hold or with remembered keys stays', async () => {
  await post(70, 'first');
  const hold = await api.transfer('customer/1', 'shop/1', 1, { pending: true });
  holdId = String(hold.body.id);
  await post(70, 'second');
  await until('the keys of the first two partitions are forgotten', async () =>
    (await detach()).out.includes('a hold of it'),
  );
  expect(await ask('SELECT count(*)::int4 AS count FROM millrace.detached')).toEqual({ count: 1 });
});

test('the rest goes when the hold is captured, and the engine works on', async () => {
  expect((await api.post(`/v1/transactions/${holdId}/capture`, {})).status).toBe(201);
  await post(70, 'third');
  await until('three partitions are detached', async () => {
    await detach();
    return Number((await ask('SELECT count(*) AS count FROM millrace.detached')).count) >= 3;
  });
  const { end } = (await ask('SELECT max(end_position)::int4 AS end FROM millrace.detached')) as { end: number };
  const left = await ask(
    `SELECT count(*)::int4 AS count FROM millrace.log WHERE position < ${end} AND kind BETWEEN 1 AND 7`,
  );
  expect(left).toEqual({ count: 0 });
  await post(3, 'fourth');
});

test('verify proves files and table as one log', async () => {
  const { code, out } = await verify();
  expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('all true') });
  const { head } = (await ask('SELECT max(last)::int4 AS head FROM millrace.batch')) as { head: number };
  expect(out).toContain(
    `positions are gapless, recorded times never go back, nothing is effective in the future (${head} rows)`,
  );
});

test('an engine that starts on the rest has every balance, and a forgotten key is new', async () => {
  const before = await balance('customer/3');
  await engine.stop();
  engine = await startEngine({ dataDir: join(folder, 'data'), env });
  api = new Api(engine.url, api.apiKey);
  expect(await balance('customer/3')).toBe(before);
  const again = await api.transfer('external/card', 'customer/3', 3, {}, { key: 'first-3' });
  expect(again.status).toBe(201);
  expect(again.headers.get('Idempotency-Replayed')).toBeNull();
  expect(await balance('customer/3')).toBe(before + 3);
});

test('a file that was changed, cut, or taken away is named', async () => {
  const file = join(files, readdirSync(files).sort()[1] ?? '');
  appendFileSync(file, 'x');
  expect(await verify()).toMatchObject({ code: 1, out: expect.stringContaining(`${file} is not what it was`) });
  truncateSync(file, statSync(file).size - 1);
  expect((await verify()).code).toBe(0);
  renameSync(file, `${file}.away`);
  expect(existsSync(file)).toBe(false);
  expect(await verify()).toMatchObject({
    code: 3,
    err: expect.stringContaining(`${file}, in which a part of the log stands`),
  });
  renameSync(`${file}.away`, file);
});

test('what stayed in the table and was changed there is found, and so is a file that was put in the place of another', async () => {
  await ask(`UPDATE millrace.log SET sequence = sequence + 1 WHERE position = 2 RETURNING position`);
  expect(await verify()).toMatchObject({ code: 1, out: expect.stringContaining('stands in the table otherwise') });
  await ask(`UPDATE millrace.log SET sequence = sequence - 1 WHERE position = 2 RETURNING position`);
  await ask(`UPDATE millrace.detached SET sha256 = repeat('0', 64) WHERE partition = 1 RETURNING partition`);
  expect(await verify()).toMatchObject({
    code: 1,
    out: expect.stringContaining('the chain of detached files is broken'),
  });
});
