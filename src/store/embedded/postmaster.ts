/** Processes of a server's data directory, as the system knows them. */
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedServerError } from '../../platform/errors.js';

const POLL_MS = 20;
/** Each of the steps by which a server is ended, but for the first. */
const END_MS_MAX = 10_000;
/** Backends notice within milliseconds that their postmaster has ended, unless they are in the middle of something long. */
const REMAINS_MS_MAX = 3_000;

/** Pid of the postmaster that runs on this data directory; 0 if none does. */
export function runningPostmaster(data: string): number {
  const pid = pidIn(pidFile(data));
  return pid > 0 && isAlive(pid) && isServer(pid, data) ? pid : 0;
}

/**
 * After a postmaster was killed: waits for its backends, and then removes its pid file and the lock of its socket where
 * their number is not a server's any more but that of another program, or of a zombie. Postgres takes both for a server
 * that runs. The other program may run for ever; and the zombie stays until somebody asks for its end, which in a
 * container without an init is nobody. A number that is nobody's stays: Postgres sees that itself, and finds backends by
 * it that were overlooked here.
 */
export async function clearRemains(data: string, socketLock: string): Promise<void> {
  const until = Date.now() + REMAINS_MS_MAX;
  while (backendsOf(data).length > 0) {
    if (Date.now() > until) return;
    await delay(POLL_MS);
  }
  for (const file of [pidFile(data), socketLock]) {
    const pid = pidIn(file);
    if (pid > 0 && (isZombie(pid) || (isAlive(pid) && !isServer(pid, data)))) rmSync(file, { force: true });
  }
}

/** Signals it and waits for its end, by ever harder signals where one takes longer than it should. */
export async function endPostmaster(pid: number, how: NodeJS.Signals, patienceMs: number): Promise<void> {
  signal(pid, how);
  // A stopped process (SIGSTOP) takes no signal but these two.
  if (how === 'SIGQUIT') signal(pid, 'SIGCONT');
  const until = Date.now() + patienceMs;
  while (isAlive(pid)) {
    if (Date.now() > until) {
      if (how === 'SIGKILL') throw new EmbeddedServerError(`Postgres (pid ${pid}) cannot be ended`);
      return endPostmaster(pid, how === 'SIGINT' ? 'SIGQUIT' : 'SIGKILL', END_MS_MAX);
    }
    await delay(POLL_MS);
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended.
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return process.platform !== 'linux' || (stateOf(pid) !== null && !isZombie(pid));
}

/** It has ended; only its parent has not looked. */
const isZombie = (pid: number): boolean => stateOf(pid) === 'Z';

/** By proc(5); null where there is no such process, or no /proc. */
function stateOf(pid: number): string | null {
  try {
    return /^\d+ \(.*\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? null;
  } catch {
    return null;
  }
}

const pidFile = (data: string): string => join(data, 'postmaster.pid');

/** What a lock file of Postgres begins with; 0 where there is none. */
const pidIn = (file: string): number => (existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) || 0 : 0);

/** Every process of Postgres that works in the folder; none where the system cannot say. */
function backendsOf(data: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => worksIn(pid, data) === true && isAlive(pid) && nameOf(pid) === 'postgres');
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * A server works in its data directory. Where the system does not say where it works, it is known by its name (root without
 * all of its powers, as in a container, sees no more), or believed where there is no /proc.
 */
function isServer(pid: number, data: string): boolean {
  return worksIn(pid, data) ?? (process.platform !== 'linux' || nameOf(pid) === 'postgres');
}

/** Null where the system does not say. */
function worksIn(pid: number, folder: string): boolean | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(folder);
  } catch {
    return null;
  }
}
