/**
 * One Postgres server: started or adopted, watched, started again when it dies, stopped.
 *
 * The server outlives this process on purpose: after a kill -9 of the engine the next one finds it running, with
 * whatever it was doing, and takes it over.
 */
import { spawn } from 'node:child_process';
import { closeSync, constants, existsSync, fchownSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { EmbeddedServerError, messageOf } from '../../platform/errors.js';
import type { Log } from '../../platform/log.js';
import type { Cluster } from './cluster.js';
import { DATABASE, programEnv, socketLockOf, urlOf } from './cluster.js';
import type { Place } from './place.js';
import { clearRemains, endPostmaster, isAlive, runningPostmaster, signal } from './postmaster.js';

const POLL_MS = 20;
const WATCH_MS = 250;
const BACK_OFF_MS_MAX = 5000;
const LOG_BYTES_MAX = 16 << 20;
/** How long a server that runs already may take to answer before it is stopped and started again. */
const ADOPT_MS_MAX = 10_000;
/** A fast shutdown that takes longer is made an immediate one; the next start then recovers from the log. */
const STOP_MS_MAX = 30_000;
/** How a server refuses connections while it starts, recovers or stops. */
const NOT_YET = /the database system is |Hot standby mode is disabled/;

export interface ServerOptions {
  readonly place: Place;
  readonly cluster: Cluster;
  readonly settings: Readonly<Record<string, string>>;
  readonly log: Log;
  /** It had died, and takes connections again. */
  readonly onBack?: () => void;
}

export class PostgresServer {
  readonly #place: Place;
  readonly #cluster: Cluster;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #log: Log;
  readonly #onBack: (() => void) | undefined;
  /** Postmaster of now; 0 while there is none. */
  #pid = 0;
  #stopping = false;
  #watch: NodeJS.Timeout | undefined;
  #restarting: Promise<void> = Promise.resolve();

  constructor({ place, cluster, settings, log, onBack }: ServerOptions) {
    this.#place = place;
    this.#cluster = cluster;
    this.#settings = settings;
    this.#log = log;
    this.#onBack = onBack;
  }

  get pid(): number {
    return this.#pid;
  }

  /** Resolves when it takes connections and its database is there. */
  async start(): Promise<void> {
    const { data } = this.#cluster;
    const running = runningPostmaster(data);
    if (running !== 0 && (await this.#adopt(running))) return;
    await clearRemains(data, socketLockOf(this.#cluster));
    await this.#launch();
  }

  /** Waits until it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#watch);
    await this.#restarting;
    if (this.#pid !== 0) await endPostmaster(this.#pid, 'SIGINT', STOP_MS_MAX);
    this.#pid = 0;
  }

  /** @returns false if it did not answer and has been stopped */
  async #adopt(pid: number): Promise<boolean> {
    // Read anew: who may enter stands in files that this start has written.
    signal(pid, 'SIGHUP');
    const until = Date.now() + ADOPT_MS_MAX;
    while (Date.now() < until && isAlive(pid)) {
      if ((await this.#connect()) === null) {
        if (!(await this.#archivesAsWanted())) {
          this.#log.info(`${this.#cluster.name}: Postgres is started again, since archiving was switched`);
          await endPostmaster(pid, 'SIGINT', STOP_MS_MAX);
          return false;
        }
        this.#log.info(
          `${this.#cluster.name}: took over the Postgres that an earlier engine left running (pid ${pid})`,
        );
        this.#follow(pid);
        return true;
      }
      await delay(POLL_MS);
    }
    this.#log.warn(
      `${this.#cluster.name}: the Postgres that an earlier engine left running does not answer; it is started again`,
    );
    await endPostmaster(pid, 'SIGQUIT', ADOPT_MS_MAX);
    return false;
  }

  /** Work of a server that archives nothing would be missing from the archive for ever. */
  async #archivesAsWanted(): Promise<boolean> {
    const client = new pg.Client({ connectionString: urlOf(this.#cluster), connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ mode: string; command: string }>(
        `SELECT current_setting('archive_mode') AS mode, current_setting('archive_command') AS command`,
      );
      const { archive_mode: mode = 'off', archive_command: command } = this.#settings;
      return rows[0]?.mode === mode && (mode === 'off' || rows[0].command === command);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async #launch(): Promise<void> {
    let backOffMs = 50;
    for (let attempt = 1; ; attempt++) {
      const child = this.#spawn();
      const pid = child.pid ?? 0;
      const failure = await this.#ready(child);
      if (failure === null) {
        child.unref();
        this.#follow(pid);
        child.once('exit', () => this.#look(pid));
        return;
      }
      // Backends of a killed server hold its memory until they notice; then the next attempt works.
      if (attempt === 10 || !/pre-existing shared memory|lock file .* already exists/.test(failure)) {
        throw new EmbeddedServerError(`Postgres of ${this.#cluster.name} does not start: ${failure}`);
      }
      await delay(backOffMs);
      backOffMs = Math.min(backOffMs * 2, 1000);
    }
  }

  #spawn() {
    const { data, socketFolder, logFile, home } = this.#cluster;
    if (existsSync(logFile) && statSync(logFile).size > LOG_BYTES_MAX) renameSync(logFile, `${logFile}.1`);
    // The folder is the server's: a link that it might have put there must not lead a root engine elsewhere.
    const log = openSync(
      logFile,
      constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW,
      0o600,
    );
    const { user } = this.#place;
    if (user !== null) fchownSync(log, user.uid, user.gid);
    const settings = Object.entries({ ...this.#settings, unix_socket_directories: socketFolder });
    const options = ['-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
    try {
      // A session of its own: Ctrl-C at the terminal goes to the engine, which then stops it in order.
      return spawn(this.#place.binaries.postgres, options, {
        ...user,
        cwd: home,
        env: programEnv,
        detached: true,
        stdio: ['ignore', log, log],
      });
    } finally {
      closeSync(log);
    }
  }

  /** @returns null when it is ready, else why it ended; recovery after a crash may take its time */
  async #ready(child: ReturnType<typeof spawn>): Promise<string | null> {
    const logFrom = statSync(this.#cluster.logFile).size;
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(messageOf(error)));
      child.once('exit', () => resolve(this.#lastWords(logFrom)));
    });
    let failure: string | null = null;
    void ended.then((text) => {
      failure = text;
    });
    for (;;) {
      const problem = await this.#connect();
      if (failure !== null) return failure;
      if (problem === null) {
        child.removeAllListeners('exit');
        return null;
      }
      await Promise.race([ended, delay(POLL_MS)]);
    }
  }

  #lastWords(from: number): string {
    const lines = readFileSync(this.#cluster.logFile).subarray(from).toString('utf8').split('\n');
    // What it told our own attempts to connect is not why it ended.
    const fatal = lines.find((line) => /FATAL|PANIC|error/.test(line) && !NOT_YET.test(line)) ?? lines.at(-2);
    return fatal?.replace(/^.*?(FATAL|PANIC): +/, '') ?? `it ended without a word; see ${this.#cluster.logFile}`;
  }

  /** Makes the database where it is missing. @returns null if all is well, else what is not */
  async #connect(): Promise<string | null> {
    const problem = await tryConnect(urlOf(this.#cluster));
    if (problem?.code !== '3D000') return problem === null ? null : problem.message;
    const missing = await tryConnect(urlOf(this.#cluster, 'postgres'), `CREATE DATABASE ${DATABASE}`);
    return missing === null ? null : missing.message;
  }

  /** Looks after a server that is ready: restarts it when it goes away. */
  #follow(pid: number): void {
    this.#pid = pid;
    clearInterval(this.#watch);
    // By its pid for started and adopted ones alike: of an adopted one, which is nobody's child, nothing else tells.
    this.#watch = setInterval(() => this.#look(pid), WATCH_MS).unref();
  }

  #look(pid: number): void {
    if (this.#stopping || this.#pid !== pid || isAlive(pid)) return;
    clearInterval(this.#watch);
    this.#pid = 0;
    this.#log.error(`${this.#cluster.name}: Postgres ended (pid ${pid}); it is started again`);
    this.#restarting = this.#restart();
  }

  async #restart(): Promise<void> {
    for (let backOffMs = 100; !this.#stopping; backOffMs = Math.min(backOffMs * 2, BACK_OFF_MS_MAX)) {
      try {
        await this.start();
        this.#log.info(`${this.#cluster.name}: Postgres is back (pid ${this.#pid})`);
        this.#onBack?.();
        return;
      } catch (error) {
        this.#log.error(`${this.#cluster.name}: ${messageOf(error)}; next attempt in ${backOffMs} ms`);
        await delay(backOffMs);
      }
    }
  }
}

interface ConnectProblem {
  readonly code: string | undefined;
  readonly message: string;
}

async function tryConnect(url: string, statement?: string): Promise<ConnectProblem | null> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    if (statement !== undefined) await client.query(statement);
    return null;
  } catch (error) {
    return { code: (error as { readonly code?: string }).code, message: messageOf(error) };
  } finally {
    await client.end().catch(() => undefined);
  }
}
