/** An engine's own copy of the control log, for the time that the control database is away. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { ControlRecord } from './state.js';

export interface ControlCopy {
  readonly version: 1;
  /** When the database was last asked, ms since 1970. */
  readonly checkedAt: number;
  readonly records: readonly ControlRecord[];
}

/** Appears whole or not at all, readable by this user only. Hashes only: no key stands in it. */
export function writeCopy(file: string, copy: ControlCopy): void {
  const draft = `${file}.draft`;
  rmSync(draft, { force: true });
  const handle = openSync(draft, 'wx', 0o600);
  try {
    writeSync(handle, JSON.stringify(copy));
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
}

/** @returns null where there is none that can be read */
export function readCopy(file: string): ControlCopy | null {
  if (!existsSync(file)) return null;
  try {
    const copy = JSON.parse(readFileSync(file, 'utf8')) as ControlCopy;
    return copy.version === 1 && Array.isArray(copy.records) ? copy : null;
  } catch {
    return null;
  }
}
