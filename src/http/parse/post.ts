/** The body of POST /v1/transactions, and items of a batch. */

import type { LegRequest, PostRequest } from '../../engine/wire/messages.js';
import type { AccountSettings } from '../../ledger/command.js';
import { LEGS_MAX } from '../../ledger/record.js';
import { pointer } from '../body/pointer.js';
import type { BodyObject, BodyValue } from '../types.js';
import { readSettings } from './account-settings.js';
import { readConditions } from './conditions.js';
import type { ParseContext } from './context.js';
import { Faults } from './faults.js';
import type { Fields } from './fields.js';
import { objectAt } from './fields.js';
import { accountNameFault } from './name.js';

/** 365 days. */
export const EXPIRES_IN_SECONDS_MAX = 31_536_000;

const MICROS_PER_SECOND = 1_000_000;

/** Where the posting stands decides which of these it may have. */
type PostPlace = 'alone' | 'atomic item' | 'independent item';

/**
 * The body of POST /v1/transactions.
 * @throws RequestProblem the first problem by the error table, then by place
 */
export function parsePost(value: BodyValue, context: ParseContext): PostRequest {
  const faults = new Faults();
  const request = readPost(value, context, '', 'alone', faults);
  faults.throwFirst();
  return request;
}

/** Reads a posting at a place of the body. What it returns is of use only if nothing was added to `faults`. */
export function readPost(
  value: BodyValue,
  context: ParseContext,
  at: string,
  place: PostPlace,
  faults: Faults,
): PostRequest {
  const draft = newDraft();
  const fields = objectAt(value, at, faults, at === '' ? 'The body' : 'A transaction');
  if (fields === null) return draft;
  fields.require('legs');
  for (const [key, member] of fields.members) readField(draft, fields, key, member, context, place);
  if (draft.expiresIn !== 0 && !draft.pending) fields.invalid('expires_in', '"expires_in" goes with "pending": true.');
  checkOpen(draft, fields);
  return draft;
}

type Draft = { -readonly [K in keyof PostRequest]: PostRequest[K] };

/** Filled field by field; all have the shape of a PostRequest from the start. */
function newDraft(): Draft {
  return {
    legs: [],
    pending: false,
    expiresIn: 0,
    effectiveAt: 0,
    openAccounts: false,
    dryRun: false,
    reference: null,
    description: null,
    metadata: null,
    extras: null,
  };
}

function readField(
  draft: Draft,
  fields: Fields,
  key: string,
  value: BodyValue,
  context: ParseContext,
  place: PostPlace,
): void {
  switch (key) {
    case 'legs':
      draft.legs = readLegs(fields, value, context);
      return;
    case 'pending':
      draft.pending = fields.boolean(key, value) ?? false;
      return;
    case 'expires_in':
      draft.expiresIn = (fields.integer(key, value, 1, EXPIRES_IN_SECONDS_MAX) ?? 0) * MICROS_PER_SECOND;
      return;
    case 'effective_at':
      draft.effectiveAt = fields.time(key, value) ?? 0;
      return;
    case 'open_accounts':
      readOpen(draft, fields, value);
      return;
    case 'reference':
      draft.reference = fields.reference(value) ?? null;
      return;
    case 'description':
      draft.description = fields.description(value) ?? null;
      return;
    case 'metadata':
      draft.metadata = fields.metadata(value) ?? null;
      return;
    case 'if':
      readIf(draft, fields, value);
      return;
    case 'dry_run':
      if (place !== 'alone') fields.unknown(key);
      else draft.dryRun = fields.boolean(key, value) ?? false;
      return;
    case 'idempotency_key':
      // Read by the batch before; elsewhere keys stand in the header.
      if (place === 'independent item') return;
      fields.unknown(key);
      return;
    default:
      fields.unknown(key);
  }
}

function readLegs(fields: Fields, value: BodyValue, context: ParseContext): readonly LegRequest[] {
  const items = fields.array('legs', value, 1, LEGS_MAX) ?? [];
  const legs: LegRequest[] = [];
  for (let i = 0; i < items.length; i++) legs.push(readLeg(fields, items[i] as BodyValue, i, context));
  return legs;
}

function readLeg(parent: Fields, value: BodyValue, index: number, context: ParseContext): LegRequest {
  let debit = '';
  let credit = '';
  let amount: number | bigint = 0;
  let currency = 0;
  let currencyCode = '';
  // Built for each leg, since pointers of faults begin with it; short texts like this cost little beside the rest.
  const fields = objectAt(value, `${parent.at}/legs/${index}`, parent.faults, 'A leg');
  if (fields !== null) {
    requireAll(fields);
    for (const [key, member] of fields.members) {
      if (key === 'debit') debit = fields.accountName(key, member) ?? '';
      else if (key === 'credit') credit = fields.accountName(key, member) ?? '';
      else if (key === 'amount') amount = fields.amount(key, member) ?? 0;
      else if (key === 'currency') {
        currencyCode =
          typeof member === 'string' ? member : (fields.invalid(key, '"currency" is a code like "EUR".') ?? '');
        currency = readCurrency(fields, member, context);
      } else fields.unknown(key);
    }
    if (debit === credit && debit !== '') fields.invalid('credit', 'The two accounts of a leg differ.');
  }
  return { debit, credit, amount, currency, currencyCode };
}

function requireAll(fields: Fields): void {
  fields.require('debit');
  fields.require('credit');
  fields.require('amount');
  fields.require('currency');
}

/** The currency's number; 0 after adding a fault. */
export function readCurrency(fields: Fields, value: BodyValue, context: ParseContext): number {
  if (typeof value !== 'string') {
    fields.invalid('currency', '"currency" is a code like "EUR".');
    return 0;
  }
  const number = context.currency(value);
  if (number !== undefined) return number;
  fields.faults.add(
    'unknown_currency',
    fields.at + pointer('currency'),
    `The currency ${JSON.stringify(value.slice(0, 16))} is not known.`,
  );
  return 0;
}

function readIf(draft: Draft, fields: Fields, value: BodyValue): void {
  const conditions = readConditions(fields, value);
  if (conditions.length > 0) draft.extras = { ...draft.extras, if: conditions };
}

function readOpen(draft: Draft, fields: Fields, value: BodyValue): void {
  if (typeof value === 'boolean') {
    draft.openAccounts = value;
    return;
  }
  if (!(value instanceof Map)) {
    fields.invalid('open_accounts', '"open_accounts" is true, or an object of settings by account.');
    return;
  }
  // No prototype: every name is data.
  const open: Record<string, AccountSettings> = Object.create(null) as Record<string, AccountSettings>;
  for (const [name, settings] of value as BodyObject) {
    const at = fields.at + pointer('open_accounts', name);
    const fault = accountNameFault(name);
    if (fault !== null) fields.faults.add('invalid_field', at, fault);
    const inner = objectAt(settings, at, fields.faults, 'The settings of an account');
    if (inner !== null) open[name] = readSettings(inner, []);
  }
  if (value.size > 0) draft.extras = { ...draft.extras, open };
}

/** A name that no leg uses is a slip of the pen: refused rather than passed over. */
function checkOpen(draft: Draft, fields: Fields): void {
  if (draft.extras?.open === undefined) return;
  const used = new Set<string>();
  for (const leg of draft.legs) used.add(leg.debit).add(leg.credit);
  for (const name of Object.keys(draft.extras.open)) {
    if (used.has(name)) continue;
    fields.faults.add('invalid_field', fields.at + pointer('open_accounts', name), 'No leg uses this account.');
  }
}
