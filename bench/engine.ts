/** A fresh engine on two embedded shards, in a folder of its own, with merchants on both of them. */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { slotOf } from '../src/engine/slot.js';
import { callEngine } from '../src/platform/lock.js';
import { locateEmbedded } from '../src/store/embedded/embedded.js';
import { placeOf } from '../src/store/embedded/place.js';
import { cleanUpBy, end, watch } from './children.js';
import type { ProcStat } from './proc.js';
import { commandLine, processes } from './proc.js';
import { applyServerSettings, type ServerSettings } from './server-settings.js';

export const SHARDS = ['shard-0', 'shard-1'] as const;
const SLOTS_OF_FIRST = 8192;
const KEYS_AT_A_TIME = 16;
const START_MS = 60_000;
const STOP_MS = 30_000;
const SERVER_STOP_MS = 5_000;
/** Of the repository: this file runs from dist/bench-build/bench. */
const ROOT = new URL('../../../', import.meta.url);

export interface Engine {
  readonly url: string;
  /** Of merchants dealt evenly to the shards. */
  readonly keys: readonly string[];
  /** Of the process that has the threads; 0 where it cannot be known. */
  readonly pid: number;
  /** One session for each shard. */
  readonly databases: readonly pg.Client[];
  readonly databaseUrls: readonly string[];
  readonly folder: string;
  /** Where its threads write how they are held up: see watch/threads.ts. */
  readonly threadsFolder: string;
  stop(): Promise<void>;
}

/** @param serverSettings of its Postgres servers, over those that the engine gives them */
export async function startEngine(
  merchants: number,
  environment: Readonly<Record<string, string>> = {},
  serverSettings: ServerSettings = {},
): Promise<Engine> {
  const root = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  // So that the databases' own user can get to what it owns in there, where the bench runs as root.
  chmodSync(root, 0o755);
  const folder = join(root, 'data');
  const threadsFolder = join(root, 'threads');
  mkdirSync(threadsFolder);
  // What profiles would cost is paid only where one is wanted.
  const preloads = [
    'thread-names.cjs',
    'watch/thread-watch.cjs',
    ...('BENCH_PROFILE_FOLDER' in environment ? ['profile/thread-profile.cjs'] : []),
  ];
  const required = preloads.map((file) => `--require ${fileURLToPath(new URL(file, import.meta.url))}`).join(' ');
  const child = watch(
    spawn(process.execPath, [fileURLToPath(new URL('dist/cli/main.js', ROOT)), 'serve'], {
      cwd: root,
      env: {
        ...process.env,
        MILLRACE_DATA_DIR: folder,
        BENCH_THREADS_FOLDER: threadsFolder,
        MILLRACE_HTTP__PORT: '0',
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${required}`.trim(),
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  const logFile = join(root, 'log');
  child.stderr.pipe(createWriteStream(logFile));
  const databases: pg.Client[] = [];
  const engine = { pid: 0 };
  const stop = cleanUpBy(async () => {
    await Promise.all(databases.map((database) => database.end().catch(() => undefined)));
    const started = processes().filter(
      ({ id, parent }) => id === engine.pid || (engine.pid !== 0 && parent === engine.pid),
    );
    if (engine.pid === 0) await end(child, STOP_MS);
    else await endAtOnce(child, engine.pid, started, folder);
    const data = existsSync(folder) ? placeOf(folder) : null;
    rmSync(root, { recursive: true, force: true });
    // Where user postgres could not enter the folder, its data lies elsewhere.
    if (data !== null) rmSync(data, { recursive: true, force: true });
  });
  try {
    const url = await urlWhenReady(child, logFile);
    const located = locateEmbedded(folder, SHARDS) ?? {};
    const databaseUrls = SHARDS.map((name) => located[name] ?? '');
    if (Object.keys(serverSettings).length > 0) await applyServerSettings(folder, located, serverSettings);
    databases.push(...(await Promise.all(databaseUrls.map((database) => connect(database)))));
    const keys = await createKeys(folder, 'bench', merchants);
    engine.pid = processes().find(({ parent }) => parent === child.pid)?.id ?? 0;
    return { url, keys, pid: engine.pid, databases, databaseUrls, folder, threadsFolder, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * What is in the folder is thrown away, so nobody waits for it to be written out: the engine is killed, its watching
 * parent first, and its databases end without a checkpoint.
 */
async function endAtOnce(
  child: ChildProcess,
  pid: number,
  started: readonly ProcStat[],
  folder: string,
): Promise<void> {
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve();
  child.kill('SIGKILL');
  await ended;
  const servers = started.filter(({ id }) => id !== pid && commandLine(id).includes(folder)).map(({ id }) => id);
  signal(pid, 'SIGKILL');
  for (const server of servers) signal(server, 'SIGQUIT');
  const until = performance.now() + SERVER_STOP_MS;
  while (performance.now() < until && servers.some((server) => commandLine(server).includes(folder))) await delay(20);
  for (const server of servers) if (commandLine(server).includes(folder)) signal(server, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'bench' });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

function urlWhenReady(child: ChildProcess, logFile: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      const log = existsSync(logFile) ? readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n') : '';
      reject(new Error(`the engine ${why}\n${log}`));
    };
    const timer = setTimeout(() => fail(`was not ready after ${START_MS / 1000} s`), START_MS);
    let said = '';
    child.once('exit', (code) => fail(`ended with code ${code} before it was ready`));
    child.stdout?.on('data', (chunk: Buffer) => {
      said += String(chunk);
      const url = /ready at (http:\S+)/.exec(said)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}

/**
 * The first names that fill both shards evenly.
 * @param prefix of the names, such as "bench"
 */
function merchantNames(prefix: string, count: number): string[] {
  const wanted = [Math.ceil(count / 2), Math.floor(count / 2)];
  const names: string[] = [];
  for (let index = 0; names.length < count; index++) {
    const name = `${prefix}-${index}`;
    const shard = slotOf(name) < SLOTS_OF_FIRST ? 0 : 1;
    if ((wanted[shard] ?? 0) === 0) continue;
    wanted[shard] = (wanted[shard] ?? 0) - 1;
    names.push(name);
  }
  return names;
}

/** API keys of so many new merchants, dealt evenly to the shards. */
export async function createKeys(folder: string, prefix: string, count: number): Promise<string[]> {
  const names = merchantNames(prefix, count);
  const keys: string[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < names.length; index = next++) {
      keys[index] = await createKey(folder, names[index] ?? '');
    }
  };
  await Promise.all(Array.from({ length: KEYS_AT_A_TIME }, lane));
  return keys;
}

async function createKey(folder: string, merchant: string): Promise<string> {
  const created = await callEngine(folder, { do: 'keys.create', merchant, environment: 'test', scopes: [] });
  return (created as { readonly token: string }).token;
}
