/**
 * How soon an engine is ready again with a large book behind it: history is not read, so its length must not matter.
 * `npm run restart` does it with 1,000,000 accounts and 10,000,000 transactions; the ordinary run with a small part of that.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort } from '../crash/support/processes.js';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';
import { withClient } from '../support/postgres.js';
import { Book } from './book.js';
import { readyz, restarted, SHARDS, slowness, urlsOf, type Victims } from './ready.js';

vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 3_600_000 });

const size = {
  accounts: Number(process.env.MILLRACE_TEST_RESTART_ACCOUNTS ?? 20_000),
  transactions: Number(process.env.MILLRACE_TEST_RESTART_TRANSACTIONS ?? 100_000),
};
/** With any book, on a machine that does nothing else; times what an empty engine beside it says of this one. */
const READY_MS_MAX = 5_000;

let engine: RunningEngine;
let empty: RunningEngine;
let book: Book;
let posted = 0;
/** The machine as the empty engine's last start found it. */
let slower = 1;

beforeAll(async () => {
  const port = async (): Promise<Record<string, string>> => ({ MILLRACE_HTTP__PORT: String(await freePort()) });
  engine = await startEngine({ env: await port() });
  empty = await startEngine({ env: await port() });
  slower = await slowness(empty, 'engine');
  book = await Book.of(engine, size);
  const rate = await book.write();
  posted = book.expected;
  say(`${size.accounts} accounts, ${size.transactions} transactions posted at ${Math.round(rate)}/s`);
});
afterAll(async () => {
  book?.close();
  await engine?.dispose();
  await empty?.dispose();
});

const say = (line: string): void => {
  process.stdout.write(`restart: ${line}\n`);
};

/** Not known at first, which is not the end. */
const lag = async (): Promise<number> =>
  (await readyz(engine))?.body.shards.reduce((sum, { fold_lag_records: records }) => sum + (records ?? Infinity), 0) ??
  0;

/** Records of the log that the servers have read for anybody since they started. */
async function recordsRead(): Promise<number> {
  const counts = urlsOf(engine).map((url) =>
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

async function bookIsWhole(): Promise<void> {
  expect(await book.paid(), 'every posting is there, once').toBe(posted);
  expect(await book.isRemembered(0), 'the oldest keys are remembered').toBe(true);
  expect(await book.isRemembered(book.batches - 1)).toBe(true);
  expect(await book.paid()).toBe(posted);
}

/** Kills, and says how soon all was ready again, which the empty engine judges by its last start and its next. */
async function restart(victims: Victims, circumstances: string, stop?: () => Promise<void>): Promise<void> {
  const ms = await restarted(engine, victims).finally(stop);
  // Its own work, put off until after the start, is no excuse.
  await settled();
  const before = slower;
  slower = await slowness(empty, victims);
  const boundMs = READY_MS_MAX * Math.max(before, slower);
  const seconds = (value: number): string => (value / 1000).toFixed(2);
  say(`kill -9 of the ${victims}, ${circumstances}: ready after ${seconds(ms)} s of ${seconds(boundMs)}`);
  if (victims === 'engine and databases') say(`redo of Postgres: ${redone()}`);
  expect(ms).toBeLessThan(boundMs);
}

test('an engine that was killed right after its postings is ready again within 5 s', async () => {
  await restart('engine', `its folds ${await lag()} records behind`);
  await bookIsWhole();
});

test('an engine that was killed is ready again within 5 s, and has not read its history', async () => {
  const before = await recordsRead();
  await restart('engine', 'its folds at the end');
  await bookIsWhole();
  const read = (await recordsRead()) - before;
  say(`records of the log that were read for it, and for 2,000 replays: ${read}`);
});

test('an engine that was killed with its databases is ready again within 5 s', async () => {
  await restart('engine and databases', 'its folds at the end');
  await bookIsWhole();
});

test('an engine that was killed with its databases while it posted is ready again within 5 s', async () => {
  const stop = book.keepPosting();
  await delay(1_000);
  await restart('engine and databases', 'under load', stop);
  const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${await engine.enginePid()}/status`, 'utf8'))?.[1];
  say(`resident memory of the engine: ${Math.round(Number(rss) / 1024)} MiB`);
});
