/** How far behind the folds are, as an engine shows it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { locateEmbedded } from '../../src/store/embedded/embedded.js';
import { until } from '../crash/support/processes.js';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';
import { withClient } from '../support/postgres.js';

const POSTINGS = 500;

let engine: RunningEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.dispose());

interface Shown {
  readonly fold_lag_records: number | null;
  readonly fold_lag_ms: number | null;
}
async function shown(): Promise<Shown> {
  const { shards } = (await (await fetch(`${engine.url}/readyz`)).json()) as { readonly shards: readonly Shown[] };
  return shards[0] as Shown; // there is one
}

it('the lag that is shown grows within a second while a step of the folds stands still, and is 0 at the end', async () => {
  await until('all is folded', async () => (await shown()).fold_lag_records === 0);
  const [url = ''] = Object.values(locateEmbedded(engine.dataDir, ['shard-0']) ?? {});
  await withClient(url, async (client) => {
    // Whoever folds takes this row first.
    await client.query(`BEGIN; UPDATE millrace.fold SET position = position WHERE name = 'balances'`);
    const transactions = Array.from({ length: POSTINGS }, (_, index) => ({
      idempotency_key: `lag-${index}`,
      legs: [{ debit: 'external/x', credit: 'a', amount: 1, currency: 'EUR' }],
      open_accounts: true,
    }));
    const posted = await fetch(`${engine.url}/v1/transactions/batch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${engine.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ transactions }),
    });
    expect(posted.status).toBe(200);
    const postedAt = performance.now();
    await until('the lag shows', async () => ((await shown()).fold_lag_records ?? 0) >= POSTINGS);
    expect(performance.now() - postedAt).toBeLessThan(1_500);
    await until('it gets older', async () => ((await shown()).fold_lag_ms ?? 0) >= 500);
    const metrics = await (await fetch(`${engine.url}/metrics`)).text();
    expect(Number(/millrace_shard_fold_lag_records\{[^}]*\} (\d+)/.exec(metrics)?.[1])).toBeGreaterThanOrEqual(
      POSTINGS,
    );
    await client.query('ROLLBACK');
  });
  await until('all is folded again', async () => (await shown()).fold_lag_records === 0);
  expect((await shown()).fold_lag_ms).toBe(0);
});
