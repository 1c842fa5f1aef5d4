import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hashApiKey } from '../../src/platform/api-key.js';
import { ControlRequestError, ControlUnavailableError } from '../../src/platform/errors.js';
import { createLog } from '../../src/platform/log.js';
import type { ControlChange } from '../../src/store/control/control.js';
import { Control } from '../../src/store/control/control.js';
import { readCopy } from '../../src/store/control/copy.js';
import { ControlLog } from '../../src/store/control/log.js';
import { ControlState, isMerchantId } from '../../src/store/control/state.js';
import type { Sql, SqlRow } from '../../src/store/sql.js';
import type { TestPostgres } from '../support/postgres.js';
import { startTestPostgres } from '../support/postgres.js';

const log = createLog({ level: 'silent' });

let server: TestPostgres;
beforeAll(async () => {
  server = await startTestPostgres({ settings: { fsync: 'off' } });
}, 60_000);
afterAll(() => server.stop());

async function pgSql(url: string): Promise<Sql> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on('error', () => undefined);
  await pool.query('SELECT 1');
  return {
    query: async (text, values) => (await pool.query<SqlRow>(text, values === undefined ? [] : [...values])).rows,
    copyOut: () => Promise.reject(new Error('the control log is not copied')),
    close: () => pool.end(),
  };
}
async function pgliteSql(): Promise<Sql> {
  const db = await PGlite.create();
  return {
    query: async (text, values) => (await db.query<SqlRow>(text, values === undefined ? [] : [...values])).rows,
    copyOut: () => Promise.reject(new Error('the control log is not copied')),
    close: () => db.close(),
  };
}

const stores = [
  { name: 'Postgres', open: async () => pgSql(await server.createDatabase()) },
  { name: 'PGlite', open: pgliteSql },
];

describe.each(stores)('the control log on $name', ({ open }) => {
  test('a merchant comes to be with its first key, each book has a number of its own', async () => {
    const control = await ControlLog.open(await open());
    const first = await control.createKey({ merchant: 'acme', environment: 'test', scopes: [] });
    const second = await control.createKey({ merchant: 'acme', environment: 'live', scopes: ['force'] });
    const other = await control.createKey({ merchant: 'shop{eu}', environment: 'test', scopes: [] });
    expect(new Set([first.key.book, second.key.book, other.key.book]).size).toBe(3);
    expect(first.token).toMatch(/^mr_test_/);
    expect(second.token).toMatch(/^mr_live_/);
    expect(first.key).toMatchObject({ hash: hashApiKey(first.token), merchant: 'acme', scopes: [], revoked: false });
    expect(second.key.scopes).toEqual(['force']);
    expect([...control.state.merchants.keys()]).toEqual(['acme', 'shop{eu}']);
    await control.revokeKey(first.key.id);
    await control.revokeKey(first.key.id);
    expect(control.state.keys.get(first.key.id)?.revoked).toBe(true);
    expect(control.records.map(({ entry }) => entry.kind)).toEqual([
      'merchant_created',
      'key_created',
      'key_created',
      'merchant_created',
      'key_created',
      'key_revoked',
    ]);
    await expect(control.revokeKey('nothere')).rejects.toThrow('there is no key nothere');
    await expect(control.createKey({ merchant: 'a/b', environment: 'test', scopes: [] })).rejects.toThrow(
      'cannot be a merchant id',
    );
    await control.close();
  }, 60_000);
});

test('no key stands in the database, only its hash', async () => {
  const url = await server.createDatabase();
  const control = await ControlLog.open(await pgSql(url));
  const { token } = await control.createKey({ merchant: 'acme', environment: 'test', scopes: [] });
  const sql = await pgSql(url);
  const rows = await sql.query('SELECT body::text FROM control.log');
  expect(JSON.stringify(rows)).not.toContain(token.slice(21));
  await sql.close();
  await control.close();
});

test('engines that write at the same time leave one gapless log, and no book has a number twice', async () => {
  const url = await server.createDatabase();
  const engines = await Promise.all(Array.from({ length: 4 }, async () => ControlLog.open(await pgSql(url))));
  const created = await Promise.all(engines.map((engine, index) => createThree(engine, index)));
  expect(created.flat()).toHaveLength(12);
  for (const engine of engines) await engine.poll();
  const [first] = engines;
  const books = [...(first?.state.merchants.values() ?? [])].flatMap(({ testBook, liveBook }) => [testBook, liveBook]);
  expect(new Set(books).size).toBe(books.length);
  expect(first?.state.merchants.size).toBe(7);
  for (const engine of engines) {
    expect(engine.records).toEqual(first?.records);
    await engine.close();
  }
});

/** One after the other, as an engine puts its questions. */
async function createThree(engine: ControlLog, index: number): Promise<readonly string[]> {
  const tokens: string[] = [];
  for (const merchant of ['shared', `own-${index}`, `late-${index % 2}`]) {
    tokens.push((await engine.createKey({ merchant, environment: 'test', scopes: [] })).token);
  }
  return tokens;
}

describe('a running engine', () => {
  let folder: string;
  let copyFile: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-control-'));
    copyFile = join(folder, 'keys.jsonl');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const options = (connect: () => Promise<Sql>, more: { now?: () => number; staleMaxMs?: number } = {}) => ({
    connect,
    copyFile,
    pollMs: 20,
    staleMaxMs: 60_000,
    log,
    ...more,
  });
  const away = () => Promise.reject(new Error('connection refused'));

  test('sees within its polling what another engine created and revoked', async () => {
    const url = await server.createDatabase();
    const here = await Control.start(options(() => pgSql(url)));
    const there = await ControlLog.open(await pgSql(url));
    const { key } = await there.createKey({ merchant: 'acme', environment: 'test', scopes: [] });
    await changed(here, () => here.keys.some(({ id }) => id === key.id));
    await there.revokeKey(key.id);
    await changed(here, () => here.keys.every(({ revoked }) => revoked));
    await there.close();
    await here.close();
  });

  test('goes on with its copy while the database is away, creates nothing, and starts with it', async () => {
    const url = await server.createDatabase();
    const before = await Control.start(options(() => pgSql(url)));
    const { key, token } = await before.createKey({ merchant: 'acme', environment: 'live', scopes: [] });
    await before.close();
    expect(statSync(copyFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(copyFile, 'utf8')).not.toContain(token);
    const after = await Control.start(options(away));
    expect(after.stale).toBe(false);
    expect(after.keys).toEqual([key]);
    await expect(after.createKey({ merchant: 'x', environment: 'test', scopes: [] })).rejects.toThrow(
      ControlUnavailableError,
    );
    await expect(after.revokeKey(key.id)).rejects.toThrow(ControlUnavailableError);
    await after.close();
  });

  test('lets no key in when the copy is older than allowed, and says so; all is well when the database is back', async () => {
    const url = await server.createDatabase();
    let at = Date.now();
    let reachable = true;
    const connect = () => (reachable ? pgSql(url) : away());
    const first = await Control.start(options(connect, { now: () => at }));
    await first.createKey({ merchant: 'acme', environment: 'test', scopes: [] });
    await first.close();
    reachable = false;
    const control = await Control.start(options(connect, { now: () => at }));
    expect(control.stale).toBe(false);
    at += 60_001;
    await changed(control, () => control.stale);
    reachable = true;
    await changed(control, () => !control.stale);
    expect(control.keys).toHaveLength(1);
    await control.close();
  });

  test('tells of a change what has changed, and of a connection that was made anew all that there is', async () => {
    const url = await server.createDatabase();
    let cut: Sql | null = null;
    const connect = async () => {
      cut = await pgSql(url);
      return cut;
    };
    const control = await Control.start({ ...options(connect), pollMs: 3_600_000 });
    const told: ControlChange[] = [];
    control.onChange((change) => told.push(change));
    const a = await control.createKey({ merchant: 'a', environment: 'test', scopes: [] });
    const b = await control.createKey({ merchant: 'b', environment: 'test', scopes: [] });
    const more = await control.createKey({ merchant: 'a', environment: 'live', scopes: [] });
    const revoked = await control.revokeKey(b.key.id);
    const [first, second] = control.everything.merchants;
    expect(told).toEqual([
      { whole: false, merchants: [first], keys: [a.key] },
      { whole: false, merchants: [second], keys: [b.key] },
      { whole: false, merchants: [], keys: [more.key] },
      { whole: false, merchants: [], keys: [revoked] },
    ]);
    await (cut as Sql | null)?.close();
    await expect(control.revokeKey(b.key.id)).rejects.toThrow(ControlUnavailableError);
    await control.revokeKey(b.key.id);
    expect(told.slice(4)).toEqual([{ whole: true, merchants: [first, second], keys: [a.key, revoked, more.key] }]);
    expect(readCopy(copyFile)?.records).toHaveLength(6);
    await control.close();
  });

  test('tells what it learnt from another engine also where what it asked for cannot be done', async () => {
    const url = await server.createDatabase();
    const here = await Control.start({ ...options(() => pgSql(url)), pollMs: 3_600_000 });
    const there = await ControlLog.open(await pgSql(url));
    const { key } = await there.createKey({ merchant: 'acme', environment: 'test', scopes: [] });
    const told: ControlChange[] = [];
    here.onChange((change) => told.push(change));
    await expect(here.revokeKey('000000000000')).rejects.toThrow(ControlRequestError);
    await here.createKey({ merchant: 'other', environment: 'test', scopes: [] });
    expect(told.flatMap(({ keys }) => keys.map(({ merchant }) => merchant))).toEqual(['acme', 'other']);
    expect(here.keys).toContainEqual(key);
    await there.close();
    await here.close();
  });

  test('reads its copy up to where it was cut off', async () => {
    const url = await server.createDatabase();
    const control = await Control.start({ ...options(() => pgSql(url)), pollMs: 3_600_000 });
    for (const merchant of ['a', 'b', 'c']) await control.createKey({ merchant, environment: 'test', scopes: [] });
    await control.close();
    const bytes = readFileSync(copyFile);
    const whole = readCopy(copyFile);
    expect(whole?.records).toHaveLength(6);
    let most = 0;
    for (let end = 0; end <= bytes.length; end++) {
      writeFileSync(copyFile, bytes.subarray(0, end));
      const records = readCopy(copyFile)?.records ?? [];
      expect(records).toEqual(whole?.records.slice(0, records.length));
      expect(records.length).toBeGreaterThanOrEqual(most);
      most = records.length;
    }
    expect(most).toBe(6);
  });

  test('starts without a database and without a copy, stale; a broken copy is none', async () => {
    writeFileSync(copyFile, '{"version":1,');
    const control = await Control.start(options(away));
    expect(control.stale).toBe(true);
    expect(control.keys).toEqual([]);
    await control.close();
  });
});

/** Resolves once the condition holds after a change was told. */
function changed(control: Control, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!condition()) return;
      stop();
      resolve();
    };
    const stop = control.onChange(look);
    if (condition()) look();
  });
}

test('merchant ids are of the alphabet of names, without slashes, with at most one hash tag', () => {
  for (const id of ['acme', 'a', 'shop{eu}', '{x}y', 'a.b:c_d@e+f-g', 'x'.repeat(128)])
    expect(isMerchantId(id)).toBe(true);
  for (const id of ['', '.', '..', 'a/b', '{', 'a{}', '{a}{b}', 'ä', 'a b', 'x'.repeat(129)])
    expect(isMerchantId(id)).toBe(false);
});

test('a hole in the log is never folded over', () => {
  const state = new ControlState();
  expect(() => state.fold({ position: 2, recordedAt: 0, entry: { kind: 'key_revoked', id: 'x' } })).toThrow(
    'record 2 after 0',
  );
});
