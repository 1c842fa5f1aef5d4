/** Captures, voids, increments, reversals and expiries of earlier transactions. */
import type { ActionRequest } from '../../../src/engine/wire/messages.js';
import { type Decision, type ExpectedLeg, type ExpectedRow, type Problem, plainRow } from './expected.js';
import { broken, moved } from './moving.js';
import type { Moment } from './posting.js';
import { first } from './precedence.js';
import {
  Draft,
  INT64_MAX,
  isOpenHold,
  Kind,
  type LedgerView,
  rest,
  reversible,
  statusOf,
  type Transaction,
  type TransactionLeg,
} from './state.js';

const FORCE = 1;
const FINAL = 2;

const KINDS = { capture: Kind.capture, void: Kind.void, increment: Kind.increment, reverse: Kind.reversal } as const;

/** Sums by currency number: what `parent_state` says by code. */
export interface ParentState {
  readonly status: string;
  readonly captured: ReadonlyMap<number, bigint>;
  readonly remaining: ReadonlyMap<number, bigint>;
  readonly released: ReadonlyMap<number, bigint>;
  readonly reversed: ReadonlyMap<number, bigint>;
}

export function parentState(parent: Transaction): ParentState {
  const sums = (of: (leg: TransactionLeg) => bigint): Map<number, bigint> => {
    const byCurrency = new Map<number, bigint>();
    for (const leg of parent.legs) byCurrency.set(leg.currency, (byCurrency.get(leg.currency) ?? 0n) + of(leg));
    return byCurrency;
  };
  return {
    status: statusOf(parent),
    captured: sums((leg) => leg.captured),
    remaining: sums(rest),
    released: sums((leg) => leg.released),
    reversed: sums((leg) => leg.reversed),
  };
}

/** What one leg of the parent gives to an action. */
interface Share {
  readonly leg: number;
  readonly amount: bigint;
  readonly released: bigint;
}

export function decideAction(ledger: LedgerView, request: ActionRequest, at: Moment): Decision {
  const parent = ledger.transaction(request.parent);
  if (parent === undefined || parent.book !== at.book) {
    return { problem: { code: 'unknown_transaction', facts: {} }, parent: 0 };
  }
  const problem = first([...stateProblems(request, parent), ...legProblems(request, parent)]);
  if (problem !== null) return { problem: withState(problem, parent), parent: parent.position };
  const draft = new Draft(ledger);
  const kind = KINDS[request.type];
  const legs = legsOf(request, parent);
  const later = first(effectProblems(draft, request, parent, legs, at.book));
  if (later !== null) return { problem: withState(later, parent), parent: parent.position };
  const then = acted(draft, parent, kind, legs, at.book);
  const { reference, description, metadata } = request;
  const row: ExpectedRow = {
    ...plainRow(kind),
    parent: parent.position,
    flags:
      (request.type === 'capture' && request.final ? FINAL : 0) |
      (request.type === 'reverse' && request.force ? FORCE : 0),
    effectiveAt: at.now,
    legs,
    details: { parent_state: parentState(then) },
    texts: { reference, description, metadata },
    answers: true,
  };
  draft.putTransaction({ position: at.position, book: at.book, kind, expiresAt: 0, legs: [], lastRelease: 'none' });
  return { problem: null, rows: [row], draft };
}

const withState = (problem: Problem, parent: Transaction): Problem =>
  problem.code === 'not_actionable' ? problem : { ...problem, facts: { parent_state: parentState(parent) } };

const isParent = ({ kind }: Transaction): boolean => kind === Kind.posted || kind === Kind.pending;

function stateProblems({ type }: ActionRequest, parent: Transaction): Problem[] {
  if (!isParent(parent)) return [{ code: 'not_actionable', facts: {} }];
  if (type === 'reverse') {
    const none = parent.legs.every((leg) => reversible(parent, leg) === 0n);
    return none ? [{ code: 'nothing_to_reverse', facts: {} }] : [];
  }
  if (parent.kind === Kind.posted) return [{ code: 'transaction_not_pending', facts: {} }];
  return isOpenHold(parent) ? [] : [{ code: 'transaction_closed', facts: {} }];
}

/** What of a leg an action may take at most. */
const mostOf = (type: ActionRequest['type'], parent: Transaction, leg: TransactionLeg): bigint =>
  type === 'reverse' ? reversible(parent, leg) : rest(leg);

/** The legs that the request names: with one leg `amount` is enough. */
function namedIn({ amount, legs }: ActionRequest): readonly { readonly leg: number; readonly amount: bigint }[] {
  return amount === 0n ? legs.map((one) => ({ leg: one.leg, amount: BigInt(one.amount) })) : [{ leg: 0, amount }];
}

function legProblems(request: ActionRequest, parent: Transaction): Problem[] {
  if (!isParent(parent)) return [];
  const { type, amount, legs } = request;
  const problems: Problem[] = [];
  const invalid: Problem = { code: 'invalid_leg', facts: {} };
  if (amount !== 0n && (legs.length > 0 || parent.legs.length > 1)) problems.push(invalid);
  if (type === 'increment' && amount === 0n && legs.length === 0) problems.push(invalid);
  const seen = new Set<number>();
  for (const named of namedIn(request)) {
    const leg = parent.legs[named.leg];
    if (leg === undefined || seen.has(named.leg)) {
      problems.push(invalid);
      continue;
    }
    seen.add(named.leg);
    const most = mostOf(type, parent, leg);
    if (type === 'increment') {
      if (most === 0n || named.amount === 0n) problems.push(invalid);
    } else if (named.amount > most || most === 0n) {
      problems.push({
        code: type === 'reverse' ? 'amount_exceeds_reversible' : 'amount_exceeds_remaining',
        facts: {},
      });
    }
  }
  return problems;
}

function sharesOf(request: ActionRequest, parent: Transaction): Share[] {
  const named = namedIn(request);
  const taken = new Map<number, bigint>();
  for (const { leg, amount } of named) {
    const most = mostOf(request.type, parent, parent.legs[leg] as TransactionLeg);
    taken.set(leg, amount === 0n ? most : amount);
  }
  if (named.length === 0) {
    parent.legs.forEach((leg, index) => {
      const most = mostOf(request.type, parent, leg);
      if (most > 0n) taken.set(index, most);
    });
  }
  const shares = [...taken].map(([leg, amount]): Share => {
    if (request.type === 'void') return { leg, amount: 0n, released: amount };
    const final = request.type === 'capture' && request.final;
    return { leg, amount, released: final ? rest(parent.legs[leg] as TransactionLeg) - amount : 0n };
  });
  if (request.type === 'capture' && request.final) {
    // The last capture lets go of everything else, also of legs that it does not name.
    parent.legs.forEach((leg, index) => {
      if (!taken.has(index) && rest(leg) > 0n) shares.push({ leg: index, amount: 0n, released: rest(leg) });
    });
  }
  return shares;
}

function legsOf(request: ActionRequest, parent: Transaction): ExpectedLeg[] {
  return sharesOf(request, parent).map(({ leg, amount, released }) => {
    const { debit, credit, currency } = parent.legs[leg] as TransactionLeg;
    const turned = request.type === 'reverse';
    return { leg, debit: turned ? credit : debit, credit: turned ? debit : credit, currency, amount, released };
  });
}

/** Only what holds or posts anew is judged: captures within their hold and voids never are. */
function effectProblems(
  draft: Draft,
  request: ActionRequest,
  parent: Transaction,
  legs: readonly ExpectedLeg[],
  book: number,
): Problem[] {
  if (request.type === 'capture' || request.type === 'void') return [];
  const problems: Problem[] = [];
  for (const { leg, debit, credit, amount } of legs) {
    for (const name of [debit, credit]) {
      if (draft.account(book, name)?.open === false) problems.push({ code: 'account_closed', facts: {}, about: name });
    }
    const { held } = parent.legs[leg] as TransactionLeg;
    if (request.type === 'increment' && held + amount > INT64_MAX)
      problems.push({ code: 'amount_overflow', facts: {} });
  }
  const limits = !(request.type === 'reverse' && request.force);
  return [...problems, ...broken(draft, moved(draft, book, KINDS[request.type], legs), limits)];
}

/** Moves the money and the parent on. @returns the parent as it is then */
function acted(
  draft: Draft,
  parent: Transaction,
  kind: number,
  legs: readonly ExpectedLeg[],
  book: number,
): Transaction {
  for (const account of moved(draft, book, kind, legs)) draft.putAccount(account);
  const byLeg = new Map(legs.map((leg) => [leg.leg, leg]));
  const releases = kind !== Kind.increment && kind !== Kind.reversal && legs.some(({ released }) => released > 0n);
  const then: Transaction = {
    ...parent,
    lastRelease: !releases ? parent.lastRelease : kind === Kind.expiry ? 'expiry' : 'void',
    legs: parent.legs.map((leg, index) => {
      const by = byLeg.get(index);
      if (by === undefined) return leg;
      if (kind === Kind.increment) return { ...leg, held: leg.held + by.amount };
      if (kind === Kind.reversal) return { ...leg, reversed: leg.reversed + by.amount };
      return { ...leg, captured: leg.captured + by.amount, released: leg.released + by.released };
    }),
  };
  draft.putTransaction(then);
  return then;
}

/** A hold lapses: all that is left of it goes back. */
export function expire(ledger: LedgerView, hold: Transaction, at: Moment): Decision {
  const draft = new Draft(ledger);
  const legs = hold.legs.flatMap((leg, index): ExpectedLeg[] =>
    rest(leg) === 0n
      ? []
      : [{ leg: index, debit: leg.debit, credit: leg.credit, currency: leg.currency, amount: 0n, released: rest(leg) }],
  );
  const then = acted(draft, hold, Kind.expiry, legs, at.book);
  draft.putTransaction({
    position: at.position,
    book: at.book,
    kind: Kind.expiry,
    expiresAt: 0,
    legs: [],
    lastRelease: 'none',
  });
  const row: ExpectedRow = {
    ...plainRow(Kind.expiry),
    parent: hold.position,
    effectiveAt: at.now,
    legs,
    details: { parent_state: parentState(then) },
  };
  return { problem: null, rows: [row], draft };
}
