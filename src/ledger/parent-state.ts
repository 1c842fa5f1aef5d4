/** `parent_state` in details and answers: a transaction's sums by currency code. */
import type { CurrencyTable } from './currency.js';
import type { ActionDetails, AmountsByCurrency } from './details.js';
import { type Parent, type ParentLeg, remainingOf } from './parent.js';

export function parentState(parent: Parent, currencies: CurrencyTable): ActionDetails['parent_state'] {
  const sums = (of: (leg: ParentLeg) => bigint): AmountsByCurrency => {
    const byCode: Record<string, bigint> = {};
    for (const leg of parent.legs) {
      const code = currencies.byNumber(leg.currency)?.code ?? String(leg.currency);
      byCode[code] = (byCode[code] ?? 0n) + of(leg);
    }
    return Object.fromEntries(Object.entries(byCode).map(([code, amount]) => [code, amount.toString()]));
  };
  return {
    status: parent.status,
    captured: sums((leg) => leg.captured),
    remaining: sums(remainingOf),
    released: sums((leg) => leg.released),
    reversed: sums((leg) => leg.reversed),
  };
}

export const actionDetails = (parent: Parent, currencies: CurrencyTable): string =>
  JSON.stringify({ parent_state: parentState(parent, currencies) } satisfies ActionDetails);
