/** Views of state and records, with names in place of numbers. */
import { AccountFlags, Counter } from './accounts.js';
import type { Parent } from './parent.js';
import type { LogRecord } from './record.js';
import { NO_TEXTS } from './record.js';
import type { LedgerState } from './state.js';
import { readTexts } from './texts.js';
import type { AccountView, LegView, RecordView, TransactionView } from './view.js';

export function accountView(state: LedgerState, number: number): AccountView {
  const { accounts } = state;
  const book = accounts.book(number);
  return {
    number,
    book,
    name: accounts.name(number),
    currency: currencyCode(state, accounts.currency(number)),
    normalBalance: accounts.normalBalance(number),
    open: accounts.isOpen(number),
    debitsPosted: accounts.counter(number, Counter.debitsPosted),
    creditsPosted: accounts.counter(number, Counter.creditsPosted),
    debitsPending: accounts.counter(number, Counter.debitsPending),
    creditsPending: accounts.counter(number, Counter.creditsPending),
    minBalance: accounts.minBalance(number),
    maxBalance: accounts.maxBalance(number),
    version: accounts.version(number),
    configVersion: accounts.configVersion(number),
    configPosition: accounts.configPosition(number),
    openedAt: accounts.openedAt(number),
    metadata: accounts.flag(number, AccountFlags.hasMetadata) ? undefined : null,
    sequence: state.books.sequence(book),
  };
}

export function recordView(state: LedgerState, record: LogRecord): RecordView {
  const legs: LegView[] = [];
  for (let leg = 0; leg < record.legCount; leg++) {
    legs.push({
      leg: record.leg[leg] as number,
      debit: state.accounts.name(record.debit[leg] as number),
      credit: state.accounts.name(record.credit[leg] as number),
      currency: currencyCode(state, record.currency[leg] as number),
      amount: record.amount[leg] as bigint,
      released: record.released[leg] as bigint,
    });
  }
  const { position, book, sequence, kind, recordedAt, flags, code, parent, effectiveAt, expiresAt, details } = record;
  return {
    position,
    book,
    sequence,
    kind,
    recordedAt,
    flags,
    code,
    parent,
    effectiveAt,
    expiresAt,
    legs,
    details,
    ...readTexts(record.texts),
    fingerprint: record.keyed ? `${record.fingerprintHi}:${record.fingerprintLo}` : null,
  };
}

export function transactionView(state: LedgerState, parent: Parent): TransactionView {
  const { position, book, sequence, kind, recordedAt, effectiveAt, expiresAt } = parent;
  const record: RecordView = {
    position,
    book,
    sequence,
    kind,
    recordedAt,
    flags: 0,
    code: 0,
    parent: 0,
    effectiveAt,
    expiresAt,
    legs: parent.legs.map((leg, index) => ({
      leg: index,
      debit: state.accounts.name(leg.debit),
      credit: state.accounts.name(leg.credit),
      currency: currencyCode(state, leg.currency),
      amount: leg.amount,
      released: 0n,
    })),
    details: null,
    ...readTexts(NO_TEXTS),
    fingerprint: null,
  };
  return { record, status: parent.status, legs: parent.legStates() };
}

function currencyCode(state: LedgerState, number: number): string {
  const currency = state.currencies.byNumber(number);
  if (currency === undefined) throw new Error(`the log names currency ${number}, which this program does not know`);
  return currency.code;
}
