/** Starts the ordinary way on a database of its own beside the engine's first shard: the same server, the same settings. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { accountName, OUTSIDE_ACCOUNT } from '../../src/cli/bench/requests.js';
import { end, watch } from '../children.js';
import { connect } from '../engine.js';
import { ORDINARY_SCHEMA } from './schema.js';
import type { OrdinaryOptions } from './service.js';

const DATABASE = 'ordinary';
const STOP_MS = 5_000;

export interface Ordinary {
  readonly url: string;
  /** Transactions in its table; that debits and credits are equal, and each account what its entries come to. */
  settle(): Promise<{ readonly stored: number; readonly agrees: boolean }>;
  stop(): Promise<void>;
}

/** @param beside URL of a database on the server @param accounts of each merchant, from 1 */
export async function startOrdinary(beside: string, keys: readonly string[], accounts: number): Promise<Ordinary> {
  const databaseUrl = await createDatabase(beside);
  await withClient(databaseUrl, async (client) => {
    await client.query(ORDINARY_SCHEMA);
    const names = Array.from({ length: accounts }, (_, index) => accountName(index + 1));
    await client.query(
      `INSERT INTO account (merchant, name, currency, min_balance)
       SELECT m, n, 'EUR', CASE WHEN n = $3 THEN NULL ELSE 0 END
         FROM generate_series(0, $1 - 1) AS m, unnest($2::text[]) AS n`,
      [keys.length, [OUTSIDE_ACCOUNT, ...names], OUTSIDE_ACCOUNT],
    );
    await client.query('VACUUM ANALYZE account');
  });
  const options: OrdinaryOptions = { databaseUrl, keys };
  const file = fileURLToPath(new URL('service.js', import.meta.url));
  const child = watch(fork(file, [JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }];
  return {
    url: `http://127.0.0.1:${port}`,
    settle: () => withClient(databaseUrl, settle),
    stop: async () => {
      await end(child, STOP_MS);
      await withClient(beside, (client) => client.query(`DROP DATABASE ${DATABASE} WITH (FORCE)`));
    },
  };
}

async function createDatabase(beside: string): Promise<string> {
  await withClient(beside, (client) => client.query(`CREATE DATABASE ${DATABASE}`));
  const url = new URL(beside);
  url.pathname = `/${DATABASE}`;
  return url.href;
}

async function settle(client: pg.Client): Promise<{ stored: number; agrees: boolean }> {
  const { rows } = await client.query(`
    SELECT (SELECT count(*) FROM transaction) AS stored,
           (SELECT count(*) FROM account a
              LEFT JOIN (SELECT account, sum(debit) AS debits, sum(credit) AS credits FROM entry GROUP BY account) e
                ON e.account = a.id
             WHERE (a.debits, a.credits) IS DISTINCT FROM (coalesce(e.debits, 0)::int8, coalesce(e.credits, 0)::int8)) AS wrong,
           (SELECT coalesce(sum(debit) = sum(credit), true) FROM entry) AS balanced`);
  const [row] = rows;
  return { stored: Number(row?.stored), agrees: Number(row?.wrong) === 0 && row?.balanced === true };
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(url);
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
