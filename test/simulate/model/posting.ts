/** New transactions, posted at once or pending, and atomic batches of them. */

import type { LegRequest, PostRequest } from '../../../src/engine/wire/messages.js';
import type { AccountSettings, Condition } from '../../../src/ledger/command.js';
import { openedRow } from './accounts.js';
import { type Decision, type ExpectedLeg, type ExpectedRow, NO_TEXTS, type Problem, plainRow } from './expected.js';
import { broken, moved } from './moving.js';
import { first } from './precedence.js';
import { type Account, available, Draft, Kind, type LedgerView, pendingIn, pendingOut, posted } from './state.js';

/** When a command is decided, and the place of its first record. */
export interface Moment {
  readonly book: number;
  readonly now: number;
  readonly position: number;
}

const sidesOf = (legs: readonly LegRequest[]): { readonly name: string; readonly currency: number }[] =>
  legs.flatMap(({ debit, credit, currency }) => [
    { name: debit, currency },
    { name: credit, currency },
  ]);

function openWith(request: PostRequest, name: string): AccountSettings | null {
  const named = request.extras?.open;
  if (named !== undefined && Object.hasOwn(named, name)) return named[name] ?? {};
  return request.openAccounts ? {} : null;
}

/** All accounts that it moves or asks about. */
export function namesIn(request: PostRequest): Set<string> {
  const names = new Set(sidesOf(request.legs).map(({ name }) => name));
  for (const { account } of request.extras?.if ?? []) names.add(account);
  return names;
}

export function decidePost(ledger: LedgerView, request: PostRequest, at: Moment): Decision {
  const draft = new Draft(ledger);
  const made = post(draft, request, at, true);
  return 'code' in made ? { problem: made, parent: 0 } : { problem: null, rows: made, draft };
}

/** Into the draft, which is to be thrown away where a problem comes back. */
function post(draft: Draft, request: PostRequest, at: Moment, answers: boolean): Problem | ExpectedRow[] {
  const { book, now } = at;
  const problems: Problem[] = [];
  const opening: ExpectedRow[] = [];
  const openedNames = new Map<string, { readonly currency: number; readonly settings: AccountSettings }>();
  for (const { name, currency } of sidesOf(request.legs)) {
    if (draft.account(book, name) !== undefined || openedNames.has(name)) continue;
    const settings = openWith(request, name);
    if (settings === null) problems.push({ code: 'unknown_account', facts: {}, about: name });
    else openedNames.set(name, { currency, settings });
  }
  for (const { account } of request.extras?.if ?? []) {
    if (draft.account(book, account) !== undefined || openedNames.has(account)) continue;
    problems.push({ code: 'unknown_account', facts: {}, about: account });
  }
  const room = draft.configuration;
  if (openedNames.size > 0 && draft.accountCount + openedNames.size > room.accountsMax) {
    problems.push({ code: 'accounts_full', facts: {} });
  }
  if (request.pending && draft.openHolds >= room.openHoldsMax) problems.push({ code: 'holds_full', facts: {} });
  // Whoever is not there cannot be looked at any further.
  const early = first(problems);
  if (early !== null) return early;
  for (const [name, { currency, settings }] of openedNames) {
    opening.push(openedRow(draft, book, name, currency, settings));
  }
  const legs = request.legs.map(
    (leg, index): ExpectedLeg => ({
      leg: index,
      debit: leg.debit,
      credit: leg.credit,
      currency: leg.currency,
      amount: BigInt(leg.amount),
      released: 0n,
    }),
  );
  const kind = request.pending ? Kind.pending : Kind.posted;
  const after = moved(draft, book, kind, legs);
  const found = [
    ...dateProblems(draft, request, now),
    ...accountProblems(draft, request, book),
    ...conditionProblems(draft, request, book),
    ...broken(draft, after, true),
  ];
  const problem = first(found);
  if (problem !== null) return problem;
  for (const account of after) draft.putAccount(account);
  const expiresAt = request.pending ? now + (request.expiresIn === 0 ? room.holdDefault : request.expiresIn) : 0;
  draft.putTransaction({
    position: at.position + opening.length,
    book,
    kind,
    expiresAt,
    legs: legs.map(({ debit, credit, currency, amount }) => ({
      debit,
      credit,
      currency,
      amount,
      held: request.pending ? amount : 0n,
      captured: 0n,
      released: 0n,
      reversed: 0n,
    })),
    lastRelease: 'none',
  });
  const { reference, description, metadata } = request;
  return [
    ...opening,
    {
      ...plainRow(kind),
      effectiveAt: request.effectiveAt === 0 ? now : request.effectiveAt,
      expiresAt,
      legs,
      texts: { reference, description, metadata },
      answers,
    },
  ];
}

function dateProblems(draft: Draft, { effectiveAt }: PostRequest, now: number): Problem[] {
  if (effectiveAt === 0) return [];
  const { backdatingMax } = draft.configuration;
  const tooEarly = backdatingMax !== null && effectiveAt < now - backdatingMax;
  return effectiveAt > now || tooEarly ? [{ code: 'effective_at_out_of_range', facts: {} }] : [];
}

function accountProblems(draft: Draft, request: PostRequest, book: number): Problem[] {
  const problems: Problem[] = [];
  for (const { name, currency } of sidesOf(request.legs)) {
    const one = draft.account(book, name);
    if (one === undefined) continue;
    if (one.currency !== currency) problems.push({ code: 'currency_mismatch', facts: {}, about: name });
    if (!one.open) problems.push({ code: 'account_closed', facts: {}, about: name });
  }
  return problems;
}

const AMOUNTS: readonly (readonly ['posted' | 'pending_in' | 'pending_out' | 'available', (one: Account) => bigint])[] =
  [
    ['posted', posted],
    ['pending_in', pendingIn],
    ['pending_out', pendingOut],
    ['available', available],
  ];

function conditionProblems(draft: Draft, request: PostRequest, book: number): Problem[] {
  const problems: Problem[] = [];
  for (const condition of request.extras?.if ?? []) {
    const one = draft.account(book, condition.account);
    if (one === undefined) continue;
    const stale =
      (condition.version !== undefined && condition.version !== one.version) ||
      (condition.config_version !== undefined && condition.config_version !== one.configVersion);
    if (stale) problems.push({ code: 'version_conflict', facts: {}, about: one.name });
    if (AMOUNTS.some(([field, of]) => !holds(condition[field], of(one)))) {
      problems.push({ code: 'condition_failed', facts: {}, about: one.name });
    }
  }
  return problems;
}

function holds(test: Condition['posted'], actual: bigint): boolean {
  if (test === undefined) return true;
  const { eq, gt, gte, lt, lte } = test;
  if (eq !== undefined && actual !== BigInt(eq)) return false;
  if (gt !== undefined && actual <= BigInt(gt)) return false;
  if (gte !== undefined && actual < BigInt(gte)) return false;
  if (lt !== undefined && actual >= BigInt(lt)) return false;
  return lte === undefined || actual <= BigInt(lte);
}

/** All items or none; each is judged after those before it. */
export function decideBatch(ledger: LedgerView, items: readonly PostRequest[], at: Moment): Decision {
  const draft = new Draft(ledger);
  const rows: ExpectedRow[] = [];
  for (const [index, item] of items.entries()) {
    const made = post(draft, item, { ...at, position: at.position + 1 + rows.length }, false);
    if ('code' in made) return { problem: withinItem(made, `/transactions/${index}`), parent: 0 };
    rows.push(...made);
  }
  const head = { ...plainRow(Kind.batch), details: { count: rows.length }, texts: NO_TEXTS, answers: true };
  return { problem: null, rows: [head, ...rows], draft };
}

const withinItem = (problem: Problem, item: string): Problem => ({ ...problem, item });
