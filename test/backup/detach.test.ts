/** Old partitions of the log in files: what is proven of them, and what an engine on the rest still knows. */
import { generateKeyPairSync } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { migrate } from '../../src/store/migrate.js';
import { connectSession } from '../../src/store/postgres/session.js';
import { openWholeLog } from '../../src/store/postgres/whole-log.js';
import { openShardRow } from '../../src/store/shard-row.js';
import { millrace, until } from '../crash/support/processes.js';
import { Api } from '../support/api.js';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';
import type { TestPostgres } from '../support/postgres.js';
import { startTestPostgres, withClient } from '../support/postgres.js';

// Commands are processes, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const PARTITION_RECORDS = 64;

let server: TestPostgres;
let folder: string;
let files: string;
let url: string;
let env: Readonly<Record<string, string>>;
let engine: RunningEngine;
let api: Api;
let holdId: string;
let firstId: string;
let firstAt: string;
/** Transactions of the first partition with one action and with two in a later one. */
let acted: readonly string[];

/** Closed and forgotten, but not detached. The engine takes the filter of what it has forgotten away. */
const DETACHABLE = `SELECT p.number FROM millrace.log_partition p LEFT JOIN millrace.key_filter k ON k.partition = p.number
  WHERE p.number = (SELECT max(partition) + 1 FROM millrace.detached) AND p.keys_indexed
    AND (k.partition IS NULL OR k.last_expires_at < now()) AND p.end_position <= (SELECT position FROM millrace.fold WHERE name = 'balances')`;

const detach = () => millrace(['detach', '--before', '2100-01-01T00:00:00Z', '--to', files], env);
const attach = (since: Date, ...more: readonly string[]) =>
  millrace(['attach', '--since', since.toISOString(), ...more], env);
const verify = () => millrace(['verify'], env);
const ask = (text: string) =>
  withClient(url, async (client) => (await client.query(text)).rows[0] as Record<string, unknown>);
const balance = async (name: string): Promise<number> =>
  (await api.get(`/v1/accounts/${encodeURIComponent(name)}`)).body.balances.posted as number;

/** @returns the file of the private key; that of the public one lies beside it */
function newSigningKey(): string {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(folder, 'signing.pub'), publicKey.export({ format: 'pem', type: 'spki' }));
  const file = join(folder, 'signing.pem');
  writeFileSync(file, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  return file;
}

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
  const first = await api.transfer('external/card', 'customer/2', 5);
  firstId = String(first.body.id);
  firstAt = String(first.body.created_at);
  const once = await api.transfer('external/card', 'customer/2', 5);
  const twice = await api.transfer('external/card', 'customer/2', 5, { pending: true });
  acted = [String(once.body.id), String(twice.body.id)];
  await post(70, 'first');
  expect((await api.post(`/v1/transactions/${acted[0]}/reverse`, { amount: 1 })).status).toBe(201);
  expect((await api.post(`/v1/transactions/${acted[1]}/capture`, { amount: 3 })).status).toBe(201);
  expect((await api.post(`/v1/transactions/${acted[1]}/void`, {})).status).toBe(201);
  const signed = await millrace(['checkpoint', 'export', join(folder, 'before.json'), '--sign', newSigningKey()], env);
  expect(signed).toMatchObject({ code: 0 });
  const hold = await api.transfer('customer/1', 'shop/1', 1, { pending: true });
  holdId = String(hold.body.id);
  await post(70, 'second');
  await until('the keys of the first two partitions are forgotten', async () =>
    (await detach()).out.includes('a hold of it'),
  );
  expect(await ask('SELECT count(*)::int4 AS count FROM millrace.detached')).toEqual({ count: 1 });
});

test('a checkpoint of before holds; a receipt of what went says where it is', async () => {
  expect(
    await millrace(
      ['checkpoint', 'verify', join(folder, 'before.json'), '--public-key', join(folder, 'signing.pub')],
      env,
    ),
  ).toMatchObject({
    code: 0,
    out: expect.stringContaining('history up to here is the one that was signed'),
  });
  expect(await millrace(['receipt', firstId], env)).toMatchObject({
    code: 3,
    err: expect.stringContaining('stands in a file since millrace detach'),
  });
});

test('a transaction that went while actions on it stay is archived, and its merchant goes on', async () => {
  for (const id of acted) {
    for (const action of ['reverse', 'capture', 'void']) {
      const answer = await api.post(`/v1/transactions/${id}/${action}`, {});
      expect(answer).toMatchObject({ status: 410, body: { code: 'archived', outcome: 'none' } });
    }
  }
  await post(3, 'goes-on');
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

test('what only the files know is answered 410 archived; balances, newer records and the present are as before', async () => {
  const wallet = '/v1/accounts/customer%2F2';
  for (const action of ['reverse', 'capture', 'void']) {
    const answer = await api.post(`/v1/transactions/${firstId}/${action}`, {});
    expect(answer).toMatchObject({ status: 410, body: { code: 'archived', outcome: 'none', final: false } });
  }
  const archived = { status: 410, body: { code: 'archived' } };
  expect(await api.get(`/v1/transactions/${firstId}`)).toMatchObject(archived);
  const other = new Api(engine.url, await engine.createKey('other'));
  expect((await other.get(`/v1/transactions/${firstId}`)).status).toBe(404);
  expect((await other.post(`/v1/transactions/${firstId}/reverse`, {})).status).toBe(404);
  expect((await other.get('/v1/transactions')).body).toMatchObject({ data: [], next_cursor: null });
  expect(await api.get(`${wallet}?at=${encodeURIComponent(firstAt)}`)).toMatchObject(archived);
  const now = await api.get(wallet);
  const present = (await ask('SELECT now() AS at')) as { at: Date };
  // All of this account's newest entries but a few stand in files.
  expect((await api.get(`${wallet}?at=${present.at.toISOString()}`)).body.balances).toEqual(now.body.balances);
  expect((await api.get(`${wallet}?as_of=${present.at.toISOString()}`)).body.balances.posted).toBe(
    now.body.balances.posted,
  );
  const entries = (await api.get(`${wallet}/entries`)).body.data as { version: number; balances: { posted: number } }[];
  expect(entries.length).toBeGreaterThan(0);
  expect(entries[0]?.version).toBeGreaterThan(1);
  expect(entries.at(-1)).toMatchObject({ version: now.body.version, balances: { posted: now.body.balances.posted } });
});

test('lists go to the end of the table, and say that what follows is archived', async () => {
  let path = '/v1/transactions?limit=100';
  let seen = 0;
  for (;;) {
    const { status, body } = await api.get(path);
    if (status === 410) {
      expect(body.code).toBe('archived');
      break;
    }
    expect(status).toBe(200);
    seen += body.data.length as number;
    expect(body.next_cursor).not.toBeNull();
    path = `/v1/transactions?limit=100&cursor=${encodeURIComponent(body.next_cursor as string)}`;
  }
  const { end } = (await ask('SELECT max(end_position)::int4 AS end FROM millrace.detached')) as { end: number };
  const attached = await ask(
    `SELECT count(*)::int4 AS count FROM millrace.log WHERE position >= ${end} AND kind BETWEEN 1 AND 7`,
  );
  expect(attached).toEqual({ count: seen });
  expect((await api.get('/v1/transactions?reference=nobody')).body).toMatchObject({ data: [], next_cursor: null });
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

test('while a proof reads the log nothing is detached, and a file of another history is not overwritten', async () => {
  const whole = await openWholeLog({ url, applicationName: 'detach test' });
  expect(await detach()).toMatchObject({ code: 3, err: expect.stringContaining('a verify is reading the log') });
  await whole.close();
  await until('the keys of one more partition are forgotten', async () => {
    await post(10, `more-${Math.random()}`);
    const [row] = await withClient(
      url,
      async (client) => (await client.query(DETACHABLE)).rows as { number: number }[],
    );
    if (row === undefined) return false;
    const { id } = (await ask('SELECT log_id AS id FROM millrace.shard')) as { id: number };
    const file = join(files, `shard-0-${id}-${String(row.number).padStart(6, '0')}.copy`);
    writeFileSync(file, 'of another history');
    expect((await detach()).err).toContain(`${file} is there with another content`);
    expect(readFileSync(file, 'utf8')).toBe('of another history');
    return true;
  });
  expect((await verify()).code).toBe(0);
});

test('what was detached is brought back, newest first and only from files that are what they were', async () => {
  const rows = 'SELECT count(*)::int4 AS count FROM millrace.log';
  const whole = Number((await ask('SELECT max(last)::int4 AS count FROM millrace.batch')).count);
  const detached = (await ask('SELECT count(*)::int4 AS count FROM millrace.detached')) as { count: number };
  const newest = (await ask('SELECT last_at AS at FROM millrace.detached ORDER BY partition DESC LIMIT 1')) as {
    at: Date;
  };
  const [file = ''] = readdirSync(files).sort();
  expect(await attach(newest.at)).toMatchObject({ code: 0, out: expect.stringContaining('1 partitions attached') });
  expect((await verify()).code).toBe(0);
  renameSync(files, `${files}.moved`);
  const moved = join(`${files}.moved`, file);
  appendFileSync(moved, 'x');
  const broken = await attach(new Date(0), '--from', `${files}.moved`);
  expect(broken).toMatchObject({ code: 3, err: expect.stringContaining(`${moved} is not what it was`) });
  truncateSync(moved, statSync(moved).size - 1);
  const [left] = [await ask('SELECT count(*)::int4 AS count FROM millrace.detached')];
  expect(left, 'those before it are whole').toEqual({ count: 1 });
  expect((await attach(new Date(0), '--from', `${files}.moved`)).code).toBe(0);
  expect(await ask(rows)).toEqual({ count: whole });
  expect(detached.count).toBeGreaterThan(2);
  expect((await verify()).out).toContain('all true');
  expect((await api.get(`/v1/transactions/${firstId}`)).status).toBe(200);
  expect((await api.post(`/v1/transactions/${firstId}/reverse`, {})).status).toBe(201);
  // And away again, for what follows.
  renameSync(`${files}.moved`, files);
  const held = await withClient(url, async (client) => {
    await client.query('BEGIN');
    await client.query(`SELECT FROM millrace.log_p0 LIMIT 1`);
    // Further on lies the file of another history: what was done before it was met is told all the same.
    return (await detach()).out;
  });
  expect(held, 'a reader keeps the space of the first, and of nothing else').toMatch(
    /its space is not free yet \(.*lock timeout\): later, VACUUM \(FULL, ANALYZE\) millrace\.log_p0\n/,
  );
  expect(held.match(/its space/g)).toHaveLength(1);
  await until('they are detached again', async () => {
    await detach();
    return Number((await ask('SELECT count(*) AS count FROM millrace.detached')).count) >= detached.count;
  });
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
