/** The operator's own currencies, over starts with other configurations: what an amount was in, it stays in. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { millrace } from '../crash/support/processes.js';
import { Api } from '../support/api.js';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';

vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'millrace-currencies-'));
const dataDir = join(folder, 'data');
type Custom = readonly { readonly code: string; readonly exponent: number }[];
const GOLD = { code: 'GOLD', exponent: 3 };
const MILES = { code: 'MILES', exponent: 0 };
const SILVER = { code: 'SILVER', exponent: 2 };

const envOf = (...custom: Custom) => ({
  MILLRACE_STORE__KIND: 'pglite',
  MILLRACE_HTTP__SERVER: 'node',
  MILLRACE_DATA_DIR: dataDir,
  MILLRACE_HTTP__PORT: '0',
  MILLRACE_CURRENCIES__CUSTOM: JSON.stringify(custom),
});

let engine: RunningEngine | null = null;
const start = async (...custom: Custom): Promise<Api> => {
  engine = await startEngine({ dataDir, store: 'pglite', server: 'node', env: envOf(...custom) });
  return new Api(engine.url, engine.key);
};

afterAll(async () => {
  await engine?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const post = (api: Api, key: string, currency: string) =>
  api.post(
    '/v1/transactions',
    {
      legs: [{ debit: `external/${currency}`, credit: `${currency}/wallet`, amount: 7, currency }],
      open_accounts: true,
    },
    { key },
  );

test('a currency of one start is the same one after the next, and its place in the list is kept', async () => {
  const first = await start(GOLD, MILES);
  const posted = await post(first, 'miles-1', 'MILES');
  expect(posted.body).toMatchObject({ status: 'posted', legs: [{ currency: 'MILES', amount: 7 }] });
  expect(await engine?.stop()).toBe(0);

  const swapped = await millrace(['serve'], envOf(MILES, GOLD));
  expect(swapped.code).toBe(3);
  expect(swapped.err).toContain('currencies.custom: entry 0 is MILES (exponent 0), and the ledger was kept with GOLD');
  const missing = await millrace(['serve'], envOf(GOLD));
  expect(missing.err).toContain('currencies.custom: entry 1 is missing');

  const again = await start(GOLD, MILES, SILVER);
  const replayed = await post(again, 'miles-1', 'MILES');
  expect([replayed.status, replayed.text]).toEqual([201, posted.text]);
  expect(replayed.headers.get('idempotency-replayed')).toBe('true');
  expect((await post(again, 'silver-1', 'SILVER')).body).toMatchObject({ legs: [{ currency: 'SILVER' }] });
  const account = await again.get('/v1/accounts/MILES%2Fwallet');
  expect(account.body).toMatchObject({ currency: 'MILES', balances: { posted: 7 } });
  const verified = await millrace(['verify'], envOf(GOLD, MILES, SILVER));
  expect(verified.out + verified.err).toContain('all true');
});
