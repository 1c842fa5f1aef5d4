/** What the contract demands of a command on a state, at a time. */

import type { SimulatedCommand } from '../history.js';
import { decideChange, decideCloseOrReopen, decideOpen } from './accounts.js';
import { decideAction } from './acting.js';
import type { Decision } from './expected.js';
import { decideBatch, decidePost, type Moment, namesIn } from './posting.js';
import type { LedgerView, ModelLedger } from './state.js';

type Reading = 'read_account' | 'read_head' | 'read_statement' | 'list_accounts';
export type WritingCommand = Exclude<SimulatedCommand, { readonly type: Reading }>;

const READING: ReadonlySet<string> = new Set<Reading>(['read_account', 'read_head', 'read_statement', 'list_accounts']);

export const isWriting = (command: SimulatedCommand): command is WritingCommand => !READING.has(command.type);

export const isDryRun = (command: SimulatedCommand): boolean => 'dryRun' in command && command.dryRun;

export function decide(ledger: LedgerView, command: WritingCommand, at: Moment): Decision {
  switch (command.type) {
    case 'post':
      return decidePost(ledger, command, at);
    case 'capture':
    case 'void':
    case 'increment':
    case 'reverse':
      return decideAction(ledger, command, at);
    case 'open_accounts':
      return decideOpen(ledger, command, at.book);
    case 'change_account':
      return decideChange(ledger, command, at.book);
    case 'close_account':
    case 'reopen_account':
      return decideCloseOrReopen(ledger, command, at.book);
    case 'atomic_batch':
      return decideBatch(ledger, command.items, at);
  }
}

/** The accounts whose due holds a command must see expired. */
export function touchedBy(ledger: LedgerView, command: WritingCommand, book: number): ReadonlySet<string> {
  switch (command.type) {
    case 'post':
      return namesIn(command);
    case 'atomic_batch':
      return new Set(command.items.flatMap((item) => [...namesIn(item)]));
    case 'capture':
    case 'void':
    case 'increment':
    case 'reverse': {
      const parent = ledger.transaction(command.parent);
      if (parent === undefined || parent.book !== book) return new Set();
      return new Set(parent.legs.flatMap(({ debit, credit }) => [debit, credit]));
    }
    case 'change_account':
    case 'close_account':
    case 'reopen_account':
      return new Set([command.account]);
    case 'open_accounts':
      return new Set();
  }
}

/** How far beyond its time a key may still be counted against the bounds: they are kept in slices of a window. */
const slackOf = (keyWindow: number): number => keyWindow / 8 + 2_000_000;

/** Whether one more key of the book has room: for certain, certainly not, or either, by how finely keys are counted. */
export function roomForKey(ledger: ModelLedger, book: number, now: number): 'yes' | 'no' | 'either' {
  const { keysMax, keysGuaranteed } = ledger.configuration;
  const books = Math.max(1, ledger.sequences.size);
  const guaranteed = Math.min(keysGuaranteed, Math.floor(keysMax / books));
  const hasRoom = (slack: number): boolean => {
    const own = keysCounted(ledger.keyTimes.get(book) ?? [], now - slack);
    if (own < guaranteed) return true;
    let common = 0;
    for (const times of ledger.keyTimes.values()) common += Math.max(0, keysCounted(times, now - slack) - guaranteed);
    return common < keysMax - guaranteed * books;
  };
  let total = 0;
  for (const times of ledger.keyTimes.values()) total += times.length;
  // As many as there ever were would have room.
  if (total < guaranteed || total < keysMax - guaranteed * books) return 'yes';
  const strict = hasRoom(0);
  return strict === hasRoom(slackOf(ledger.keyWindowMax)) ? (strict ? 'yes' : 'no') : 'either';
}

function keysCounted(times: readonly { readonly until: number }[], after: number): number {
  let keys = 0;
  for (const { until } of times) if (until > after) keys++;
  return keys;
}
