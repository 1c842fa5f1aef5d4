/** A bank's book of 14,125 lines goes through a durable engine, undisturbed and through kills, and every balance agrees. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { locateEmbedded } from '../../src/store/embedded/embedded.js';
import { freePort, gone, millrace, until } from '../crash/support/processes.js';
import { Api } from '../support/api.js';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';
import { withClient } from '../support/postgres.js';
import type { Book } from './book.js';
import { bookIn } from './book.js';

// Starts and proofs are many, and the machine may be busy.
vi.setConfig({ testTimeout: 90_000 });

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const MAP = resolve(import.meta.dirname, '../../examples/bank.map.yaml');
/** The bank rounded to ten hundredths. */
const ROUNDING = 10;

let folder: string;
let book: Book;
let engine: RunningEngine;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-import-'));
  book = bookIn(folder);
  if (!book.isTheBanks)
    console.log("the bank's file does not lie beside the checkout: a made one of its shape is used");
  engine = await startEngine({ env: { MILLRACE_HTTP__PORT: String(await freePort()) } });
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const argumentsFor = (key: string): string[] => [
  'import',
  book.file,
  '--map',
  MAP,
  '--url',
  engine.url,
  '--key',
  key,
  '--batch',
  '250',
];
const importBook = (key: string) => millrace(argumentsFor(key), {});

async function verified(): Promise<void> {
  const { code, out, err } = await millrace(['verify'], { MILLRACE_DATA_DIR: engine.dataDir });
  expect(code, out + err).toBe(0);
}

/** What the ledger says of each account at the end of each of its days, against what the bank said then. */
async function agreesWithTheBank(merchant: string): Promise<void> {
  const balances = await endOfDayBalances(merchant);
  const wrong = book.days.filter(({ account, end, balances: banks, linesBefore }) => {
    const ours = balances.get(`${account} ${end.slice(0, 10)}`);
    return ours === undefined || !banks.some((theirs) => Math.abs(theirs - ours) <= ROUNDING * linesBefore);
  });
  expect(wrong.slice(0, 3)).toEqual([]);
}

/** From the legs in SQL, summed by effective day. */
async function endOfDayBalances(merchant: string): Promise<Map<string, number>> {
  const balances = new Map<string, number>();
  for (const url of Object.values(locateEmbedded(engine.dataDir, ['shard-0', 'shard-1']) ?? {})) {
    await withClient(url, async (client) => {
      const { rows } = await client.query<{ account: string; day: string; balance: string }>(DAYS_SQL, [merchant]);
      for (const { account, day, balance } of rows) balances.set(`${account} ${day}`, Number(balance));
    });
  }
  return balances;
}

const DAYS_SQL = `
  SELECT account, day::text, sum(sum(amount)) OVER (PARTITION BY account ORDER BY day) AS balance
    FROM (SELECT l.credit AS account, (l.effective_at AT TIME ZONE 'UTC')::date AS day, l.amount
            FROM millrace.legs l JOIN millrace.book b USING (book) WHERE b.merchant = $1
          UNION ALL
          SELECT l.debit, (l.effective_at AT TIME ZONE 'UTC')::date, -l.amount
            FROM millrace.legs l JOIN millrace.book b USING (book) WHERE b.merchant = $1) moved
   GROUP BY account, day`;

/** Transactions of the merchant in the log of whichever shard it is on. */
async function inTheLog(merchant: string): Promise<number> {
  let count = 0;
  for (const url of Object.values(locateEmbedded(engine.dataDir, ['shard-0', 'shard-1']) ?? {})) {
    await withClient(url, async (client) => {
      const sql =
        'SELECT count(*) AS n FROM millrace.log JOIN millrace.book USING (book) WHERE merchant = $1 AND kind = 1';
      const { rows } = await client.query<{ n: string }>(sql, [merchant]);
      count += Number(rows[0]?.n);
    });
  }
  return count;
}

/** The fold has every account's name, and the log every line once. */
async function allThereOnce(merchant: string): Promise<void> {
  expect(await inTheLog(merchant)).toBe(book.lines);
  await until('the fold has come to the end of the log', async () => {
    const response = await fetch(`${engine.url}/readyz`);
    const { shards } = (await response.json()) as { readonly shards: readonly { readonly fold_lag_records: number }[] };
    return shards.every(({ fold_lag_records }) => fold_lag_records === 0);
  });
}

const total = (out: string): number => {
  const [, posted = 'NaN', replayed = 'NaN'] = /posted (\d+), replayed (\d+), rejected 0/.exec(out) ?? [];
  return Number(posted) + Number(replayed);
};

describe("the bank's book", () => {
  test('is posted whole; again posts none; every end-of-day balance is the one that the bank had', async () => {
    const key = await engine.createKey('calm-bank');
    const first = await importBook(key);
    expect([first.code, first.out.trim()], first.err).toEqual([0, `posted ${book.lines}, replayed 0, rejected 0`]);
    const again = await importBook(key);
    expect([again.code, again.out.trim()], again.err).toEqual([0, `posted 0, replayed ${book.lines}, rejected 0`]);
    await allThereOnce('calm-bank');
    await agreesWithTheBank('calm-bank');
    await verified();
  });

  test('has the same balances by the API as of the end of a day', async () => {
    const api = new Api(engine.url, await engine.createKey('calm-bank'));
    const balances = await endOfDayBalances('calm-bank');
    for (const { account, end } of book.days.filter((_, index) => index % 100 === 0)) {
      const { status, body } = await api.get(`/v1/accounts/${encodeURIComponent(account)}?as_of=${end}`);
      expect([status, body.balances?.posted], `${account} ${end}`).toEqual([
        200,
        balances.get(`${account} ${end.slice(0, 10)}`),
      ]);
    }
  });

  test('is posted whole although the engine is killed in the middle', async () => {
    const key = await engine.createKey('killed-engine-bank');
    const pid = await engine.enginePid();
    const importing = importBook(key);
    await until('some of it is posted', async () => (await inTheLog('killed-engine-bank')) > 1_000);
    process.kill(pid, 'SIGKILL');
    await gone(pid);
    const { code, out, err } = await importing;
    expect([code, total(out)], out + err).toEqual([0, book.lines]);
    await allThereOnce('killed-engine-bank');
    await agreesWithTheBank('killed-engine-bank');
    await verified();
  });

  test('is posted whole although the importer is killed in the middle and run again', async () => {
    const key = await engine.createKey('killed-importer-bank');
    const importer = spawn(process.execPath, [MAIN, ...argumentsFor(key)], { stdio: 'ignore' });
    await until('some of it is posted', async () => (await inTheLog('killed-importer-bank')) > 1_000);
    importer.kill('SIGKILL');
    await gone(importer.pid ?? 0);
    expect(await inTheLog('killed-importer-bank'), 'the kill came in the middle').toBeLessThan(book.lines);
    const { code, out, err } = await importBook(key);
    expect([code, total(out)], out + err).toEqual([0, book.lines]);
    expect(existsSync(`${book.file}.millrace-progress`)).toBe(false);
    await allThereOnce('killed-importer-bank');
    await agreesWithTheBank('killed-importer-bank');
  });
});
