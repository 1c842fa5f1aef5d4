/** Looking at, stopping and ending processes by their ids, and running the program's other commands. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { MAIN } from '../../support/program.js';

const PATIENCE_MS = 60_000;
const COMMAND_MS = 240_000;
const LOOK_MS = 20;

/** Waits for a state, looking at it. @throws Error after a minute, with `what` */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const giveUp = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > giveUp) throw new Error(`waited in vain until ${what}`);
    await delay(LOOK_MS);
  }
}

/** False for a zombie too: it has ended. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

export const gone = (pid: number): Promise<void> => until(`process ${pid} is gone`, () => !isAlive(pid));

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `millrace` to its end. One that never ends is killed, long after it should have been done on a busy machine. */
export function millrace(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { env: { ...process.env, ...env }, timeout: COMMAND_MS },
      (error, out, err) => {
        done({ code: error === null ? 0 : Number(error.code ?? -1), out, err });
      },
    );
  });
}

/** A port that was free a moment ago: for engines that are to come back on the same one. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
