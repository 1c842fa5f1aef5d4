/** Copies and files that are on the disk, whole, when the functions return. */
import { createHash } from 'node:crypto';
import { chownSync, closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { User } from './place.js';

export interface Copied {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

const CHUNK_BYTES = 1 << 18;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

/**
 * Copies what the file holds while it is read; the copy must not be there yet.
 * @throws the system's error, ENOENT where there is no such file
 */
export async function copyDurably(from: string, to: string, mode = 0o600): Promise<Copied> {
  const source = await open(from, 'r');
  try {
    const target = await open(to, 'wx', mode);
    try {
      const hash = createHash('sha256');
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      let bytes = 0;
      for (;;) {
        const { bytesRead } = await source.read(chunk, 0, chunk.length, bytes);
        if (bytesRead === 0) break;
        const part = chunk.subarray(0, bytesRead);
        hash.update(part);
        // Zeros become a hole: most of a file of the log that was closed early is nothing else.
        if (!part.equals(ZEROS.subarray(0, bytesRead))) await writeAll(target, part, bytes);
        bytes += bytesRead;
      }
      await target.truncate(bytes);
      await target.sync();
      return { bytes, sha256: hash.digest('hex') };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** One write may take less than it was given (write(2)): a disk that is nearly full does. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

/** Enough for the disk to take the files' fsyncs together: one after the other, they are most of a copy's time. */
const AT_A_TIME = 16;

/** Uses all items, several at a time; the first failure ends it when those under way have ended. */
export async function useAll<T>(items: readonly T[], use: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (const item of rest) {
      if (failed) return;
      try {
        await use(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: AT_A_TIME }, lane));
  for (const result of lanes) if (result.status === 'rejected') throw result.reason;
}

/** Appears whole or not at all. @param owner null: this process's user */
export function writeWhole(file: string, text: string, owner: User | null): void {
  const draft = `${file}.draft`;
  rmSync(draft, { force: true });
  const handle = openSync(draft, 'wx', 0o600);
  try {
    writeFileSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  if (owner !== null) chownSync(draft, owner.uid, owner.gid);
  renameSync(draft, file);
  syncFolder(dirname(file));
}

/** After it, names that were made or changed in the folder survive a power cut. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
