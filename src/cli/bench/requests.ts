/** The requests of a bench: ready-made texts with a hole for the number that makes each idempotency key unique. */
import { randomBytes } from 'node:crypto';
import type { RequestTemplate } from './load.js';
import { NUMBER_LENGTH, RUN_LENGTH } from './load.js';

export interface Workload {
  /** Of the server, such as http://127.0.0.1:8080. */
  readonly url: string;
  /** API keys, one for each merchant; requests are spread evenly over them. */
  readonly keys: readonly string[];
  /** Accounts of each merchant that are credited, from 1. */
  readonly accounts: number;
}

/** Debited by every transaction: without a lower limit, and as hot as an account can be. */
export const OUTSIDE_ACCOUNT = 'external/bench';
const CURRENCY = 'EUR';
/** Stands once in the answer to a batch for each item that was posted. */
export const POSTED_IN_BATCH = '"status":201';
/** Different requests for each key, at least this many transactions: enough to spread the accounts. */
const TEMPLATES_PER_KEY = 256;
/** Stands where the number goes, in no other text. */
const HOLE = '\u0000';

export const accountName = (index: number): string => `bench/${String(index).padStart(6, '0')}`;

/** A new start of keys. */
export const newRun = (): string => randomBytes(RUN_LENGTH / 2).toString('hex');

/** `POST /v1/transactions`, one leg. */
export function singleRequests(workload: Workload): RequestTemplate[] {
  return templates(workload, TEMPLATES_PER_KEY, (next) => ({
    path: '/v1/transactions',
    headers: `Idempotency-Key: ${HOLE}\r\n`,
    body: `{"legs":[${leg(next())}]}`,
  }));
}

/** `POST /v1/transactions/batch`: independent items. */
export function batchRequests(workload: Workload, items: number): RequestTemplate[] {
  const item = (index: number, account: number): string =>
    `{"idempotency_key":"${HOLE}-${String(index).padStart(4, '0')}","legs":[${leg(account)}]}`;
  return templates(workload, Math.max(2, Math.ceil(TEMPLATES_PER_KEY / items)), (next) => ({
    path: '/v1/transactions/batch',
    headers: '',
    body: `{"transactions":[${Array.from({ length: items }, (_, index) => item(index, next())).join(',')}]}`,
  }));
}

/** Bodies of `POST /v1/accounts/batch` that open all accounts of one merchant; as it was opened before, it is confirmed. */
export function accountBodies(accounts: number, perBody: number): string[] {
  const all = [OUTSIDE_ACCOUNT, ...Array.from({ length: accounts }, (_, index) => accountName(index + 1))];
  const bodies: string[] = [];
  for (let from = 0; from < all.length; from += perBody) {
    const items = all.slice(from, from + perBody).map((name) => `{"name":"${name}","currency":"${CURRENCY}"}`);
    bodies.push(`{"accounts":[${items.join(',')}]}`);
  }
  return bodies;
}

const leg = (account: number): string =>
  `{"debit":"${OUTSIDE_ACCOUNT}","credit":"${accountName(account)}","amount":125,"currency":"${CURRENCY}"}`;

interface Parts {
  readonly path: string;
  readonly headers: string;
  readonly body: string;
}

/** Keys in turn, so that all merchants (and with them all shards) are loaded at any time. */
function templates(workload: Workload, perKey: number, make: (nextAccount: () => number) => Parts): RequestTemplate[] {
  let account = 0;
  const next = (): number => {
    // A step that shares no factor with common numbers of accounts, so that neighbours in time are not neighbours in memory.
    account = (account + 7919) % workload.accounts;
    return account + 1;
  };
  const { host } = new URL(workload.url);
  const made: RequestTemplate[] = [];
  for (let round = 0; round < perKey; round++) {
    for (const key of workload.keys) made.push(template(host, key, make(next)));
  }
  return made;
}

function template(host: string, key: string, { path, headers, body }: Parts): RequestTemplate {
  const holes = body.split(HOLE).length - 1;
  const length = body.length - holes * HOLE.length + holes * NUMBER_LENGTH;
  const text =
    `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${key}\r\n${headers}` +
    `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`;
  return { pieces: text.split(HOLE) };
}
