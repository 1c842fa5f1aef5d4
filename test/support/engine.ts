/** A real engine for a test: the built program in processes of its own, on a folder and a port of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { callEngine } from '../../src/platform/lock.js';
import { MAIN } from './program.js';

const START_MAX_MS = 60_000;
const STOP_MAX_MS = 30_000;

export interface EngineVariant {
  readonly store: 'embedded' | 'pglite';
  readonly server: 'uws' | 'node';
}

export interface EngineOptions extends Partial<EngineVariant> {
  /** Taken up as it is and left behind; without it, a folder of the test's own that goes with the engine. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** After `serve` on the command line. */
  readonly args?: readonly string[];
}

export interface RunningEngine {
  readonly url: string;
  readonly port: number;
  /** The first key: merchant demo, test. Empty where the databases are brought along: then there is none. */
  readonly key: string;
  readonly dataDir: string;
  /** The small parent. */
  readonly process: ChildProcess;
  /** The engine's own process. */
  enginePid(): Promise<number>;
  /** All that it wrote to standard error so far. */
  log(): string;
  createKey(
    merchant: string,
    options?: { readonly environment?: 'test' | 'live'; readonly force?: boolean },
  ): Promise<string>;
  /** SIGTERM, and waits for the end. @returns the exit code */
  stop(): Promise<number | null>;
  /** kill -9 of parent and engine; the databases are left to themselves. */
  kill(): Promise<void>;
  /** Stops if it still runs, and removes the folder. For afterAll. */
  dispose(): Promise<void>;
}

export async function startEngine(options: EngineOptions = {}): Promise<RunningEngine> {
  const dataDir = options.dataDir ?? join(ownFolder(), 'data');
  const child = spawn(process.execPath, [MAIN, 'serve', ...(options.args ?? [])], {
    cwd: tmpdir(),
    env: {
      ...process.env,
      MILLRACE_DATA_DIR: dataDir,
      MILLRACE_HTTP__PORT: '0',
      MILLRACE_STORE__KIND: options.store ?? 'embedded',
      MILLRACE_HTTP__SERVER: options.server ?? 'uws',
      MILLRACE_LOG__FORMAT: 'text',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  const { url, key } = await ready(child, ended, () => log);
  const enginePid = async (): Promise<number> =>
    ((await callEngine(dataDir, { do: 'engine.status' })) as { pid: number }).pid;
  const stop = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    return within(ended, STOP_MAX_MS, () => `the engine did not stop:\n${log}`);
  };
  return {
    url,
    port: Number(new URL(url).port),
    key,
    dataDir,
    process: child,
    enginePid,
    log: () => log,
    createKey: async (merchant, { environment = 'test', force = false } = {}) => {
      const request = { do: 'keys.create', merchant, environment, scopes: force ? ['force'] : [] };
      return ((await callEngine(dataDir, request)) as { token: string }).token;
    },
    stop,
    kill: async () => {
      const pid = await enginePid();
      child.kill('SIGKILL');
      process.kill(pid, 'SIGKILL');
      await ended;
    },
    dispose: async () => {
      if (child.exitCode === null && child.signalCode === null) await stop();
      if (options.dataDir === undefined) rmSync(resolve(dataDir, '..'), { recursive: true, force: true });
    },
  };
}

/** One that user postgres can enter, so that a root engine keeps all of its data inside, and all of it goes at the end. */
function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  chmodSync(folder, 0o755);
  return folder;
}

function ready(
  child: ChildProcess,
  ended: Promise<number | null>,
  log: () => string,
): Promise<{ url: string; key: string }> {
  const said = new Promise<{ url: string; key: string }>((done, fail) => {
    let url = '';
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      url = /ready at (\S+)/.exec(line)?.[1] ?? url;
      const key = line.startsWith('Make a key') ? '' : /mr_(?:test|live)_\w+/.exec(line)?.[0];
      if (url !== '' && key !== undefined) done({ url, key });
    });
    void ended.then((code) => fail(new Error(`the engine ended with ${code} before it was ready:\n${log()}`)));
  });
  return within(said, START_MAX_MS, () => `the engine is not ready after ${START_MAX_MS} ms:\n${log()}`);
}

function within<T>(promise: Promise<T>, ms: number, why: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(why())), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
