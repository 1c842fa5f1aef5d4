/** Items of batches, and how they are sent. */
import { expect } from 'vitest';
import type { ApiAnswer } from '../../support/api.js';
import { freshKey, type Leg, leg, type Merchant } from './merchant.js';

export const BATCH_PATH = '/v1/transactions/batch';
export const ITEMS_MAX = 8192;

export interface Item {
  readonly idempotency_key?: string;
  readonly legs: readonly Leg[];
  readonly [field: string]: unknown;
}

export const item = (debit: string, credit: string, amount: number | string, more: object = {}): Item => ({
  idempotency_key: freshKey(),
  legs: [leg(debit, credit, amount)],
  open_accounts: true,
  ...more,
});

export const send = (m: Merchant, transactions: readonly unknown[], more: object = {}) =>
  m.post(BATCH_PATH, { transactions, ...more }, { key: null });

export interface Outcome {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tests are the schema here
  readonly transaction?: any;
  // biome-ignore lint/suspicious/noExplicitAny: the tests are the schema here
  readonly error?: any;
}

export async function outcomes(m: Merchant, transactions: readonly unknown[]): Promise<readonly Outcome[]> {
  const answer = await send(m, transactions);
  expect(answer.status, answer.text.slice(0, 500)).toBe(200);
  expect(Object.keys(answer.body)).toEqual(['data']);
  expect(answer.body.data).toHaveLength(transactions.length);
  for (const { status, error } of answer.body.data) {
    if (error === undefined) continue;
    m.problems.checkBody(error);
    expect(error.status).toBe(status);
  }
  return answer.body.data;
}

/** All or none, under one key. */
export function sendAtomic(m: Merchant, transactions: readonly Item[], key = freshKey()): Promise<ApiAnswer> {
  const bare = transactions.map(({ idempotency_key: _, ...rest }) => rest);
  return m.post(BATCH_PATH, { atomic: true, transactions: bare }, { key });
}
