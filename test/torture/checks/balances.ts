/** Balances by the API, by SQL and by the journals agree, and no circle has lost or gained anything. */
import { setTimeout as delay } from 'node:timers/promises';
import { accountPath, ask } from '../clients/http.js';
import type { Merchant } from '../clients/merchant.js';
import { CIRCLE_ACCOUNTS, CIRCLES, circleAccount, FUNDS } from '../clients/merchant.js';
import { whenThere } from './database.js';
import { must } from './failure.js';

const PATIENCE_MS = 30_000;

/** @param url of the shard's database */
export async function proveBalances(merchant: Merchant, url: string): Promise<void> {
  const expected = merchant.journal.balances();
  await proveSql(merchant.name, expected, url);
  const said = new Map<string, number>();
  for (const [account, balance] of expected) {
    // Lists that are full change no more: SQL and the replayed answers speak for them.
    if (account.startsWith('list/') && !merchant.isCurrent(account)) continue;
    const posted = await postedOf(merchant, account);
    must(posted === balance, () => `${merchant.name}: ${account} is ${posted} by the API, ${balance} by the journal`);
    said.set(account, posted);
  }
  for (let circle = 0; circle < CIRCLES; circle++) {
    const accounts = Array.from({ length: CIRCLE_ACCOUNTS }, (_, place) => said.get(circleAccount(circle, place)) ?? 0);
    const sum = accounts.reduce((total, posted) => total + posted, 0);
    must(sum === CIRCLE_ACCOUNTS * FUNDS, () => `circle ${circle} of ${merchant.name} holds ${sum}`);
  }
}

async function postedOf(merchant: Merchant, account: string): Promise<number> {
  const giveUp = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask(merchant.url, merchant.apiKey, { method: 'GET', path: accountPath(account) });
    const posted = answer?.body.balances?.posted;
    if (posted !== undefined) return posted;
    must(performance.now() < giveUp, () => `${account} cannot be read: ${answer?.text ?? 'no answer'}`);
    await delay(20);
  }
}

/** The fold comes after the log; once it has, it says the same. */
async function proveSql(merchant: string, expected: ReadonlyMap<string, number>, url: string): Promise<void> {
  const giveUp = performance.now() + PATIENCE_MS;
  await whenThere(url, async (client) => {
    for (;;) {
      const { rows } = await client.query<{ name: string; posted: string }>(
        'SELECT b.name, b.posted FROM millrace.balances b WHERE b.merchant = $1',
        [merchant],
      );
      const found = new Map(rows.map(({ name, posted }) => [name, Number(posted)]));
      const wrong = [...expected].find(([account, balance]) => (found.get(account) ?? 0) !== balance);
      if (wrong === undefined) return;
      const [account, balance] = wrong;
      must(
        performance.now() < giveUp,
        () => `${merchant}: ${account} is ${found.get(account)} by SQL, ${balance} by the journal`,
      );
      await delay(20);
    }
  });
}
