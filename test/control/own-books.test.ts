import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KeysRequest, keysCommand } from '../../src/cli/keys.js';
import { checkBooks } from '../../src/cli/own-books.js';
import { configOf } from '../../src/platform/config/config.js';
import { ControlUnavailableError } from '../../src/platform/errors.js';
import { createLog } from '../../src/platform/log.js';
import { Control } from '../../src/store/control/control.js';
import { ControlLog } from '../../src/store/control/log.js';
import { migrate } from '../../src/store/migrate.js';
import { connectSession } from '../../src/store/postgres/session.js';
import { createPgSql } from '../../src/store/postgres/sql.js';
import type { Sql } from '../../src/store/sql.js';
import { startTestPostgres, type TestPostgres } from '../support/postgres.js';

const log = createLog({ level: 'silent' });
const APPLICATION = 'own-books test';
let server: TestPostgres;
let shard: Sql;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-books-'));
  server = await startTestPostgres({ settings: { fsync: 'off' } });
  const url = await server.createDatabase();
  const session = await connectSession({ url, applicationName: APPLICATION });
  await migrate(session, 'millrace');
  await session.close();
  shard = createPgSql({ url, applicationName: APPLICATION });
}, 60_000);
afterAll(async () => {
  await shard.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const opened = (book: number, merchant: string): Promise<unknown> =>
  shard.query(`INSERT INTO book VALUES ($1, 1, now(), $2, 'test') ON CONFLICT (book) DO UPDATE SET merchant = $2`, [
    book,
    merchant,
  ]);

/** A control log of its own, whose books are compared with the shard's. */
async function follow(url: string): Promise<Control> {
  return Control.start({
    connect: async () => createPgSql({ url, applicationName: APPLICATION }),
    copyFile: join(folder, `${Math.random()}.json`),
    pollMs: 60_000,
    staleMaxMs: 60_000,
    log,
    accept: (state) => checkBooks(state, [{ name: 'shard-0', sql: shard }], log),
  });
}

test('a control log that lacks a book of a shard, or gives it to another, creates no keys', async () => {
  const url = await server.createDatabase();
  const first = await ControlLog.open(createPgSql({ url, applicationName: APPLICATION }));
  const { key } = await first.createKey({ merchant: 'acme', environment: 'test', scopes: [] });
  await opened(key.book, 'acme');
  const whole = await follow(url);
  expect((await whole.createKey({ merchant: 'other', environment: 'test', scopes: [] })).key.book).not.toBe(key.book);
  await whole.close();

  await opened(99, 'late');
  const older = await follow(url);
  await expect(older.createKey({ merchant: 'new', environment: 'test', scopes: [] })).rejects.toThrow(
    ControlUnavailableError,
  );
  await expect(older.createKey({ merchant: 'new', environment: 'test', scopes: [] })).rejects.toThrow(
    /shard-0 holds book 99 of merchant "late" \(test\), and it does not know that book/,
  );
  await older.close();
  await shard.query('DELETE FROM book WHERE book = 99');

  await opened(key.book, 'somebody');
  const foreign = await follow(url);
  await expect(foreign.createKey({ merchant: 'new', environment: 'test', scopes: [] })).rejects.toThrow(
    /gives that book to another/,
  );
  await foreign.close();
  await first.close();
});

test('a shard that is away keeps nobody from creating keys', async () => {
  const away = { query: () => Promise.reject(new Error('away')) };
  await expect(checkBooks({ merchants: new Map() }, [{ name: 'shard-0', sql: away }], log)).resolves.toBeUndefined();
});

test('nor does the command make one where no engine runs; keys can be listed and revoked', async () => {
  const url = await server.createDatabase();
  const content = {
    store: { kind: 'postgres' },
    data_dir: 'data',
    shards: [{ name: 'shard-0', slots: '0-16383', url }],
  };
  const keys = async (request: KeysRequest): Promise<string> => {
    const io = { stdout: new PassThrough(), stderr: new PassThrough() };
    expect(await keysCommand(request, configOf(content, folder), io, log)).toBe(0);
    return String(io.stdout.read() ?? '');
  };
  const acme = { action: 'create', merchant: 'acme', environment: 'test', scopes: [] } as const;
  // Before any engine has started there.
  const [, id = ''] = /^mr_test_([a-z0-9]+)_/.exec(await keys(acme)) ?? [];
  const session = await connectSession({ url, applicationName: APPLICATION });
  await migrate(session, 'millrace');
  await session.query(`INSERT INTO millrace.book VALUES (99, 1, now(), 'late', 'test')`);
  await session.close();
  await expect(keys({ ...acme, merchant: 'new' })).rejects.toThrow(/holds book 99 of merchant "late"/);
  expect(await keys({ action: 'list' })).toContain(id);
  expect(await keys({ action: 'revoke', id })).toContain('is revoked');
});
