/** `if`: conditions by account, judged against the state before the transaction. */
import type { AmountTest, Condition } from './command.js';
import { pointerPart, type Refusal, refusal } from './refusal.js';
import type { LedgerState } from './state.js';

const AMOUNTS = ['posted', 'pending_in', 'pending_out', 'available'] as const;
const VERSIONS = ['version', 'config_version'] as const;

/** @param find number of an account by name, 0 where there is none */
export function judgeConditions(
  state: LedgerState,
  conditions: readonly Condition[],
  find: (name: string) => number,
): Refusal | null {
  // Versions come first in the table of errors, over all accounts.
  for (const condition of conditions) {
    const conflict = judgeVersions(state, condition, find(condition.account));
    if (conflict !== null) return conflict;
  }
  for (const condition of conditions) {
    const failed = judgeAmounts(state, condition, find(condition.account));
    if (failed !== null) return failed;
  }
  return null;
}

function judgeVersions({ accounts }: LedgerState, condition: Condition, account: number): Refusal | null {
  for (const field of VERSIONS) {
    const wanted = condition[field];
    if (wanted === undefined) continue;
    const actual = field === 'version' ? accounts.version(account) : accounts.configVersion(account);
    if (wanted !== actual) return refusal('version_conflict', facts(condition.account, field, actual));
  }
  return null;
}

function judgeAmounts({ accounts }: LedgerState, condition: Condition, account: number): Refusal | null {
  for (const field of AMOUNTS) {
    const test = condition[field];
    if (test === undefined) continue;
    const actual = {
      posted: () => accounts.posted(account),
      pending_in: () => accounts.pendingIn(account),
      pending_out: () => accounts.pendingOut(account),
      available: () => accounts.available(account),
    }[field]();
    if (!holds(test, actual)) return refusal('condition_failed', facts(condition.account, field, actual.toString()));
  }
  return null;
}

const facts = (
  account: string,
  field: string,
  actual: string | number,
): Record<string, unknown> & { param: string } => ({
  param: `/if/${pointerPart(account)}/${field}`,
  account,
  [field]: actual,
});

function holds(test: AmountTest, actual: bigint): boolean {
  return (
    (test.eq === undefined || actual === test.eq) &&
    (test.gt === undefined || actual > test.gt) &&
    (test.gte === undefined || actual >= test.gte) &&
    (test.lt === undefined || actual < test.lt) &&
    (test.lte === undefined || actual <= test.lte)
  );
}
