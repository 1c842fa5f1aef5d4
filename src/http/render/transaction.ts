/**
 * Transactions as JSON text. Answers to a fresh request and to its replay are made from the record alone, so both are
 * the same bytes whatever happened since; GET shows how the transaction stands now.
 */
import type { PostRequest } from '../../engine/wire/messages.js';
import type { AmountsByCurrency } from '../../ledger/details.js';
import type { Micros } from '../../ledger/record.js';
import { RecordKind, takesPending } from '../../ledger/record.js';
import type { LegState, LegView, RecordView, TransactionStatus, TransactionView } from '../../ledger/view.js';
import { amountText, quote, sumsText } from './text.js';
import { formatTime } from './time.js';

/** What a recorded answer says of a fresh posting. */
interface PostedFacts {
  readonly sequence: number;
  readonly recordedAt: Micros;
  readonly expiresAt: Micros;
}

const KIND_WORDS: Readonly<Partial<Record<RecordKind, string>>> = {
  [RecordKind.posted]: 'transaction',
  [RecordKind.pending]: 'transaction',
  [RecordKind.capture]: 'capture',
  [RecordKind.void]: 'void',
  [RecordKind.increment]: 'increment',
  [RecordKind.expiry]: 'expiry',
  [RecordKind.reversal]: 'reversal',
};

/** What a record of a transaction is called in public. */
export function kindWord(kind: RecordKind): string {
  const word = KIND_WORDS[kind];
  if (word === undefined) throw new Error(`a record of kind ${kind} is not a transaction`);
  return word;
}

/**
 * A fresh posting, from what was asked: the same bytes as {@link renderRecord} gives of its record later. On the hot
 * path, so it is one concatenation without objects between.
 */
export function renderPosted(request: PostRequest, facts: PostedFacts, id: string): string {
  const createdAt = formatTime(facts.recordedAt);
  let legs = '';
  for (const leg of request.legs) {
    const comma = legs === '' ? '' : ',';
    legs += `${comma}{"debit":"${leg.debit}","credit":"${leg.credit}","amount":${amountText(leg.amount)},"currency":${quote(leg.currencyCode)}}`;
  }
  const status = request.pending ? 'pending' : 'posted';
  const effectiveAt = request.effectiveAt === 0 ? createdAt : formatTime(request.effectiveAt);
  const expires = facts.expiresAt === 0 ? '' : `,"expires_at":"${formatTime(facts.expiresAt)}"`;
  return (
    `{"id":"${id}","kind":"transaction","status":"${status}","legs":[${legs}]` +
    texts(request.reference, request.description, request.metadata) +
    `,"created_at":"${createdAt}","effective_at":"${effectiveAt}"${expires}` +
    (request.pending ? freshSums(request.legs) : '') +
    `,"sequence":${facts.sequence}}`
  );
}

/** What the sums of a new hold are: all of it remains. */
function freshSums(legs: PostRequest['legs']): string {
  const held = new Map<string, bigint>();
  for (const { currencyCode, amount } of legs) held.set(currencyCode, (held.get(currencyCode) ?? 0n) + BigInt(amount));
  return heldSums(held);
}

function heldSums(held: ReadonlyMap<string, bigint>): string {
  const zero = sumsText(new Map([...held.keys()].map((currency) => [currency, 0n])));
  return `,"captured":${zero},"remaining":${sumsText(held)},"released":${zero},"reversed":${zero}`;
}

function texts(reference: string | null, description: string | null, metadata: string | null): string {
  return (
    (reference === null ? '' : `,"reference":${quote(reference)}`) +
    (description === null ? '' : `,"description":${quote(description)}`) +
    // Recorded as JSON text; it goes out as it came in.
    (metadata === null ? '' : `,"metadata":${metadata}`)
  );
}

/**
 * A transaction as of its own record: the body of a 201 and of its replay. Actions show `parent_state`.
 * @param id null for a dry run: nothing was recorded
 * @param parentId the public id of `record.parent`, for actions
 */
export function renderRecord(record: RecordView, id: string | null, parentId: string | null): string {
  const isHold = record.kind === RecordKind.pending;
  const sums = isHold ? heldSums(sumsOf(record.legs, (_, leg) => leg.amount)) : '';
  return render(record, id, parentId, isHold ? 'pending' : 'posted', recordLegs(record), sums + parentState(record));
}

/** A transaction as it stands now: the body of GET. */
export function renderTransaction(view: TransactionView, id: string, parentId: string | null): string {
  const { record } = view;
  if (record.kind === RecordKind.posted) {
    const reversed = sumsText(stateSums(view, 'reversed'));
    return render(record, id, parentId, view.status, stateLegs(view, ['reversed']), `,"reversed":${reversed}`);
  }
  if (record.kind !== RecordKind.pending) return renderRecord(record, id, parentId);
  let sums = '';
  for (const part of STATE_PARTS) sums += `,"${part}":${sumsText(stateSums(view, part))}`;
  return render(record, id, parentId, view.status, stateLegs(view, STATE_PARTS), sums);
}

const STATE_PARTS = ['captured', 'remaining', 'released', 'reversed'] as const satisfies readonly (keyof LegState)[];

function render(
  record: RecordView,
  id: string | null,
  parentId: string | null,
  status: TransactionStatus,
  legs: string,
  tail: string,
): string {
  const createdAt = formatTime(record.recordedAt);
  const effectiveAt = record.effectiveAt === 0 ? createdAt : formatTime(record.effectiveAt);
  const expires = record.expiresAt === 0 ? '' : `,"expires_at":"${formatTime(record.expiresAt)}"`;
  return (
    `{"id":${id === null ? 'null' : `"${id}"`},"kind":"${kindWord(record.kind)}"` +
    (parentId === null ? '' : `,"parent":"${parentId}"`) +
    `,"status":"${status}","legs":[${legs}]` +
    texts(record.reference, record.description, record.metadata) +
    `,"created_at":"${createdAt}","effective_at":"${effectiveAt}"${expires}${tail},"sequence":${record.sequence}}`
  );
}

/** Legs as recorded. Those of an action say which leg of the parent they are about, and what was let go. */
function recordLegs(record: RecordView): string {
  const isParent = record.kind === RecordKind.posted || record.kind === RecordKind.pending;
  const releases = takesPending(record.kind);
  return record.legs
    .map((leg) => {
      const index = isParent ? '' : `"leg":${leg.leg},`;
      const released = releases ? `,"released":${amountText(leg.released)}` : '';
      return `{${index}${legFields(leg)}${released}}`;
    })
    .join(',');
}

/** Names are of characters that need no escape. */
function legFields(leg: LegView): string {
  return `"debit":"${leg.debit}","credit":"${leg.credit}","amount":${amountText(leg.amount)},"currency":${quote(leg.currency)}`;
}

function stateLegs(view: TransactionView, parts: readonly (keyof LegState)[]): string {
  return view.record.legs
    .map((leg, i) => {
      const state = view.legs[i];
      const shown = parts.map((part) => `,"${part}":${amountText(state?.[part] ?? 0n)}`).join('');
      return `{${legFields(leg)}${shown}}`;
    })
    .join(',');
}

function stateSums(view: TransactionView, part: keyof LegState): ReadonlyMap<string, bigint> {
  return sumsOf(view.record.legs, (i) => view.legs[i]?.[part] ?? 0n);
}

function sumsOf(legs: readonly LegView[], amount: (index: number, leg: LegView) => bigint): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  legs.forEach((leg, i) => {
    sums.set(leg.currency, (sums.get(leg.currency) ?? 0n) + amount(i, leg));
  });
  return sums;
}

/** From an action's details: how its parent stood right after it. */
function parentState(record: RecordView): string {
  if (record.details === null) return '';
  const state = parentStateText((JSON.parse(record.details) as { parent_state?: unknown }).parent_state);
  return state === null ? '' : `,"parent_state":${state}`;
}

/** The state of a transaction as details hold it (strings of digits by currency), as it is shown; null if it is not one. */
export function parentStateText(state: unknown): string | null {
  if (typeof state !== 'object' || state === null || !('status' in state)) return null;
  const stored = state as { readonly status: string } & Readonly<Record<string, unknown>>;
  // All sums name the same currencies, so that one of them being nothing does not change its form.
  const currencies = new Set(STATE_PARTS.flatMap((part) => Object.keys((stored[part] ?? {}) as AmountsByCurrency)));
  const sums = STATE_PARTS.map((part) => {
    const amounts = (stored[part] ?? {}) as AmountsByCurrency;
    const byCurrency = new Map([...currencies].map((currency) => [currency, BigInt(amounts[currency] ?? '0')]));
    return `,"${part}":${byCurrency.size === 0 ? '0' : sumsText(byCurrency)}`;
  });
  return `{"status":${quote(stored.status)}${sums.join('')}}`;
}
