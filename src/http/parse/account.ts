/** The bodies of POST /v1/accounts, POST /v1/accounts/batch and PATCH /v1/accounts/{name}. */

import type { ChangeAccountRequest, OpenAccountsRequest } from '../../engine/wire/messages.js';
import type { NewAccount } from '../../ledger/command.js';
import type { BodyValue } from '../types.js';
import { checkLimits, readSettings } from './account-settings.js';
import type { ParseContext } from './context.js';
import { Faults } from './faults.js';
import type { Fields } from './fields.js';
import { objectAt } from './fields.js';
import { readCurrency } from './post.js';

export const ACCOUNTS_MAX = 8192;

/** A PATCH's body without the account and If-Match, which stand elsewhere in the request. */
type ParsedAccountPatch = Omit<ChangeAccountRequest, 'account' | 'ifMatch' | 'type'>;

/** @throws RequestProblem the first problem by the error table, then by place */
export function parseAccount(value: BodyValue, context: ParseContext): OpenAccountsRequest {
  const faults = new Faults();
  const account = readAccount(value, '', context, faults);
  faults.throwFirst();
  return { type: 'open_accounts', accounts: [account], batch: false };
}

/** @throws RequestProblem the first problem by the error table, then by place */
export function parseAccounts(value: BodyValue, context: ParseContext): OpenAccountsRequest {
  const faults = new Faults();
  const accounts: NewAccount[] = [];
  const fields = objectAt(value, '', faults, 'The body');
  if (fields !== null) {
    fields.require('accounts');
    for (const [key, member] of fields.members) {
      if (key === 'accounts') readAccounts(fields, member, context, accounts);
      else fields.unknown(key);
    }
  }
  faults.throwFirst();
  return { type: 'open_accounts', accounts, batch: true };
}

function readAccounts(fields: Fields, value: BodyValue, context: ParseContext, into: NewAccount[]): void {
  const names = new Set<string>();
  const items = fields.array('accounts', value, 1, ACCOUNTS_MAX) ?? [];
  items.forEach((item, index) => {
    const at = `/accounts/${index}`;
    const account = readAccount(item, at, context, fields.faults);
    if (names.has(account.name))
      fields.faults.add('invalid_field', `${at}/name`, 'Each account stands once in a batch.');
    if (account.name !== '') names.add(account.name);
    into.push(account);
  });
}

function readAccount(value: BodyValue, at: string, context: ParseContext, faults: Faults): NewAccount {
  const fields = objectAt(value, at, faults, at === '' ? 'The body' : 'An account');
  if (fields === null) return { name: '', currency: 0 };
  fields.require('name');
  fields.require('currency');
  const name = fields.members.get('name');
  const currency = fields.members.get('currency');
  const settings = readSettings(fields, ['name', 'currency']);
  return {
    name: name === undefined ? '' : (fields.accountName('name', name) ?? ''),
    currency: currency === undefined ? 0 : readCurrency(fields, currency, context),
    ...settings,
  };
}

/** @throws RequestProblem the first problem by the error table, then by place */
export function parseAccountPatch(value: BodyValue): ParsedAccountPatch {
  const faults = new Faults();
  const patch: { -readonly [K in keyof ParsedAccountPatch]: ParsedAccountPatch[K] } = {};
  const fields = objectAt(value, '', faults, 'The body');
  if (fields !== null) {
    if (fields.members.size === 0) faults.add('invalid_field', '', 'Name at least one field to change.');
    for (const [key, member] of fields.members) readChange(patch, fields, key, member);
    checkLimits(fields, patch.min_balance, patch.max_balance);
  }
  faults.throwFirst();
  return patch;
}

function readChange(
  patch: { -readonly [K in keyof ParsedAccountPatch]: ParsedAccountPatch[K] },
  fields: Fields,
  key: string,
  value: BodyValue,
): void {
  if (key === 'min_balance' || key === 'max_balance') {
    const limit = fields.limit(key, value);
    if (limit !== undefined) patch[key] = limit;
  } else if (key === 'metadata') {
    const metadata = value === null ? null : fields.metadata(value);
    if (metadata !== undefined) patch.metadata = metadata;
  } else fields.unknown(key);
}

/**
 * The body of POST /v1/accounts/{name}/close and reopen: none, or an object without fields.
 * @throws RequestProblem
 */
export function parseEmpty(value: BodyValue): void {
  const faults = new Faults();
  const fields = value === null ? null : objectAt(value, '', faults, 'The body');
  for (const key of fields?.members.keys() ?? []) fields?.unknown(key);
  faults.throwFirst();
}
