/** Opening, changing, closing and reopening accounts. */

import type {
  ChangeAccountRequest,
  CloseAccountRequest,
  OpenAccountsRequest,
} from '../../../src/engine/wire/messages.js';
import type { AccountSettings, NewAccount } from '../../../src/ledger/command.js';
import { type Decision, type ExpectedRow, type Problem, plainRow } from './expected.js';
import { first } from './precedence.js';
import { type Account, Draft, Kind, type LedgerView, pendingIn, pendingOut, posted, type Settings } from './state.js';

/** JSON text in one spelling, so that texts can be compared. */
export function canonicalJson(text: string | null | undefined): string | null {
  if (text === null || text === undefined) return null;
  return sorted(JSON.parse(text) as unknown);
}

export function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`;
  if (value === null || typeof value !== 'object') {
    return typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? 'undefined');
  }
  const fields = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, one]) => `${JSON.stringify(name)}:${sorted(one)}`).join(',')}}`;
}

const asBigint = (amount: bigint | number | null): bigint | null => (amount === null ? null : BigInt(amount));

/** Without a word about it an account may not be overdrawn, unless it stands for the world outside. */
export function settingsFrom(name: string, wanted: AccountSettings): Settings {
  const usualMin = name.startsWith('external/') ? null : 0n;
  return {
    normal: wanted.normal_balance ?? 'credit',
    min: wanted.min_balance === undefined ? usualMin : asBigint(wanted.min_balance),
    max: wanted.max_balance === undefined ? null : asBigint(wanted.max_balance),
    metadata: canonicalJson(wanted.metadata),
  };
}

/** What an account's record says of it. */
export const detailsOf = (one: Account): Record<string, unknown> => ({
  name: one.name,
  currency: one.currency,
  normal_balance: one.normal,
  min_balance: one.min === null ? null : one.min.toString(),
  max_balance: one.max === null ? null : one.max.toString(),
  config_version: one.configVersion,
  open: one.open,
  metadata: one.metadata === null ? null : (JSON.parse(one.metadata) as unknown),
});

const accountRow = (kind: number, one: Account, answers: boolean): ExpectedRow => ({
  ...plainRow(kind),
  account: one.name,
  details: detailsOf(one),
  answers,
});

export function openedRow(
  draft: Draft,
  book: number,
  name: string,
  currency: number,
  wanted: AccountSettings,
): ExpectedRow {
  const opened = settingsFrom(name, wanted);
  const one: Account = {
    number: draft.accountCount + 1,
    book,
    name,
    currency,
    ...opened,
    open: true,
    version: 0,
    configVersion: 1,
    debitsPosted: 0n,
    creditsPosted: 0n,
    debitsPending: 0n,
    creditsPending: 0n,
    opened,
  };
  draft.putAccount(one);
  return accountRow(Kind.accountOpened, one, false);
}

export function decideOpen(ledger: LedgerView, request: OpenAccountsRequest, book: number): Decision {
  const draft = new Draft(ledger);
  const missing = new Set(
    request.accounts.filter(({ name }) => ledger.account(book, name) === undefined).map(({ name }) => name),
  );
  if (missing.size > 0 && ledger.accountCount + missing.size > ledger.configuration.accountsMax) {
    return { problem: { code: 'accounts_full', facts: {} }, parent: 0 };
  }
  const rows: ExpectedRow[] = [];
  for (const wanted of request.accounts) {
    const row = openOrConfirm(draft, book, wanted);
    if (row === null) return { problem: { code: 'account_exists', facts: {}, about: wanted.name }, parent: 0 };
    rows.push({ ...row, answers: !request.batch });
  }
  if (!request.batch) return { problem: null, rows, draft };
  const head = { ...plainRow(Kind.batch), details: { count: rows.length }, answers: true };
  return { problem: null, rows: [head, ...rows], draft };
}

function openOrConfirm(draft: Draft, book: number, wanted: NewAccount): ExpectedRow | null {
  const known = draft.account(book, wanted.name);
  if (known === undefined) return openedRow(draft, book, wanted.name, wanted.currency, wanted);
  const asked = settingsFrom(wanted.name, wanted);
  const { opened } = known;
  const same =
    known.currency === wanted.currency &&
    opened.normal === asked.normal &&
    opened.min === asked.min &&
    opened.max === asked.max &&
    opened.metadata === asked.metadata;
  return same ? accountRow(Kind.accountConfirmed, known, false) : null;
}

export function decideChange(ledger: LedgerView, request: ChangeAccountRequest, book: number): Decision {
  const known = ledger.account(book, request.account);
  const early = notAsExpected(known, request);
  if (known === undefined || early !== null) return { problem: early ?? unknown(request.account), parent: 0 };
  return settled(ledger, Kind.accountChanged, {
    ...known,
    min: request.min_balance === undefined ? known.min : asBigint(request.min_balance),
    max: request.max_balance === undefined ? known.max : asBigint(request.max_balance),
    metadata: request.metadata === undefined ? known.metadata : canonicalJson(request.metadata),
  });
}

export function decideCloseOrReopen(ledger: LedgerView, request: CloseAccountRequest, book: number): Decision {
  const known = ledger.account(book, request.account);
  const early = notAsExpected(known, request);
  if (known === undefined || early !== null) return { problem: early ?? unknown(request.account), parent: 0 };
  const closes = request.type === 'close_account';
  const problems: Problem[] = [];
  const about = request.account;
  if (closes && !known.open) problems.push({ code: 'account_closed', facts: {}, about });
  if (!closes && known.open) problems.push({ code: 'account_not_closed', facts: {}, about });
  const isEmpty = posted(known) === 0n && pendingIn(known) === 0n && pendingOut(known) === 0n;
  if (closes && !isEmpty) problems.push({ code: 'account_not_empty', facts: {}, about });
  const problem = first(problems);
  if (problem !== null) return { problem, parent: 0 };
  return settled(ledger, closes ? Kind.accountClosed : Kind.accountReopened, { ...known, open: !closes });
}

const unknown = (account: string): Problem => ({ code: 'unknown_account', facts: {}, about: account });

function notAsExpected(
  known: Account | undefined,
  { account, ifMatch }: ChangeAccountRequest | CloseAccountRequest,
): Problem | null {
  if (known === undefined) return unknown(account);
  if (ifMatch === undefined || ifMatch === known.configVersion) return null;
  return { code: 'precondition_failed', facts: { config_version: known.configVersion }, about: account };
}

function settled(ledger: LedgerView, kind: number, changed: Account): Decision {
  const one = { ...changed, configVersion: changed.configVersion + 1 };
  const draft = new Draft(ledger);
  draft.putAccount(one);
  return { problem: null, rows: [accountRow(kind, one, true)], draft };
}
