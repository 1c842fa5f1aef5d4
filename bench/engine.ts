/** A fresh engine on two embedded shards, in a folder of its own, with merchants on both of them. */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { chmodSync, createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { slotOf } from '../src/engine/slot.js';
import { VERIFY_SETTINGS, verifyShard } from '../src/folds/verify/verify.js';
import { messageOf } from '../src/platform/errors.js';
import { callEngine } from '../src/platform/lock.js';
import { locateEmbedded } from '../src/store/embedded/embedded.js';
import { placeOf } from '../src/store/embedded/place.js';
import { createPgSql } from '../src/store/postgres/sql.js';
import { cleanUpBy, end, watch } from './children.js';
import type { ProcStat } from './proc.js';
import { commandLine, processes } from './proc.js';

export const SHARDS = ['shard-0', 'shard-1'] as const;
const SLOTS_OF_FIRST = 8192;
const START_MS = 60_000;
const STOP_MS = 30_000;
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
  stop(): Promise<void>;
}

export async function startEngine(
  merchants: number,
  environment: Readonly<Record<string, string>> = {},
): Promise<Engine> {
  const root = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  // So that the databases' own user can get to what it owns in there, where the bench runs as root.
  chmodSync(root, 0o755);
  const folder = join(root, 'data');
  const names = fileURLToPath(new URL('thread-names.cjs', import.meta.url));
  const child = watch(
    spawn(process.execPath, [fileURLToPath(new URL('dist/cli/main.js', ROOT)), 'serve'], {
      cwd: root,
      env: {
        ...process.env,
        MILLRACE_DATA_DIR: folder,
        MILLRACE_HTTP__PORT: '0',
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${names}`.trim(),
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
    await end(child, STOP_MS);
    killLeftovers(started, folder);
    const data = existsSync(folder) ? placeOf(folder) : null;
    rmSync(root, { recursive: true, force: true });
    // Where user postgres could not enter the folder, its data lies elsewhere.
    if (data !== null) rmSync(data, { recursive: true, force: true });
  });
  try {
    const url = await urlWhenReady(child, logFile);
    const located = locateEmbedded(folder, SHARDS) ?? {};
    const databaseUrls = SHARDS.map((name) => located[name] ?? '');
    databases.push(...(await Promise.all(databaseUrls.map((database) => connect(database)))));
    const keys = await Promise.all(merchantNames(merchants).map((merchant) => createKey(folder, merchant)));
    engine.pid = processes().find(({ parent }) => parent === child.pid)?.id ?? 0;
    return { url, keys, pid: engine.pid, databases, databaseUrls, folder, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** An engine that would not stop leaves its databases running, as it should; here nobody comes to take them over. */
function killLeftovers(started: readonly ProcStat[], folder: string): void {
  for (const { id } of started) {
    const command = commandLine(id);
    if (!command.includes(folder) && !command.includes('main.js serve')) continue;
    try {
      process.kill(id, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
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

/** The first names that fill both shards evenly. */
function merchantNames(count: number): string[] {
  const wanted = [Math.ceil(count / 2), Math.floor(count / 2)];
  const names: string[] = [];
  for (let index = 0; names.length < count; index++) {
    const name = `bench-${index}`;
    const shard = slotOf(name) < SLOTS_OF_FIRST ? 0 : 1;
    if ((wanted[shard] ?? 0) === 0) continue;
    wanted[shard] = (wanted[shard] ?? 0) - 1;
    names.push(name);
  }
  return names;
}

async function createKey(folder: string, merchant: string): Promise<string> {
  const created = await callEngine(folder, { do: 'keys.create', merchant, environment: 'test', scopes: [] });
  return (created as { readonly token: string }).token;
}

/** Transactions and remembered refusals in the log, and batches, over all shards. */
export async function countLog(
  engine: Engine,
): Promise<{ posted: number; refused: number; records: number; commits: number }> {
  const sum = { posted: 0, refused: 0, records: 0, commits: 0 };
  for (const database of engine.databases) {
    const { rows } = await database.query(`
      SELECT (SELECT count(*) FROM millrace.log WHERE kind = 1) AS posted,
             (SELECT count(*) FROM millrace.log WHERE kind = 8) AS refused,
             (SELECT coalesce(max(last), 0) FROM millrace.batch) AS records,
             (SELECT count(*) FROM millrace.batch) AS commits`);
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += Number(rows[0]?.[name] ?? 0);
  }
  return sum;
}

/** Without a look at the log itself: cheap enough between two rounds. */
export async function countCommits(engine: Engine): Promise<{ records: number; commits: number }> {
  const sum = { records: 0, commits: 0 };
  for (const database of engine.databases) {
    const { rows } = await database.query(
      'SELECT coalesce(max(last), 0) AS records, count(*) AS commits FROM millrace.batch',
    );
    sum.records += Number(rows[0]?.records ?? 0);
    sum.commits += Number(rows[0]?.commits ?? 0);
  }
  return sum;
}

/**
 * "clean", the shard and name of the first check that failed, or why it could not be done in time. By sessions of its
 * own, so that it can be given up.
 */
export async function verify(engine: Engine, maxMs: number): Promise<string> {
  const options = {
    applicationName: 'bench verify',
    connectionsMax: 1,
    settings: { ...VERIFY_SETTINGS, statement_timeout: String(maxMs) },
  };
  const until = performance.now() + maxMs;
  const verdicts = await Promise.all(
    engine.databaseUrls.map(async (url, shard) => {
      const sql = createPgSql({ url, ...options });
      try {
        for await (const { check, ok } of verifyShard(sql)) {
          if (!ok) return `${SHARDS[shard] ?? ''}: ${check}`;
          if (performance.now() > until) return `not done within ${Math.round(maxMs / 1000)} s`;
        }
        return 'clean';
      } catch (error) {
        return `not done: ${messageOf(error)}`;
      } finally {
        await sql.close();
      }
    }),
  );
  return verdicts.find((verdict) => verdict !== 'clean') ?? 'clean';
}

/** Records that the folds are behind, over all shards. */
export async function foldLag(engine: Engine): Promise<number> {
  let lag = 0;
  for (const database of engine.databases) {
    const { rows } = await database.query(`
      SELECT (SELECT coalesce(max(last), 0) FROM millrace.batch) - (SELECT min(position) FROM millrace.fold) AS lag`);
    lag += Math.max(0, Number(rows[0]?.lag ?? 0));
  }
  return lag;
}

/** What the databases' sessions call themselves, by process id. */
export async function sessionNames(engine: Engine): Promise<Map<number, string>> {
  const names = new Map<number, string>();
  for (const database of engine.databases) {
    const { rows } = await database.query(
      "SELECT pid, application_name FROM pg_stat_activity WHERE backend_type = 'client backend'",
    );
    for (const row of rows) names.set(Number(row.pid), String(row.application_name));
  }
  return names;
}
