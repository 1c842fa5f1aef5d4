/**
 * Of all problems that a command has, the one that stands first in the table of errors is told. The model looks for all
 * of them and then chooses, where the engine looks in an order that should come to the same.
 */
import type { ErrorCode } from '../../../src/ledger/errors.js';
import type { Problem } from './expected.js';

/** The part of the table that a state machine can come to, first to last. */
const ORDER: readonly ErrorCode[] = [
  'key_window_full',
  'unknown_transaction',
  'unknown_account',
  'accounts_full',
  'holds_full',
  'account_exists',
  'precondition_failed',
  'not_actionable',
  'transaction_not_pending',
  'transaction_closed',
  'nothing_to_reverse',
  'invalid_leg',
  'amount_exceeds_remaining',
  'amount_exceeds_reversible',
  'effective_at_out_of_range',
  'currency_mismatch',
  'account_closed',
  'account_not_closed',
  'account_not_empty',
  'version_conflict',
  'condition_failed',
  'amount_overflow',
  'insufficient_funds',
  'balance_limit_exceeded',
];

const REMEMBERED_FROM = ORDER.indexOf('account_exists');

/** Decided on existing objects: the outcome of its key for good. All others leave nothing behind. */
export const isRemembered = (code: ErrorCode): boolean => ORDER.indexOf(code) >= REMEMBERED_FROM;

/** The first by the table; of several with the same code all that it may be said about. */
export function first(problems: readonly Problem[]): Problem | null {
  let best: Problem | null = null;
  for (const one of problems) {
    if (!ORDER.includes(one.code)) throw new Error(`${one.code} is not in the model's table`);
    if (best === null || ORDER.indexOf(one.code) < ORDER.indexOf(best.code)) best = one;
  }
  if (best === null) return null;
  const { code } = best;
  const abouts = problems.flatMap((one) => (one.code === code && one.about !== undefined ? [one.about] : []));
  return { ...best, abouts };
}
