/** Reads: the state as it was at one place of the log, committed, and not older than what was told before they were sent. */
import type { AccountView } from '../../../src/ledger/view.js';
import type { Answered, Operation } from '../history.js';
import { show } from './compare.js';
import type { HistoryIndex } from './index.js';
import type { Account } from './state.js';
import type { Walk } from './walk.js';

type Complain = (rule: string, said: string, expected: string) => void;
type AccountAnswer = Extract<Answered['answer'], { type: 'account' }>;
type HeadAnswer = Extract<Answered['answer'], { type: 'head' }>;

/** @returns whether the sequence is one that may have been read */
function judgePlace(
  index: HistoryIndex,
  operation: Operation,
  answered: Answered,
  sequence: number,
  complain: Complain,
): boolean {
  const positions = index.positionsOf.get(operation.book) ?? [];
  const position = sequence === 0 ? 0 : positions[sequence - 1];
  const committed = index.committedAt(answered.step - 1);
  if (position === undefined || position > committed) {
    const said = `sequence ${sequence}, position ${position ?? 'none'}`;
    complain('no_dirty_reads', said, `one that is committed: up to position ${committed}`);
    return false;
  }
  const told = index.toldBefore(operation.engine, operation.step);
  const next = positions[sequence];
  if (next !== undefined && next <= told) {
    complain('reads_not_older', `sequence ${sequence}`, `at least ${sequence + 1}, of which somebody had been told`);
    return false;
  }
  return true;
}

export function judgeAccount(
  index: HistoryIndex,
  walk: Walk,
  operation: Operation,
  answered: Answered,
  answer: AccountAnswer,
  complain: Complain,
): void {
  const { command } = operation;
  if (command.type !== 'read_account') return;
  if (!judgePlace(index, operation, answered, answer.sequence, complain)) return;
  const position = index.positionsOf.get(operation.book)?.[answer.sequence - 1] ?? 0;
  if (position > walk.agreedTo) return;
  const then = walk.accountAt(operation.book, command.account, answer.sequence);
  if (answer.account === null || then === null) {
    if (answer.account === null && then === null) return;
    complain('read_is_a_state', `${command.account}: ${show(answer.account)}`, `at ${answer.sequence}: ${show(then)}`);
    return;
  }
  if (answer.account.name !== command.account || answer.account.book !== operation.book) {
    complain('answers_match', `account ${answer.account.name}`, `account ${command.account}`);
    return;
  }
  const difference = viewDifference(answer.account, then);
  if (difference !== null) complain('read_is_a_state', `at ${answer.sequence}: ${difference[0]}`, difference[1]);
}

export function judgeHead(
  index: HistoryIndex,
  operation: Operation,
  answered: Answered,
  answer: HeadAnswer,
  complain: Complain,
): void {
  if (!judgePlace(index, operation, answered, answer.sequence, complain)) return;
  const positions = index.positionsOf.get(operation.book) ?? [];
  const after = index.row(positions[answer.sequence - 1] ?? 0)?.recordedAt ?? 0;
  const before = index.row(positions[answer.sequence] ?? 0)?.recordedAt ?? Number.POSITIVE_INFINITY;
  if (answer.recordedAt < after || answer.recordedAt > before) {
    complain('read_is_a_state', `head at ${answer.recordedAt}`, `between ${after} and ${before}`);
  }
}

/** What differs between what is shown of an account and what the model holds; null: nothing. */
export function viewDifference(view: AccountView, then: Account | null): [said: string, expected: string] | null {
  const said = show([
    view.number,
    view.name,
    view.normalBalance,
    view.open,
    view.debitsPosted,
    view.creditsPosted,
    view.debitsPending,
    view.creditsPending,
    view.minBalance,
    view.maxBalance,
    view.version,
    view.configVersion,
  ]);
  const wanted = then === null ? 'no account' : shownAccount(then);
  return said === wanted ? null : [`account ${said}`, `account ${wanted}`];
}

const shownAccount = (one: Account): string =>
  show([
    one.number,
    one.name,
    one.normal,
    one.open,
    one.debitsPosted,
    one.creditsPosted,
    one.debitsPending,
    one.creditsPending,
    one.min,
    one.max,
    one.version,
    one.configVersion,
  ]);
