import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FolderLock } from '../../src/platform/lock.js';
import { openLock } from '../../src/platform/lock.js';
import { createLog } from '../../src/platform/log.js';
import { findBinaries } from '../../src/store/embedded/binaries.js';
import type { EmbeddedServers } from '../../src/store/embedded/embedded.js';
import { startEmbedded } from '../../src/store/embedded/embedded.js';

const isRoot = userInfo().uid === 0;
const lines: string[] = [];
const log = createLog({
  level: 'info',
  format: 'text',
  output: { write: (line: string) => lines.push(line) } as never,
});

let folder: string;
let data: string;
let lock: FolderLock | null = null;
let servers: EmbeddedServers | null = null;

beforeEach(() => {
  lines.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'millrace-embedded-'));
  // A stranger's folder can be entered by others; the data folder in it is made by the lock, 0700.
  chmodSync(folder, 0o755);
  data = join(folder, '.millrace');
});
afterEach(async () => {
  await servers?.stop();
  await lock?.close();
  servers = lock = null;
  rmSync(folder, { recursive: true, force: true });
});

const start = async (names = ['shard-0'], sharedFolder = join(folder, 'shared')): Promise<EmbeddedServers> => {
  lock ??= await openLock(data);
  servers = await startEmbedded({
    folder: lock.folder,
    names,
    log,
    sharedFolder,
    settings: { shared_buffers: '16MB' },
  });
  return servers;
};
const stop = async (): Promise<void> => {
  await servers?.stop();
  servers = null;
};
const ask = async (text: string, name = 'shard-0'): Promise<unknown> => {
  const client = new pg.Client({ connectionString: servers?.urls[name] });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(text);
    return Object.values(result.rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
};
const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
};

test('two servers are made and started, durable and closed to others; a second start takes up the same data', async () => {
  await start(['shard-0', 'shard-1']);
  expect(await ask('SHOW fsync')).toBe('on');
  expect(await ask('SHOW synchronous_commit')).toBe('on');
  expect(await ask('SHOW data_checksums')).toBe('on');
  expect(await ask('SHOW listen_addresses')).toBe('');
  expect(
    await ask("SELECT datcollate || ' ' || pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'millrace'"),
  ).toBe('C UTF8');
  expect(statSync(data).mode & 0o777).toBe(0o700);
  expect(statSync(join(data, 'postgres', 'shard-0')).mode & 0o777).toBe(0o700);
  await ask('CREATE TABLE kept AS SELECT 42 AS answer');
  await ask('CREATE TABLE kept AS SELECT 43 AS answer', 'shard-1');
  await stop();
  await start(['shard-0', 'shard-1']);
  expect(await ask('TABLE kept')).toBe(42);
  expect(await ask('TABLE kept', 'shard-1')).toBe(43);
}, 60_000);

test('a server that is killed while the engine runs comes back with what was committed', async () => {
  const { pid, onBack } = await start();
  await ask('CREATE TABLE kept AS SELECT 42 AS answer');
  const killed = pid('shard-0');
  const back = new Promise<string>((resolve) => onBack(resolve));
  process.kill(killed, 'SIGKILL');
  expect(await back, 'whoever waits for it is told').toBe('shard-0');
  expect(pid('shard-0')).not.toBe(killed);
  expect(await ask('TABLE kept')).toBe(42);
}, 60_000);

test('a server that an earlier engine left running is taken over', async () => {
  await start();
  await ask('CREATE TABLE kept AS SELECT 42 AS answer');
  await stop();
  const orphan = leaveOrphan();
  await until(() => pidFile().includes('ready'));
  const adopted = await start();
  expect(adopted.pid('shard-0')).toBe(orphan);
  expect(await ask('TABLE kept')).toBe(42);
  expect(lines.join('')).toContain('took over');
  await stop();
  // Our own child here, so it stays a zombie until its end has been seen.
  await until(() => !isThere(orphan));
}, 60_000);

test('a server that was taken over comes back after its end though nobody asks for that', async () => {
  await start();
  await ask('CREATE TABLE kept AS SELECT 42 AS answer');
  await stop();
  const { pid, end } = await leaveToNobody();
  await until(() => pidFile().includes('ready'));
  const adopted = await start();
  expect(adopted.pid('shard-0')).toBe(pid);
  process.kill(pid, 'SIGKILL');
  await until(() => adopted.pid('shard-0') !== 0 && adopted.pid('shard-0') !== pid);
  expect(await ask('TABLE kept')).toBe(42);
  await end();
}, 60_000);

test('a server that was left running without an archive is started again with it', async () => {
  await start();
  await ask('CREATE TABLE kept AS SELECT 42 AS answer');
  await stop();
  const orphan = leaveOrphan();
  await until(() => pidFile().includes('ready'));
  servers = await startEmbedded({
    folder: lock?.folder ?? '',
    names: ['shard-0'],
    log,
    archive: { folder: join(folder, 'archive'), intervalMs: 1000 },
  });
  expect(servers.pid('shard-0')).not.toBe(orphan);
  expect(await ask('SHOW archive_mode')).toBe('on');
  expect(await ask('TABLE kept')).toBe(42);
  await until(() => !isThere(orphan));
}, 60_000);

test('a pid file that names another program, or nobody, does not stop a start', async () => {
  await start();
  await stop();
  const home = join(data, 'postgres', 'shard-0');
  for (const pid of [process.pid, 2 ** 22 + 1]) {
    for (const file of [join(home, 'data', 'postmaster.pid'), join(home, '.s.PGSQL.5432.lock')]) {
      writeFileSync(file, `${pid}\n${join(home, 'data')}\n0\n5432\n${folder}\n\n\n`);
    }
    await start();
    expect(await ask('SELECT 1')).toBe(1);
    await stop();
  }
}, 60_000);

test('what a killed first start left is no obstacle', async () => {
  lock = await openLock(data);
  mkdirSync(join(data, 'postgres', 'shard-0', 'data.new'), { recursive: true, mode: 0o755 });
  chmodSync(data, 0o755);
  await start();
  expect(await ask('SELECT 1')).toBe(1);
}, 60_000);

test.runIf(isRoot)(
  'root in a folder that user postgres cannot enter: the data lies elsewhere, one line says so, nothing else changes',
  async () => {
    chmodSync(folder, 0o700);
    const shared = mkdtempSync(join(tmpdir(), 'millrace-shared-'));
    chmodSync(shared, 0o755);
    try {
      await start(['shard-0'], shared);
      await ask('CREATE TABLE kept AS SELECT 42 AS answer');
      expect(lines.filter((line) => line.includes('the data lies in'))).toHaveLength(1);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      expect(statSync(folder).uid).toBe(0);
      expect(statSync(data).uid).toBe(0);
      expect(existsSync(join(data, 'postgres'))).toBe(false);
      await stop();
      await start(['shard-0'], shared);
      expect(await ask('TABLE kept')).toBe(42);
    } finally {
      await stop();
      rmSync(shared, { recursive: true });
    }
  },
  60_000,
);

test('a path too long for a socket is no obstacle', async () => {
  data = join(folder, 'd'.repeat(60), 'e'.repeat(60), '.millrace');
  mkdirSync(join(folder, 'd'.repeat(60), 'e'.repeat(60)), { recursive: true });
  await start();
  expect(await ask('SELECT 1')).toBe(1);
}, 60_000);

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const pidFile = (): string => {
  const file = join(data, 'postgres', 'shard-0', 'data', 'postmaster.pid');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

function serverCommand() {
  const home = join(data, 'postgres', 'shard-0');
  const { uid, gid } = statSync(home);
  const options = ['-D', join(home, 'data'), '-c', 'listen_addresses=', '-c', `unix_socket_directories=${home}`];
  return { program: findBinaries().postgres, options, as: { uid, gid, cwd: home, detached: true } };
}

/** A server of nobody, as a killed engine leaves one. */
function leaveOrphan(): number {
  const { program, options, as } = serverCommand();
  const child = spawn(program, options, { ...as, stdio: 'ignore' });
  child.unref();
  return child.pid ?? 0;
}

/** One whose parent never asks for its end, as in a container without an init: it stays a zombie. */
async function leaveToNobody(): Promise<{ readonly pid: number; end(): Promise<void> }> {
  const { program, options, as } = serverCommand();
  const script = '"$0" "$@" >/dev/null 2>&1 & echo $!; exec sleep 120';
  const parent = spawn('sh', ['-c', script, program, ...options], { ...as, stdio: ['ignore', 'pipe', 'ignore'] });
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  return {
    pid: Number(said.toString()),
    end: async () => {
      parent.kill('SIGKILL');
      await once(parent, 'exit');
    },
  };
}
