/**
 * How soon an engine is ready again with a large book behind it: history is not read, so its length must not matter.
 * `npm run restart` does it with 1,000,000 accounts and 10,000,000 transactions; the ordinary run with a small part of that.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { locateEmbedded } from '../../src/store/embedded/embedded.js';
import { freePort, isAlive } from '../crash/support/processes.js';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';
import { postmasterOf, withClient } from '../support/postgres.js';
import { Book } from './book.js';

vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 3_600_000 });

const size = {
  accounts: Number(process.env.MILLRACE_TEST_RESTART_ACCOUNTS ?? 20_000),
  transactions: Number(process.env.MILLRACE_TEST_RESTART_TRANSACTIONS ?? 100_000),
};
/** With any book. On a machine that is so busy that an empty one takes longer than it usually does, so many times this. */
const READY_MS_MAX = 5_000;
const EMPTY_MS_USUAL = 1_000;
const LOOK_MS = 10;
const SHARDS = ['shard-0', 'shard-1'];

let engine: RunningEngine;
let book: Book;
let urls: readonly string[];
let posted = 0;
let boundMs = READY_MS_MAX;

beforeAll(async () => {
  engine = await startEngine({ env: { MILLRACE_HTTP__PORT: String(await freePort()) } });
  urls = Object.values(locateEmbedded(engine.dataDir, SHARDS) ?? {});
  const emptyMs = await untilReadyAgain([await engine.enginePid()]);
  boundMs *= Math.max(1, emptyMs / EMPTY_MS_USUAL);
  say(`an empty book: ready after ${(emptyMs / 1000).toFixed(2)} s`);
  book = await Book.of(engine, size);
  const rate = await book.write();
  posted = book.expected;
  say(`${size.accounts} accounts, ${size.transactions} transactions posted at ${Math.round(rate)}/s`);
});
afterAll(async () => {
  book?.close();
  await engine?.dispose();
});

const say = (line: string): void => {
  process.stdout.write(`restart: ${line}\n`);
};

const postmasters = (): Promise<readonly number[]> => Promise.all(urls.map(postmasterOf));

interface Ready {
  readonly shards: readonly { readonly fold_lag_records: number | null; readonly accounts: number }[];
}

async function readyz(): Promise<{ readonly status: number; readonly body: Ready } | null> {
  try {
    const response = await fetch(`${engine.url}/readyz`);
    return { status: response.status, body: (await response.json()) as Ready };
  } catch {
    return null;
  }
}

/** Not known at first, which is not the end. */
const lag = async (): Promise<number> =>
  (await readyz())?.body.shards.reduce((sum, { fold_lag_records: records }) => sum + (records ?? Infinity), 0) ?? 0;

/** Kills processes by their ids, and waits until /readyz says 200 again. @returns ms from the kill on */
async function untilReadyAgain(pids: readonly number[]): Promise<number> {
  const begun = performance.now();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  while (pids.some(isAlive)) await delay(LOOK_MS);
  for (;;) {
    if ((await readyz())?.status === 200) return performance.now() - begun;
    await delay(LOOK_MS);
  }
}

/** Records of the log that the servers have read for anybody since they started. */
async function recordsRead(): Promise<number> {
  const counts = urls.map((url) =>
    withClient(url, async (client) => {
      const { rows } = await client.query<{ read: string }>(
        `SELECT pg_stat_force_next_flush(), coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) AS read
           FROM pg_stat_user_tables WHERE relname ~ '^log_p[0-9]+$'`,
      );
      return Number(rows[0]?.read);
    }),
  );
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** What each Postgres says of its last recovery: how much of its own log it had to run again, and for how long. */
function redone(): string {
  return SHARDS.flatMap((shard) => {
    const file = join(engine.dataDir, 'postgres', shard, 'log');
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const [, from = ''] = [...text.matchAll(/redo starts at (\S+)/g)].at(-1) ?? [];
    const [, to = '', seconds = '?'] = [...text.matchAll(/redo done at (\S+) .*elapsed: ([\d.]+) s/g)].at(-1) ?? [];
    return from === '' ? [] : [`${Math.round((placeOf(to) - placeOf(from)) / 2 ** 20)} MiB in ${seconds} s`];
  }).join(', ');
}

/** Bytes of Postgres' log before a place in it. */
function placeOf(text: string): number {
  const [high = '0', low = '0'] = text.split('/');
  return Number.parseInt(high, 16) * 2 ** 32 + Number.parseInt(low, 16);
}

async function settled(): Promise<void> {
  while ((await lag()) > 0) await delay(100);
}

async function measure(name: string, pids: readonly number[], before: string): Promise<void> {
  const ms = await untilReadyAgain(pids);
  say(`${name}: ready after ${(ms / 1000).toFixed(2)} s (${before})`);
  if (pids.length > 1) say(`redo of Postgres: ${redone()}`);
  expect(await book.paid(), 'every posting is there, once').toBe(posted);
  expect(await book.isRemembered(0), 'the oldest keys are remembered').toBe(true);
  expect(await book.isRemembered(book.batches - 1)).toBe(true);
  expect(await book.paid()).toBe(posted);
  expect(ms).toBeLessThan(boundMs);
}

test('an engine that was killed right after its postings is ready again within 5 s', async () => {
  const behind = await lag();
  await measure('kill -9 of the engine', [await engine.enginePid()], `its folds were ${behind} records behind`);
});

test('an engine that was killed is ready again within 5 s, and has not read its history', async () => {
  await settled();
  const before = await recordsRead();
  await measure('kill -9 of the engine', [await engine.enginePid()], 'its folds were at the end');
  const read = (await recordsRead()) - before;
  say(`records of the log that were read for it, and for 2,000 replays: ${read}`);
});

test('an engine that was killed with its databases is ready again within 5 s', async () => {
  await settled();
  const pids = [await engine.enginePid(), ...(await postmasters())];
  await measure('kill -9 of the engine and both Postgres', pids, 'its folds were at the end');
});

test('an engine that was killed with its databases while it posted is ready again within 5 s', async () => {
  const stop = book.keepPosting();
  await delay(1_000);
  const pids = [await engine.enginePid(), ...(await postmasters())];
  const ms = await untilReadyAgain(pids);
  await stop();
  say(`kill -9 of the engine and both Postgres under load: ready after ${(ms / 1000).toFixed(2)} s`);
  say(`redo of Postgres: ${redone()}`);
  expect(ms).toBeLessThan(boundMs);
  const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${await engine.enginePid()}/status`, 'utf8'))?.[1];
  say(`resident memory of the engine: ${Math.round(Number(rss) / 1024)} MiB`);
});
