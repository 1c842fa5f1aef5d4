/**
 * The fold: what a record does to the state. Applying a command and replaying a log both end here, and this is the only
 * place where counters change. Nothing is decided here; what does not fit is a bug or a damaged log.
 */
import { accountConfig } from './account-details.js';
import { AccountFlags, type Accounts, Counter } from './accounts.js';
import { assert } from './assert.js';
import type { LedgerSettings } from './command.js';
import { DistinctAccounts } from './distinct.js';
import { isNegative, wordsOf } from './int64.js';
import type { LogRecord } from './record.js';
import { addsPending, addsPosted, isAction, isTransaction, RecordKind, takesPending } from './record.js';
import type { LedgerState } from './state.js';

export function fold(state: LedgerState, record: LogRecord): void {
  assert(record.position === state.head + 1, 'positions of the log are gapless');
  assert(record.recordedAt >= state.lastRecordedAt, 'recorded times never go back');
  if (isTransaction(record.kind)) foldTransaction(state, record);
  else foldOther(state, record);
  if (record.book !== 0 && record.kind !== RecordKind.merchantOpened) {
    assert(record.sequence === state.books.sequence(record.book) + 1, 'sequences of a book are gapless');
    state.books.setSequence(record.book, record.sequence);
  } else assert(record.sequence === 0, 'a record of the shard itself has no sequence');
  if (record.keyed) foldKey(state, record);
  state.head = record.position;
  state.lastRecordedAt = record.recordedAt;
  state.chain.add(record);
}

/** Notes what every record changes, once at the beginning of a unit; a unit belongs to one book. */
export function noteUnit(state: LedgerState, book: number): void {
  const { head, lastRecordedAt, chain } = state;
  const chainValue = chain.value;
  const sequence = state.books.sequence(book);
  state.journal.note(() => {
    state.head = head;
    state.lastRecordedAt = lastRecordedAt;
    chain.value = chainValue;
    state.books.setSequence(book, sequence);
  });
}

function foldKey(state: LedgerState, record: LogRecord): void {
  const { position, book, recordedAt } = record;
  state.keys.remember(record.keyHash, book, position, recordedAt, recordedAt + state.settings.keyWindow);
  if (!state.journal.active) return;
  const hash = record.keyHash.slice();
  state.journal.note(() => {
    state.keys.undo(hash, book, position);
  });
}

const distinct = new DistinctAccounts();
const sum = new BigInt64Array(1);
const sumWords = wordsOf(sum);

function foldTransaction(state: LedgerState, record: LogRecord): void {
  const { accounts } = state;
  assert(record.legCount > 0, 'a transaction has legs');
  distinct.clear();
  for (let leg = 0; leg < record.legCount; leg++) {
    const debit = record.debit[leg] as number;
    const credit = record.credit[leg] as number;
    assert(debit !== credit, 'a leg has two accounts');
    assert(
      debit > 0 && debit <= accounts.count && credit > 0 && credit <= accounts.count,
      'accounts of a leg are open',
    );
    // The two accounts of one leg are different.
    if (record.legCount === 1 || distinct.add(debit)) touch(state, debit);
    if (record.legCount === 1 || distinct.add(credit)) touch(state, credit);
    move(accounts, debit, Counter.debitsPosted, record, leg);
    move(accounts, credit, Counter.creditsPosted, record, leg);
  }
  if (record.kind === RecordKind.pending) openHold(state, record);
  else if (isAction(record.kind)) act(state, record);
}

/** Once a record and account, however many legs. */
function touch(state: LedgerState, account: number): void {
  const { accounts, journal } = state;
  if (journal.active) {
    const counters = [
      accounts.counter(account, Counter.debitsPosted),
      accounts.counter(account, Counter.creditsPosted),
      accounts.counter(account, Counter.debitsPending),
      accounts.counter(account, Counter.creditsPending),
    ] as const;
    const version = accounts.version(account);
    journal.note(() => {
      accounts.setCounters(account, [...counters], version);
    });
  }
  accounts.bumpVersion(account);
}

/** `posted` names the counter of the side; the pending one stands two further on. */
function move(accounts: Accounts, account: number, posted: Counter, record: LogRecord, leg: number): void {
  const counters = accounts.counters(account);
  const at = accounts.counterIndex(account) + posted;
  const { kind, amount, released } = record;
  if (addsPosted(kind)) {
    sum[0] = counters[at] = BigInt.asIntN(64, (counters[at] as bigint) + (amount[leg] as bigint));
    assert(!isNegative(sumWords, 0), 'posted counters stay below 2^63');
  }
  if (addsPending(kind)) {
    sum[0] = counters[at + 2] = BigInt.asIntN(64, (counters[at + 2] as bigint) + (amount[leg] as bigint));
    assert(!isNegative(sumWords, 0), 'pending counters stay below 2^63');
  }
  if (takesPending(kind)) {
    counters[at + 2] = BigInt.asIntN(64, (counters[at + 2] as bigint) - (amount[leg] as bigint));
    sum[0] = counters[at + 2] = BigInt.asIntN(64, (counters[at + 2] as bigint) - (released[leg] as bigint));
    assert(!isNegative(sumWords, 0), 'nothing leaves pending that was not held');
  }
}

function openHold(state: LedgerState, record: LogRecord): void {
  const hold = state.parents.open(record);
  if (state.journal.active) {
    state.journal.note(() => {
      state.parents.drop(hold);
    });
  }
}

function act(state: LedgerState, record: LogRecord): void {
  const parent = state.parents.get(record.parent);
  if (parent === undefined) {
    // Replay of a reversal: what it acts on lies before the state that was loaded, and its counters are in the record.
    assert(record.kind === RecordKind.reversal, 'open holds are in memory');
    return;
  }
  assert(parent.book === record.book, 'an action stays in the book of its parent');
  if (state.journal.active) {
    const restore = parent.restorer();
    state.journal.note(() => {
      state.parents.undo(parent, restore);
    });
  }
  state.parents.act(parent, record);
}

function foldOther(state: LedgerState, record: LogRecord): void {
  switch (record.kind) {
    case RecordKind.accountOpened:
      openAccount(state, record);
      return;
    case RecordKind.accountChanged:
    case RecordKind.accountClosed:
    case RecordKind.accountReopened:
      changeAccount(state, record);
      return;
    case RecordKind.merchantOpened:
      state.books.add(record.book, 0);
      state.keys.setBooks(state.books.count);
      return;
    case RecordKind.configured:
      state.configure(JSON.parse(detailsOf(record)) as LedgerSettings, record.position);
      return;
    case RecordKind.refused:
    case RecordKind.accountConfirmed:
    case RecordKind.batch:
      return;
    default:
      throw new Error(`the log holds a record of kind ${record.kind}, which this program does not know`);
  }
}

function detailsOf(record: LogRecord): string {
  assert(record.details !== null, 'the record has details');
  return record.details;
}

function openAccount(state: LedgerState, record: LogRecord): void {
  const { accounts, journal } = state;
  const { position, book, recordedAt } = record;
  const number = accounts.open(accountConfig(detailsOf(record), book, position, position, recordedAt));
  assert(number === record.debit[0], 'accounts are numbered in log order');
  if (!journal.active) return;
  journal.note(() => {
    accounts.dropLast();
  });
}

function changeAccount(state: LedgerState, record: LogRecord): void {
  const { accounts, journal } = state;
  const number = record.debit[0] as number;
  assert(number > 0 && number <= accounts.count && accounts.book(number) === record.book, 'the account is there');
  if (journal.active) {
    const before = accounts.changeable(number);
    journal.note(() => {
      accounts.change(number, before);
    });
  }
  const opened = accounts.openedPosition(number);
  const config = accountConfig(detailsOf(record), record.book, record.position, opened, accounts.openedAt(number));
  assert(config.configVersion === accounts.configVersion(number) + 1, 'config versions are gapless');
  accounts.change(number, config);
  assert(accounts.flag(number, AccountFlags.closed) !== config.open, 'an account is open or closed');
}
