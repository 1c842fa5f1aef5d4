/** Restores of servers that hold the least that a ledger has: what they refuse, and where they end. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findBackups } from '../../src/cli/backup/manifest.js';
import { reachOf } from '../../src/cli/backup/reach.js';
import { backupCommand } from '../../src/cli/backup.js';
import { restoreCommand } from '../../src/cli/restore.js';
import { configOf } from '../../src/platform/config/config.js';
import { openLock } from '../../src/platform/lock.js';
import { createLog } from '../../src/platform/log.js';
import { archivePlaceOf, historyOf, readReached } from '../../src/store/embedded/archive.js';
import { locateHomes, startEmbedded } from '../../src/store/embedded/embedded.js';
import { endOf, fileAt } from '../../src/store/embedded/wal.js';
import { until } from '../crash/support/processes.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const NAMES = ['shard-0'];
const SEGMENT_BYTES = 16 * 2 ** 20;
const lines: string[] = [];
const log = createLog({
  level: 'error',
  format: 'text',
  output: { write: (line: string) => lines.push(line) } as never,
});

let folder: string;
let archive: string;

const config = (dataDir: string) =>
  configOf(
    {
      data_dir: dataDir,
      shards: [{ name: 'shard-0', slots: '0-16383' }],
      backup: { archive, interval: '1s' },
    },
    folder,
  );

async function run(command: (io: { stdout: PassThrough; stderr: PassThrough }) => Promise<number>): Promise<string> {
  const io = { stdout: new PassThrough(), stderr: new PassThrough() };
  expect(await command(io)).toBe(0);
  return String(io.stdout.read() ?? '');
}

const restore = (into: string, from: string | null = null, to: string | null = null): Promise<string> =>
  run((io) => restoreCommand({ from, to, list: false }, config(into), io, log));

/** The servers of a folder, for as long as `use` takes. */
async function withServers<T>(dataDir: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const lock = await openLock(join(folder, dataDir));
  const servers = await startEmbedded({
    folder: lock.folder,
    names: NAMES,
    archive: { folder: archive, intervalMs: 1000 },
    log,
  });
  const client = new pg.Client({ connectionString: servers.urls['shard-0'] });
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end();
    await servers.stop();
    await lock.close();
  }
}

const record = (position: number): string => `INSERT INTO millrace.log VALUES (${position}, clock_timestamp())`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-restore-'));
  chmodSync(folder, 0o755);
  archive = join(folder, 'archive');
  await withServers('data', async (client) => {
    await client.query(`CREATE SCHEMA millrace;
      CREATE TABLE millrace.shard (incarnation int4 NOT NULL);
      INSERT INTO millrace.shard VALUES (1);
      CREATE FUNCTION millrace.begin_incarnation() RETURNS int4 LANGUAGE sql AS
        'UPDATE millrace.shard SET incarnation = incarnation + 1 RETURNING incarnation';
      CREATE TABLE millrace.log (position int8 NOT NULL, recorded_at timestamptz NOT NULL)`);
    await client.query(record(1));
  });
  writeFileSync(join(folder, 'data', 'notes.txt'), 'kept', { mode: 0o640 });
  await run((io) => backupCommand({ to: null, keep: null, withoutControl: false }, config('data'), io, log));
  await run((io) =>
    backupCommand({ to: join(folder, 'copies'), keep: null, withoutControl: false }, config('data'), io, log),
  );
  await withServers('data', async (client) => {
    await client.query(record(2));
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a backup says that it leaves out a control log in a database of its own, and is made when that is known', async () => {
  const own = configOf(
    {
      data_dir: 'data',
      shards: [{ name: 'shard-0', slots: '0-16383' }],
      backup: { archive, interval: '1s' },
      control: { url: 'postgres://nobody@127.0.0.1:1/nothing' },
    },
    folder,
  );
  const to = join(folder, 'own-control');
  const io = { stdout: new PassThrough(), stderr: new PassThrough() };
  await expect(backupCommand({ to, keep: null, withoutControl: false }, own, io, log)).rejects.toThrow(
    /control\.url: .*--without-control/,
  );
  expect(existsSync(to)).toBe(false);
  expect(await run((out) => backupCommand({ to, keep: null, withoutControl: true }, own, out, log))).toContain(
    '1 shards',
  );
});

test('without a time, a quiet ledger is restored to its end, although nothing was written after it', async () => {
  expect(await restore('latest')).toMatch(/shard-0 {2}ends with position 2, /);
  const incarnation = await withServers('latest', async (client) => {
    const { rows } = await client.query<{ incarnation: number }>('TABLE millrace.shard');
    return rows[0]?.incarnation;
  });
  expect(incarnation).toBeGreaterThan(1);
  expect(readFileSync(join(folder, 'latest', 'notes.txt'), 'utf8')).toBe('kept');
  const histories = ['data', 'latest'].map((name) => locateHomes(join(folder, name), NAMES)?.['shard-0'] ?? '');
  expect(new Set(histories.map(historyOf)).size).toBe(2);
});

test('a restored ledger is backed up and restored again, while its servers run', async () => {
  await run((io) => backupCommand({ to: null, keep: null, withoutControl: false }, config('latest'), io, log));
  await withServers('latest', async (client) => {
    await client.query(record(3));
    const backup = findBackups(archive).at(-1);
    if (backup === undefined) throw new Error('there is no backup');
    const now = Date.now() * 1000;
    await until('the record is archived', () => reachOf(backup).every(({ reached }) => reached.at > now));
    expect(await restore('again')).toMatch(/shard-0 {2}ends with position 3, /);
    // What runs is not touched, and the first history can be gone back to as before.
    await client.query(record(4));
  });
  const [first] = findBackups(archive);
  expect(await restore('first', first?.folder)).toMatch(/shard-0 {2}ends with position 2, /);
});

test('one backup by itself is restored to its own end', async () => {
  expect(await restore('copied', join(folder, 'copies'))).toMatch(/shard-0 {2}ends with position 1, /);
});

test('a backup in which a byte has changed is refused, and nothing is left behind', async () => {
  const [backup] = findBackups(join(folder, 'copies'));
  if (backup === undefined) throw new Error('there is no backup');
  const largest = [...(backup.manifest.shards[0]?.files ?? [])].sort((a, b) => b.bytes - a.bytes).at(5);
  const file = join(backup.folder, 'shard-0', largest?.path ?? '');
  const content = readFileSync(file);
  const changed = Buffer.from(content);
  changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
  writeFileSync(file, changed);
  await expect(restore('damaged', join(folder, 'copies'))).rejects.toThrow(`${file} is not what it was`);
  expect(existsSync(join(folder, 'damaged'))).toBe(false);
  writeFileSync(file, content);
});

test('what lies after a file that the archive lacks cannot be restored, and the file is named', async () => {
  const [backup] = findBackups(archive);
  const [reach] = backup === undefined ? [] : reachOf(backup);
  if (reach === undefined || reach.walFolder === null) throw new Error('the archive goes on from the backup');
  const file = join(reach.walFolder, reach.reached.wal);
  renameSync(file, `${file}.away`);
  const to = new Date(reach.reached.at / 1000).toISOString();
  await expect(restore('lacking', archive, to)).rejects.toThrow(`the archive lacks its file ${reach.reached.wal}`);
  renameSync(`${file}.away`, file);
});

/** The first backup, and the newest file of the log that its history has archived. */
function firstBackup(): { readonly backup: string; readonly file: string } {
  const [backup] = findBackups(archive);
  const [reach] = backup === undefined ? [] : reachOf(backup);
  if (backup === undefined || reach === undefined || reach.walFolder === null) {
    throw new Error('the archive goes on from the backup');
  }
  return { backup: backup.folder, file: join(reach.walFolder, reach.reached.wal) };
}

test('where a file of the archive is damaged nothing is restored as if the log ended there, and the file is named', async () => {
  const { backup, file } = firstBackup();
  const content = readFileSync(file);
  const changed = Buffer.from(content);
  for (let at = 64; at < 128; at++) changed[at] = (changed[at] ?? 0) ^ 1;
  writeFileSync(file, changed);
  try {
    await expect(restore('cut-short', backup)).rejects.toThrow(`${file} is damaged`);
    expect(existsSync(join(folder, 'cut-short'))).toBe(false);
  } finally {
    writeFileSync(file, content);
  }
});

test.runIf(userInfo().uid === 0)('nor where the user that runs Postgres cannot read it', async () => {
  const { backup, file } = firstBackup();
  const { uid, gid } = statSync(file);
  chownSync(file, 0, 0);
  chmodSync(file, 0o600);
  try {
    await expect(restore('cut-short', backup)).rejects.toThrow(`${file} is damaged, or the user that runs Postgres`);
    expect(existsSync(join(folder, 'cut-short'))).toBe(false);
  } finally {
    chownSync(file, uid, gid);
  }
});

test('while the archive cannot be written the server works on and says so, and afterwards nothing is missing', async () => {
  const history = historyOf(locateHomes(join(folder, 'data'), NAMES)?.['shard-0'] ?? '');
  const place = archivePlaceOf(archive, 'shard-0', history ?? '');
  const backup = findBackups(archive)[0];
  if (backup === undefined) throw new Error('there is no backup');
  lines.length = 0;
  await withServers('data', async (client) => {
    renameSync(place.wal, `${place.wal}.away`);
    await client.query(record(5));
    await until('the operator hears of it', () => lines.some((line) => line.includes('the archive falls behind')));
    await client.query(record(6));
    renameSync(`${place.wal}.away`, place.wal);
    const now = Date.now() * 1000;
    await until('the archive has caught up', () => (readReached(place)?.at ?? 0) > now);
  });
  expect(reachOf(backup).map(({ missing }) => missing)).toEqual([null]);
  expect(await restore('caught-up', backup.folder)).toMatch(/shard-0 {2}ends with position 6, /);
});

test('a file of that name in the archive is not taken for what the server could not archive', async () => {
  const history = historyOf(locateHomes(join(folder, 'data'), NAMES)?.['shard-0'] ?? '');
  const place = archivePlaceOf(archive, 'shard-0', history ?? '');
  lines.length = 0;
  await withServers('data', async (client) => {
    const { rows } = await client.query<{ wal: string }>('SELECT pg_walfile_name(pg_current_wal_insert_lsn()) AS wal');
    const now = rows[0]?.wal ?? '';
    const next = Array.from({ length: 3 }, (_, ahead) =>
      fileAt(endOf(now, SEGMENT_BYTES) + BigInt((ahead - 1) * SEGMENT_BYTES), now, SEGMENT_BYTES),
    ).filter((name) => !existsSync(join(place.wal, name)));
    for (const name of next) writeFileSync(join(place.wal, name), 'of another history');
    await client.query(record(7));
    await until('the operator hears of it', () => lines.some((line) => line.includes('the archive falls behind')));
    expect(next.includes(readReached(place)?.wal ?? '')).toBe(false);
    for (const name of next) rmSync(join(place.wal, name), { force: true });
    const then = Date.now() * 1000;
    await until('the archive has caught up', () => (readReached(place)?.at ?? 0) > then);
  });
});

test.runIf(userInfo().uid === 0)('an archive that user postgres cannot enter is refused in one line', async () => {
  const closed = join(folder, 'closed');
  mkdirSync(closed, { mode: 0o700 });
  const lock = await openLock(join(folder, 'data'));
  try {
    const options = {
      folder: lock.folder,
      names: NAMES,
      archive: { folder: join(closed, 'archive'), intervalMs: 1000 },
    };
    await expect(startEmbedded({ ...options, log })).rejects.toThrow(/^backup\.archive: the user .* cannot enter/);
  } finally {
    await lock.close();
  }
});

test('a folder that is not empty is left as it is', async () => {
  const before = readdirSync(join(folder, 'data'));
  await expect(restore('data')).rejects.toThrow(/is not empty; move it away/);
  expect(readdirSync(join(folder, 'data'))).toEqual(before);
});

test('older backups go where so many are to be kept, with the log that only they needed, and nothing else', async () => {
  const histories = () => findBackups(archive).map(({ manifest }) => manifest.shards[0]?.history);
  const [mine, other] = histories();
  expect(histories()).toEqual([mine, other]);
  await withServers('data', async (client) => {
    await client.query(record(8));
  });
  const said = await run((io) => backupCommand({ to: null, keep: 1, withoutControl: false }, config('data'), io, log));
  expect(said).toMatch(/removed: 1 older backups, [1-9]\d* files of the log/);
  expect(histories()).toEqual([other, mine]);
  const startWal = findBackups(archive)[1]?.manifest.shards[0]?.startWal ?? '';
  expect(readdirSync(archivePlaceOf(archive, 'shard-0', mine ?? '').wal).filter((name) => name < startWal)).toEqual([]);
  expect(await restore('kept')).toMatch(/shard-0 {2}ends with position 8, /);
});

test('a folder in which a restore was killed is neither started on nor restored into', async () => {
  writeFileSync(join(folder, 'latest', 'restore-unfinished'), '');
  await expect(restore('latest')).rejects.toThrow(/a restore into .* did not end; remove .*latest, and restore again/);
  // Where its databases lie elsewhere, that folder is named too: nobody else would ever find it.
  writeFileSync(join(folder, 'latest', 'postgres-at'), '/var/lib/elsewhere\n');
  await expect(restore('latest')).rejects.toThrow(/latest and \/var\/lib\/elsewhere, and restore again/);
  rmSync(join(folder, 'latest', 'postgres-at'));
  await expect(withServers('latest', () => Promise.resolve())).rejects.toThrow(/a restore into .* did not end/);
});

test('other stores are told what to do instead', async () => {
  const pglite = configOf({ store: { kind: 'pglite' } }, folder);
  await expect(
    run((io) => backupCommand({ to: null, keep: null, withoutControl: false }, pglite, io, log)),
  ).rejects.toThrow('stop the engine and copy');
  expect(existsSync(join(folder, '.millrace'))).toBe(false);
});
