/**
 * What stands in a record's `details` column, as JSON. 64-bit amounts are strings of digits, so that nothing rounds.
 * Keys stand in the order given here; a text that was recorded is never rewritten.
 */
import type { NormalBalance } from './command.js';
import type { TransactionStatus } from './view.js';

/** accountOpened, accountChanged, accountClosed, accountReopened, accountConfirmed: the whole settings after it. */
export interface AccountDetails {
  readonly name: string;
  /** Number of the currency. */
  readonly currency: number;
  readonly normal_balance: NormalBalance;
  readonly min_balance: string | null;
  readonly max_balance: string | null;
  readonly config_version: number;
  readonly open: boolean;
  readonly metadata: unknown;
}

/** Sums by currency code; numbers as strings of digits. */
export type AmountsByCurrency = Readonly<Record<string, string>>;

/** capture, void, increment, expiry, reversal: how the parent stands after this record. */
export interface ActionDetails {
  readonly parent_state: {
    readonly status: TransactionStatus;
    readonly captured: AmountsByCurrency;
    readonly remaining: AmountsByCurrency;
    readonly released: AmountsByCurrency;
    readonly reversed: AmountsByCurrency;
  };
}

/** batch: how many records of this book follow it in the unit. */
export interface BatchDetails {
  readonly count: number;
}

export interface MerchantDetails {
  readonly merchant: string;
  readonly environment: 'test' | 'live';
}
