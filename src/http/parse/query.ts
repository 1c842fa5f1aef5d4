import type { Micros } from '../../ledger/record.js';
import type { TransactionStatus } from '../../ledger/view.js';

export const LIMIT_DEFAULT = 50;
export const LIMIT_MAX = 1000;

interface Page {
  /** 1–1000. */
  readonly limit: number;
  readonly cursor: string | null;
}
export interface TransactionsQuery extends Page {
  readonly account: string | null;
  readonly reference: string | null;
  readonly status: TransactionStatus | null;
  /** `metadata[key]=value`: a member of the metadata, compared as text. */
  readonly metadata: { readonly key: string; readonly value: string } | null;
  /** created_at ≥ from, < to; µs. */
  readonly from: Micros | null;
  readonly to: Micros | null;
}
export interface AccountsQuery extends Page {
  readonly prefix: string | null;
}
export interface EntriesQuery extends Page {
  /** Only records that change what is posted. */
  readonly kind: 'posted' | null;
  readonly from: Micros | null;
  readonly to: Micros | null;
}
/** At most one of the two. */
export interface AccountQuery {
  readonly at: Micros | null;
  readonly asOf: Micros | null;
}

// All take the query as it stands in the request line, without "?". @throws RequestProblem `invalid_query`
export function parseTransactionsQuery(_query: string): TransactionsQuery {
  throw new Error('not built yet');
}
export function parseAccountsQuery(_query: string): AccountsQuery {
  throw new Error('not built yet');
}
export function parseEntriesQuery(_query: string): EntriesQuery {
  throw new Error('not built yet');
}
export function parseAccountQuery(_query: string): AccountQuery {
  throw new Error('not built yet');
}
/** For routes that take no query. */
export function parseNoQuery(_query: string): void {}
