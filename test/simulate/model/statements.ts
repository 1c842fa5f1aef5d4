/**
 * Statements and lists: what the database shows of an account is what the model went through, record by record, from the
 * first one on, committed, without a gap, and at least as far as was waited for.
 */
import type { AccountView, EntryView } from '../../../src/ledger/view.js';
import type { Answered, DatabaseAnswer, Operation } from '../history.js';
import { show } from './compare.js';
import type { HistoryIndex } from './index.js';
import { type Line, linesOf } from './lines.js';
import { viewDifference } from './reads.js';
import { Kind } from './state.js';
import type { Walk } from './walk.js';

type Complain = (rule: string, said: string, expected: string) => void;
type Statement = Extract<DatabaseAnswer, { type: 'statement' }>;
type List = Extract<DatabaseAnswer, { type: 'accounts' }>;

/** Records of these kinds move what is posted. */
const POSTING: ReadonlySet<number> = new Set([Kind.posted, Kind.capture, Kind.reversal]);

export function judgeStatement(
  index: HistoryIndex,
  walk: Walk,
  { book, command }: Operation,
  answered: Answered,
  { entries, reached, complete }: Statement,
  complain: Complain,
): void {
  if (command.type !== 'read_statement' || isBeyond(index, walk, book, reached)) return;
  const { account, kind } = command;
  if (entries === null) {
    const then = walk.accountAt(book, account, reached);
    if (then !== null) complain('statement', `${account} is not there`, `at ${reached}: ${show(then)}`);
    return;
  }
  const last = entries.at(-1)?.record.sequence ?? 0;
  if (isDirty(index, book, last, answered, complain) || isBeyond(index, walk, book, last)) return;
  const number = walk.ledger.account(book, account)?.number ?? 0;
  const all = linesOf(index.history).get(number) ?? [];
  const lines = kind === null ? all : all.filter((line) => POSTING.has(line.kind));
  entries.every((entry, at) => isLine(entry, lines[at], complain));
  const next = lines[entries.length];
  if (complete && next !== undefined && next.sequence <= reached) {
    complain('statement', `${account} ends after ${last}, reached ${reached}`, `an entry of sequence ${next.sequence}`);
  }
}

export function judgeList(
  index: HistoryIndex,
  walk: Walk,
  { book, command }: Operation,
  answered: Answered,
  { accounts, reached, complete }: List,
  complain: Complain,
): void {
  if (command.type !== 'list_accounts' || isBeyond(index, walk, book, reached)) return;
  const { prefix } = command;
  let before = '';
  for (const view of accounts) {
    if (isDirty(index, book, view.sequence, answered, complain) || isBeyond(index, walk, book, view.sequence)) return;
    const place = `${view.name} at ${view.sequence}`;
    if (view.name <= before || !view.name.startsWith(prefix))
      complain('list', place, `after ${before}, with ${prefix}`);
    if (view.sequence < reached) complain('list', place, `as of ${reached}, which lists had reached`);
    const difference = viewDifference(view, walk.accountAt(book, view.name, view.sequence));
    if (difference !== null) complain('list', `at ${view.sequence}: ${difference[0]}`, difference[1]);
    before = view.name;
  }
  if (complete) judgeMissing(walk, book, prefix, reached, accounts, complain);
}

function judgeMissing(
  walk: Walk,
  book: number,
  prefix: string,
  reached: number,
  accounts: readonly AccountView[],
  complain: Complain,
): void {
  const shown = new Set(accounts.map(({ name }) => name));
  for (const { book: of, name } of walk.ledger.accounts.values()) {
    if (of !== book || !name.startsWith(prefix) || shown.has(name)) continue;
    if (walk.accountAt(book, name, reached) !== null) complain('list', `without ${name}`, `it was there at ${reached}`);
  }
}

/** @returns false at the first entry that is not the one that belongs there */
function isLine(entry: EntryView, line: Line | undefined, complain: Complain): boolean {
  const { record } = entry;
  const said = show([record.sequence, record.position, record.kind, legsOf(record.legs), countersOf(entry)]);
  const wanted =
    line === undefined
      ? 'no further entry'
      : show([line.sequence, line.position, line.kind, legsOf(line.legs), countersOf(line)]);
  if (said !== wanted) complain('statement', said, wanted);
  return said === wanted;
}

const legsOf = (legs: readonly { leg: number; amount: bigint; released: bigint }[]): string =>
  legs.map(({ leg, amount, released }) => `${leg}: ${amount}+${released}`).join();

const countersOf = (one: EntryView | Line): unknown[] => [
  one.version,
  one.debitsPosted,
  one.creditsPosted,
  one.debitsPending,
  one.creditsPending,
];

function isDirty(index: HistoryIndex, book: number, sequence: number, answered: Answered, complain: Complain): boolean {
  const position = sequence === 0 ? 0 : index.positionsOf.get(book)?.[sequence - 1];
  const committed = index.committedAt(answered.step);
  if (position !== undefined && position <= committed) return false;
  complain('no_dirty_reads', `sequence ${sequence}`, `one that is committed: up to position ${committed}`);
  return true;
}

/** Beyond the place where model and log part nothing is known. */
const isBeyond = (index: HistoryIndex, walk: Walk, book: number, sequence: number): boolean =>
  (index.positionsOf.get(book)?.[sequence - 1] ?? 0) > walk.agreedTo;
