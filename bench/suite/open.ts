/** Opens what a workload needs: accounts that may go below zero, since they pay one another, and one that may not. */
import { randomUUID } from 'node:crypto';
import { accountName, OUTSIDE_ACCOUNT } from '../../src/cli/bench/requests.js';
import type { Workload } from '../workloads/workload.js';

const ACCOUNTS_PER_REQUEST = 2000;
const CURRENCY = 'EUR';

/** @throws Error with the engine's own words where it refuses */
export async function openFor(url: string, key: string, workload: Workload): Promise<void> {
  const free = Array.from({ length: workload.accounts }, (_, index) => accountName(index + 1));
  const all: object[] = [OUTSIDE_ACCOUNT, ...free].map((name) => ({ name, currency: CURRENCY, min_balance: null }));
  if (workload.kind === 'requests' && workload.emptyAccount !== null) {
    all.push({ name: workload.emptyAccount, currency: CURRENCY, min_balance: 0 });
  }
  for (let from = 0; from < all.length; from += ACCOUNTS_PER_REQUEST) {
    const response = await fetch(`${url}/v1/accounts/batch`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Idempotency-Key': randomUUID(), 'Content-Type': 'application/json' },
      body: JSON.stringify({ accounts: all.slice(from, from + ACCOUNTS_PER_REQUEST) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`the engine refused to open accounts: ${response.status} ${text.slice(0, 500)}`);
  }
}
