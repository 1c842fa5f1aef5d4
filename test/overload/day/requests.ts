/** What a day is made of, beside single postings and batches: holds that lapse, and reads. */
import type { RequestTemplate } from '../../../src/cli/bench/load.js';
import { accountName, OUTSIDE_ACCOUNT } from '../../../src/cli/bench/requests.js';
import type { Tenant, World } from '../world.js';

const HOLE = '\u0000';
const HOLD_SECONDS = 5;
const ACCOUNTS = 100;

export function holds(world: World, tenants: readonly Tenant[]): RequestTemplate[] {
  return each(tenants, (key, account) => {
    const leg = { debit: OUTSIDE_ACCOUNT, credit: account, amount: 100, currency: 'EUR' };
    const body = JSON.stringify({ legs: [leg], pending: true, expires_in: HOLD_SECONDS });
    return (
      `POST /v1/transactions HTTP/1.1\r\n${common(world, key)}Idempotency-Key: ${HOLE}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    );
  });
}

/** Balances from memory, and the newest entries from SQL. */
export function reads(world: World, tenants: readonly Tenant[]): RequestTemplate[] {
  return each(tenants, (key, account, index) => {
    const path = `/v1/accounts/${encodeURIComponent(account)}${index % 2 === 0 ? '' : '/entries?limit=10'}`;
    // Nobody looks at the number; a template has one.
    return `GET ${path} HTTP/1.1\r\n${common(world, key)}X-Number: ${HOLE}\r\n\r\n`;
  });
}

const common = ({ engine }: World, key: string): string =>
  `Host: ${new URL(engine.url).host}\r\nAuthorization: Bearer ${key}\r\n`;

function each(
  tenants: readonly Tenant[],
  make: (key: string, account: string, index: number) => string,
): RequestTemplate[] {
  return Array.from({ length: ACCOUNTS }, (_, index) => index + 1).flatMap((index) =>
    tenants.map(({ key }) => ({ pieces: make(key, accountName(index), index).split(HOLE) })),
  );
}
