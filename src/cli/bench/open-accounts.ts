/** Opens what a bench needs before it is timed. May be done again: an account that is there is confirmed. */
import { randomUUID } from 'node:crypto';
import { fetchFailure } from '../../platform/errors.js';
import { accountBodies } from './requests.js';

const ACCOUNTS_PER_REQUEST = 1000;
const TIMEOUT_MS = 30_000;

/** @throws Error with the engine's own words where it refuses, or where it cannot be reached */
export async function openAccounts(options: {
  readonly url: string;
  readonly key: string;
  readonly accounts: number;
}): Promise<void> {
  for (const body of accountBodies(options.accounts, ACCOUNTS_PER_REQUEST)) {
    const response = await fetch(`${options.url}/v1/accounts/batch`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${options.key}`,
        'Idempotency-Key': randomUUID(),
        'Content-Type': 'application/json',
      },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: unknown) => {
      throw new Error(fetchFailure(options.url, error));
    });
    const text = await response.text();
    if (!response.ok)
      throw new Error(`the engine refused to open the accounts: ${response.status} ${text.slice(0, 500)}`);
  }
}
