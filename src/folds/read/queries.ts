/** What readers ask of a shard, and the shape of lists. */
import type { Micros } from '../../ledger/record.js';
import type { AccountView, EntryView, TransactionStatus, TransactionView } from '../../ledger/view.js';

export interface TransactionFilter {
  /** Name of an account that stands on one of its legs. */
  readonly account?: string;
  readonly reference?: string;
  /** Actions (captures, voids, …) are always `posted`. */
  readonly status?: TransactionStatus;
  /** A string at the top of its metadata. */
  readonly metadata?: { readonly key: string; readonly value: string };
  /** Recorded at or after. */
  readonly from?: Micros;
  /** Recorded before. */
  readonly to?: Micros;
}

/** A part of a list, and where the next begins. Work is bounded, so `data` may be short, even empty, before the end. */
export interface Page<Item, Cursor> {
  readonly data: readonly Item[];
  /** null: there is nothing more. */
  readonly next: Cursor | null;
}

/** Newest first; `next` is the sequence that the following page stays below. */
export type TransactionPage = Page<TransactionView, number>;
/** In log order; `next` is the sequence that the following page stays above. */
export type EntryPage = Page<EntryView, number>;
/** By name, in order of its bytes; `next` is the name that the following page stays above. */
export type AccountPage = Page<AccountView, string>;

export interface TransactionQuery {
  readonly filter: TransactionFilter;
  /** Only sequences below; absent: from the newest. */
  readonly before?: number;
  readonly limit: number;
}

export interface EntryQuery {
  readonly kind?: 'posted';
  /** Only sequences above; absent: from the account's first. */
  readonly after?: number;
  readonly limit: number;
}

export interface AccountQuery {
  readonly prefix?: string;
  /** Only names above. */
  readonly after?: string;
  readonly limit: number;
}

/** What an account's posted counters were by effective date, and the sequence at which this was true. */
export interface AccountAsOf {
  readonly account: AccountView;
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly sequence: number;
}
