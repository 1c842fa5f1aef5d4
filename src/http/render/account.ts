/** Accounts and the lines of their statements as JSON text. */
import type { NormalBalance } from '../../ledger/command.js';
import type { AccountDetails } from '../../ledger/details.js';
import type { Micros } from '../../ledger/record.js';
import { addsPending, addsPosted, takesPending } from '../../ledger/record.js';
import type { AccountView, EntryView, RecordView } from '../../ledger/view.js';
import { amountText, quote } from './text.js';
import { formatTime } from './time.js';
import { kindWord } from './transaction.js';

/** The four counters of an account, or a change of them. */
interface Counters {
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
}

/**
 * An account with its balances: GET /v1/accounts/{name}, also `?at=`.
 * @param view its `metadata` must have been read (not undefined)
 */
export function renderAccount(view: AccountView): string {
  return `{${settingsFields(settingsOf(view))},"version":${view.version},"created_at":"${formatTime(view.openedAt)}","balances":${balances(view, view.normalBalance)},"sequence":${view.sequence}}`;
}

/** `?as_of=`: what was posted by effective time, and as of which sequence it was computed. */
export function renderAccountAsOf(view: AccountView, posted: bigint, asOf: Micros, sequence: number): string {
  return `{${settingsFields(settingsOf(view))},"as_of":"${formatTime(asOf)}","balances":{"posted":${amountText(posted)}},"sequence":${sequence}}`;
}

/**
 * The answer to what opens or changes an account: its settings after the record, without balances, since a replay is
 * rendered from the record alone. Gives the same bytes as {@link renderAccountRecord} of that record.
 */
export function renderAccountSettings(view: AccountView): string {
  return `{${settingsFields(settingsOf(view))},"sequence":${view.sequence}}`;
}

/** The same from the record that opened, changed, closed, reopened or confirmed the account. */
export function renderAccountRecord(record: RecordView, currencyCode: (number: number) => string): string {
  const details = JSON.parse(record.details ?? '{}') as AccountDetails;
  const settings: Settings = {
    name: details.name,
    currency: currencyCode(details.currency),
    normalBalance: details.normal_balance,
    open: details.open,
    minBalance: details.min_balance === null ? null : BigInt(details.min_balance),
    maxBalance: details.max_balance === null ? null : BigInt(details.max_balance),
    configVersion: details.config_version,
    metadata: details.metadata,
  };
  return `{${settingsFields(settings)},"sequence":${record.sequence}}`;
}

interface Settings {
  readonly name: string;
  readonly currency: string;
  readonly normalBalance: NormalBalance;
  readonly open: boolean;
  readonly minBalance: bigint | null;
  readonly maxBalance: bigint | null;
  readonly configVersion: number;
  readonly metadata: unknown;
}

function settingsOf(view: AccountView): Settings {
  if (view.metadata === undefined) throw new Error(`the metadata of ${view.name} was not read`);
  // Parsed here too, so that view and record give the same text where parsing moves number-like keys.
  return { ...view, metadata: view.metadata === null ? null : (JSON.parse(view.metadata) as unknown) };
}

function settingsFields(settings: Settings): string {
  const metadata =
    settings.metadata === null || settings.metadata === undefined
      ? ''
      : `,"metadata":${JSON.stringify(settings.metadata)}`;
  return (
    `"name":"${settings.name}","currency":${quote(settings.currency)},"normal_balance":"${settings.normalBalance}"` +
    `,"status":"${settings.open ? 'open' : 'closed'}","min_balance":${limit(settings.minBalance)},"max_balance":${limit(settings.maxBalance)}` +
    `${metadata},"config_version":${settings.configVersion}`
  );
}

function limit(value: bigint | null): string {
  return value === null ? 'null' : amountText(value);
}

function balances(counters: Counters, side: NormalBalance): string {
  const { posted, pendingIn, pendingOut } = signed(counters, side);
  return `{"posted":${amountText(posted)},"pending_in":${amountText(pendingIn)},"pending_out":${amountText(pendingOut)},"available":${amountText(posted - pendingOut)}}`;
}

/** As the account's normal balance shows them. */
function signed(counters: Counters, side: NormalBalance): { posted: bigint; pendingIn: bigint; pendingOut: bigint } {
  const { debitsPosted, creditsPosted, debitsPending, creditsPending } = counters;
  return side === 'credit'
    ? { posted: creditsPosted - debitsPosted, pendingIn: creditsPending, pendingOut: debitsPending }
    : { posted: debitsPosted - creditsPosted, pendingIn: debitsPending, pendingOut: creditsPending };
}

/** A line of the account's statement: what a record changed, and the balances after it. */
export function renderEntry(
  entry: EntryView,
  account: Pick<AccountView, 'name' | 'normalBalance'>,
  id: string,
  parentId: string | null,
): string {
  const { record } = entry;
  const createdAt = formatTime(record.recordedAt);
  const effectiveAt = record.effectiveAt === 0 ? createdAt : formatTime(record.effectiveAt);
  const { posted, pendingIn, pendingOut } = signed(changeOf(record, account.name), account.normalBalance);
  return (
    `{"transaction":"${id}","kind":"${kindWord(record.kind)}"${parentId === null ? '' : `,"parent":"${parentId}"`}` +
    `,"version":${entry.version}` +
    `,"change":{"posted":${amountText(posted)},"pending_in":${amountText(pendingIn)},"pending_out":${amountText(pendingOut)}}` +
    `,"balances":${balances(entry, account.normalBalance)}` +
    (record.reference === null ? '' : `,"reference":${quote(record.reference)}`) +
    (record.description === null ? '' : `,"description":${quote(record.description)}`) +
    (record.metadata === null ? '' : `,"metadata":${record.metadata}`) +
    `,"created_at":"${createdAt}","effective_at":"${effectiveAt}","sequence":${record.sequence}}`
  );
}

/** What the legs of a record did to the counters of one account. */
function changeOf(record: RecordView, name: string): Counters {
  const change = { debitsPosted: 0n, creditsPosted: 0n, debitsPending: 0n, creditsPending: 0n };
  for (const leg of record.legs) {
    const posted = addsPosted(record.kind) ? leg.amount : 0n;
    let pending = addsPending(record.kind) ? leg.amount : 0n;
    if (takesPending(record.kind)) pending -= leg.amount + leg.released;
    if (leg.debit === name) {
      change.debitsPosted += posted;
      change.debitsPending += pending;
    }
    if (leg.credit === name) {
      change.creditsPosted += posted;
      change.creditsPending += pending;
    }
  }
  return change;
}
