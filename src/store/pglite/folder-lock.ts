/**
 * A file beside the folder of a PGlite database that names the process which has it open. It catches the mistake of
 * opening the folder twice, which would split the database silently; the engine's own lock of its data folder is what
 * rules that out.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { ShardHeldError } from '../errors.js';

interface Holder {
  readonly pid: number;
  /** When the process began, as the kernel counts; null where it does not say. Tells a pid that is used again. */
  readonly started: string | null;
  /** Random: tells this lock from one that was taken over from it. */
  readonly id: string;
}

export class FolderLock {
  readonly #file: string;
  #held: Holder | null = null;

  constructor(folder: string) {
    this.#file = `${folder}.lock`;
  }

  /**
   * @param takeOver by order of somebody who knows that the holder is gone, such as the thread before this one
   * @throws ShardHeldError where the holder's process lives
   */
  take(takeOver: boolean): void {
    const mine: Holder = { pid: process.pid, started: startOf(process.pid), id: randomUUID() };
    for (;;) {
      try {
        writeFileSync(this.#file, JSON.stringify(mine), { flag: 'wx', mode: 0o600 });
        this.#held = mine;
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = this.#read();
      if (holder !== null && !takeOver && startOf(holder.pid) === holder.started && isAlive(holder.pid)) {
        throw new ShardHeldError(`the database beside ${this.#file} is open in process ${holder.pid}; stop it first`);
      }
      rmSync(this.#file, { force: true });
    }
  }

  release(): void {
    const held = this.#held;
    this.#held = null;
    if (held !== null && this.#read()?.id === held.id) rmSync(this.#file, { force: true });
  }

  /** null where it is unreadable, as after a power cut. */
  #read(): Holder | null {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as Holder;
    } catch {
      return null;
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function startOf(pid: number): string | null {
  try {
    // The 22nd field; the second is a name in parentheses that may hold anything.
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop()?.split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
