import type { Micros } from '../../ledger/record.js';
import type { AccountView, EntryView, RecordView } from '../../ledger/view.js';

/** An account with its balances: GET /v1/accounts/{name}, also `?at=`. `metadata` must have been read. */
export function renderAccount(_view: AccountView): string {
  throw new Error('not built yet');
}

/** `?as_of=`: what was posted by effective time, and as of which sequence it was computed. */
export function renderAccountAsOf(_view: AccountView, _posted: bigint, _asOf: Micros, _sequence: number): string {
  throw new Error('not built yet');
}

/**
 * The answer to what opens or changes an account: its settings after the record, without balances, since a replay is
 * rendered from the record alone. Takes the fresh view, or the record: both give the same bytes.
 */
export function renderAccountSettings(_view: AccountView): string {
  throw new Error('not built yet');
}
export function renderAccountRecord(_record: RecordView, _currencyCode: (number: number) => string): string {
  throw new Error('not built yet');
}

/** A line of the account's statement. */
export function renderEntry(
  _entry: EntryView,
  _account: Pick<AccountView, 'name' | 'normalBalance'>,
  _id: string,
  _parentId: string | null,
): string {
  throw new Error('not built yet');
}
