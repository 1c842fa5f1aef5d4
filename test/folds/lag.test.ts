/** How far behind the folds are, as an engine shows it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { locateEmbedded } from '../../src/store/embedded/embedded.js';
import { until } from '../crash/support/processes.js';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';
import { withClient } from '../support/postgres.js';

const POSTINGS = 500;
/** Of `folds.lag_records_max` here, the least that it may be. */
const LAG_MAX = 10_000;
/** What passes in a second where the folds stand still. */
const CRAWL = 1_000;

let engine: RunningEngine;
beforeAll(async () => {
  engine = await startEngine({ env: { MILLRACE_FOLDS__LAG_RECORDS_MAX: String(LAG_MAX) } });
});
afterAll(() => engine.dispose());

interface Shown {
  readonly fold_lag_records: number | null;
  readonly fold_lag_ms: number | null;
  readonly fold_rest_ms: number;
}
async function shown(): Promise<Shown> {
  const { shards } = (await (await fetch(`${engine.url}/readyz`)).json()) as { readonly shards: readonly Shown[] };
  return shards[0] as Shown; // there is one
}

let posted = 0;

async function postMany(): Promise<void> {
  const transactions = Array.from({ length: POSTINGS }, () => ({
    idempotency_key: `lag-${posted++}`,
    legs: [{ debit: 'external/x', credit: 'a', amount: 1, currency: 'EUR' }],
    open_accounts: true,
  }));
  const response = await fetch(`${engine.url}/v1/transactions/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${engine.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ transactions }),
  });
  expect(response.status).toBe(200);
  expect((await response.text()).split('"status":201').length - 1).toBe(POSTINGS);
}

async function figure(name: string): Promise<number> {
  const metrics = await (await fetch(`${engine.url}/metrics`)).text();
  return Number(new RegExp(`millrace_shard_${name}\\{shard="shard-0"\\} ([\\d.e+-]+)`).exec(metrics)?.[1]);
}

/** While the folds of the merchant's shard stand still; when it ends, they have followed. */
async function withoutFolds(work: () => Promise<void>): Promise<void> {
  await until('all is folded', async () => (await shown()).fold_lag_records === 0);
  const [url = ''] = Object.values(locateEmbedded(engine.dataDir, ['shard-0']) ?? {});
  await withClient(url, async (client) => {
    // Whoever folds takes this row first.
    await client.query(`BEGIN; UPDATE millrace.fold SET position = position WHERE name = 'balances'`);
    await work();
    await client.query('ROLLBACK');
  });
  await until('all is folded again', async () => (await shown()).fold_lag_records === 0);
  expect((await shown()).fold_lag_ms).toBe(0);
}

it('the lag that is shown grows within a second while a step of the folds stands still, and is 0 at the end', async () => {
  await withoutFolds(async () => {
    await postMany();
    const postedAt = performance.now();
    await until('the lag shows', async () => ((await shown()).fold_lag_records ?? 0) >= POSTINGS);
    expect(performance.now() - postedAt).toBeLessThan(1_500);
    await until('it gets older', async () => ((await shown()).fold_lag_ms ?? 0) >= 500);
    expect(await figure('fold_lag_records')).toBeGreaterThanOrEqual(POSTINGS);
  });
});

it('a shard whose folds are too far behind slows down and says so, and is itself again once they have followed', async () => {
  await withoutFolds(async () => {
    const from = await figure('position');
    const rested = await figure('fold_rest_seconds_total');
    while ((await figure('position')) - from < LAG_MAX / 2) await postMany();
    const begun = performance.now();
    for (let sent = 0; sent < 3 * CRAWL; sent += POSTINGS) await postMany();
    // What was on its way when this began is waited for, and what is on its way at the end is not.
    expect(performance.now() - begun).toBeGreaterThan(1_500);
    await until('it is told', async () => (await figure('fold_rest_seconds_total')) - rested > 1.5);
    expect((await shown()).fold_rest_ms).toBeGreaterThan(0);
  });
  expect(engine.log()).toMatch(/the folds are \d+ records behind: commits slow down/);
  await until('commits rest no more', async () => {
    const commits = await figure('commits_total');
    const rested = await figure('fold_rest_seconds_total');
    for (let count = 0; count < 3; count++) await postMany();
    await until('it is told', async () => (await figure('commits_total')) >= commits + 3);
    return (await figure('fold_rest_seconds_total')) === rested;
  });
});
