/** Moves money in a draft, and says what that would break. */
import type { ExpectedLeg, Problem } from './expected.js';
import { type Account, available, type Draft, INT64_MAX, Kind, pendingIn, posted } from './state.js';

const PENDING = new Set<number>([Kind.pending, Kind.increment]);
const RELEASING = new Set<number>([Kind.capture, Kind.void, Kind.expiry]);
const POSTING = new Set<number>([Kind.posted, Kind.capture, Kind.reversal]);

function mustAccount(draft: Draft, book: number, name: string): Account {
  const one = draft.account(book, name);
  if (one === undefined) throw new Error(`the model moves money of ${name}, which it does not know`);
  return one;
}

/** The accounts of the legs, in order of first appearance, as they are when the money has moved. */
export function moved(draft: Draft, book: number, kind: number, legs: readonly ExpectedLeg[]): Account[] {
  const accounts = new Map<string, { -readonly [K in keyof Account]: Account[K] }>();
  const at = (name: string): { -readonly [K in keyof Account]: Account[K] } => {
    let one = accounts.get(name);
    if (one === undefined) {
      one = { ...mustAccount(draft, book, name) };
      one.version++;
      accounts.set(name, one);
    }
    return one;
  };
  const posts = POSTING.has(kind);
  const holds = PENDING.has(kind);
  const releases = RELEASING.has(kind);
  for (const { debit, credit, amount, released } of legs) {
    const from = at(debit);
    const to = at(credit);
    if (posts) {
      from.debitsPosted += amount;
      to.creditsPosted += amount;
    }
    if (!holds && !releases) continue;
    const held = holds ? amount : -(amount + released);
    from.debitsPending += held;
    to.creditsPending += held;
  }
  return [...accounts.values()];
}

/**
 * What moving it would break: no counter, posted and pending together, beyond 2^63−1; limits on the end state of all
 * legs, and only of accounts that it makes worse.
 */
export function broken(draft: Draft, after: readonly Account[], limits: boolean): Problem[] {
  const problems: Problem[] = [];
  for (const then of after) {
    const { book, name } = then;
    const overflows =
      then.debitsPosted + then.debitsPending > INT64_MAX || then.creditsPosted + then.creditsPending > INT64_MAX;
    if (overflows) problems.push({ code: 'amount_overflow', facts: {} });
    if (!limits || (then.min === null && then.max === null)) continue;
    const before = mustAccount(draft, book, name);
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
