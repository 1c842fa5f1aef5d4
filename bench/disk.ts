/**
 * What the disk takes: pages of the log written one after the other and synced each, as a COMMIT that is alone does it. The
 * file is as long as one of Postgres' and is there in full before, so that syncing it writes pages and no lengths.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { newHistogram, percentilesOf, record } from './figures/latency.js';
import type { DiskFigures } from './figures/schema.js';

/** Of Postgres: wal_segment_size and wal_block_size. */
const FILE_BYTES = 16 << 20;
const PAGE_BYTES = 8192;

/** @param near a folder on the disk that is meant; works synchronously for `seconds` */
export function measureDisk(near: string, seconds: number): DiskFigures {
  const folder = mkdtempSync(join(near, 'millrace-disk-'));
  const file = openSync(join(folder, 'log'), 'w');
  try {
    writeSync(file, Buffer.alloc(FILE_BYTES, 1));
    fdatasyncSync(file);
    return syncsOf(file, seconds);
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}

function syncsOf(file: number, seconds: number): DiskFigures {
  const page = Buffer.alloc(PAGE_BYTES, 2);
  const times = newHistogram();
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  let now = startedAt;
  for (let at = 0; now < until; at = (at + PAGE_BYTES) % FILE_BYTES) {
    const before = now;
    writeSync(file, page, 0, PAGE_BYTES, at);
    fdatasyncSync(file);
    now = performance.now();
    record(times, now - before);
  }
  const { p50Ms, p99Ms } = percentilesOf(times);
  return { syncsPerSecond: Math.round((times.totalCount * 1000) / (now - startedAt)), p50Ms, p99Ms };
}
