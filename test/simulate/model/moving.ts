/** Moves money in a draft, and says what that would break. */
import type { ExpectedLeg, Problem } from './expected.js';
import { type Account, available, type Draft, INT64_MAX, Kind, pendingIn, posted } from './state.js';

const PENDING = new Set<number>([Kind.pending, Kind.increment]);
const RELEASING = new Set<number>([Kind.capture, Kind.void, Kind.expiry]);
const POSTING = new Set<number>([Kind.posted, Kind.capture, Kind.reversal]);

/** The accounts of legs, each once, in order of first appearance. */
export function touched(legs: readonly ExpectedLeg[]): string[] {
  return [...new Set(legs.flatMap((leg) => [leg.debit, leg.credit]))];
}

function after(kind: number, one: Account, legs: readonly ExpectedLeg[]): Account {
  let { debitsPosted, creditsPosted, debitsPending, creditsPending } = one;
  for (const leg of legs) {
    const byPosted = POSTING.has(kind) ? leg.amount : 0n;
    const byPending = (PENDING.has(kind) ? leg.amount : 0n) - (RELEASING.has(kind) ? leg.amount + leg.released : 0n);
    if (leg.debit === one.name) {
      debitsPosted += byPosted;
      debitsPending += byPending;
    }
    if (leg.credit === one.name) {
      creditsPosted += byPosted;
      creditsPending += byPending;
    }
  }
  return { ...one, debitsPosted, creditsPosted, debitsPending, creditsPending, version: one.version + 1 };
}

function mustAccount(draft: Draft, book: number, name: string): Account {
  const one = draft.account(book, name);
  if (one === undefined) throw new Error(`the model moves money of ${name}, which it does not know`);
  return one;
}

/** Moves it, whatever comes of it. */
export function move(draft: Draft, book: number, kind: number, legs: readonly ExpectedLeg[]): void {
  for (const name of touched(legs)) draft.putAccount(after(kind, mustAccount(draft, book, name), legs));
}

/**
 * What moving it would break: no counter, posted and pending together, beyond 2^63−1; limits on the end state of all
 * legs, and only of accounts that it makes worse.
 */
export function broken(
  draft: Draft,
  book: number,
  kind: number,
  legs: readonly ExpectedLeg[],
  limits: boolean,
): Problem[] {
  const problems: Problem[] = [];
  for (const name of touched(legs)) {
    const before = mustAccount(draft, book, name);
    const then = after(kind, before, legs);
    const overflows =
      then.debitsPosted + then.debitsPending > INT64_MAX || then.creditsPosted + then.creditsPending > INT64_MAX;
    if (overflows) problems.push({ code: 'amount_overflow', facts: {} });
    if (!limits) continue;
    if (then.min !== null && available(then) < available(before) && available(then) < then.min) {
      problems.push({ code: 'insufficient_funds', facts: {}, about: name });
    }
    const promised = posted(then) + pendingIn(then);
    if (then.max !== null && promised > posted(before) + pendingIn(before) && promised > then.max) {
      problems.push({ code: 'balance_limit_exceeded', facts: {}, about: name });
    }
  }
  return problems;
}
