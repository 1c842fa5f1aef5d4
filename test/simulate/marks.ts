/**
 * What runs should come to, sooner or later: a batch of runs that never met one of these has shown less than it seems.
 * Most are counted where they happen; what only the whole of a run shows is counted here.
 */
import type { History, LogRow } from './history.js';
import type { Trace } from './trace.js';

/** A batch in which one of these is missing fails. */
export const SOMETIMES = [
  'ambiguous, and the batch was there',
  'ambiguous, and the batch was not there',
  'answer lost',
  'answer of the database lost',
  'answers wait for room in the ring',
  'asked again after the answer',
  'batch refused',
  'batch refused by the fence',
  'clock back',
  'clock forward',
  'commit answered by a rollback',
  'commit of an engine that is dead',
  'commit past its deadline',
  'commit stalled',
  'currency of a later start',
  'connection lost after a commit',
  'connection lost before a commit',
  'connection lost during a copy',
  'copy garbled, and refused',
  'copy garbled, and short',
  'cursor of a ring wrapped',
  'disk full',
  'engine drained',
  'engine killed',
  'epoch lost',
  'expiry',
  'expiry at the tick of an action on the same hold',
  'expiry before an action on the same hold',
  'fence taken from another owner',
  'fold restarted',
  'key found in a closed partition',
  'key looked up in closed partitions',
  'keys of a partition indexed',
  'late commit, session terminated',
  'list of several pages',
  'load of a parent failed',
  'load outlived its command',
  'may rest while another shard works',
  'one shard resolves, another works',
  'other payload under a used key',
  'parent loaded',
  'posting of the common shape',
  'problem: keeping the folds close',
  'raise waits for a commit',
  'record beside the ring',
  'recovery from a fold alone',
  'recovery from a fold and a tail',
  'recovery lost its connection',
  'recovery without a fold',
  'replay',
  'replay of what was in flight',
  'request lost',
  'resolving',
  'ring or table full',
  'ring wrapped',
  'said: account_closed',
  'said: clock_disagrees',
  'said: draining',
  'said: insufficient_funds',
  'said: key_in_flight',
  'said: key_window_full',
  'said: outcome_unknown',
  'said: overloaded',
  'said: shard_unavailable',
  'sent twice at once',
  'settings changed at a start',
  'shard held by another',
  'statement of several pages',
  'statement to its end',
  'told that it is not known, and it was done',
  'told that it is not known, and it was not done',
  'two engines',
  'worker killed',
] as const;

export function markHistory(history: History, trace: Trace): void {
  const { operations, answers, batches, log } = history;
  for (const { answer } of answers) {
    if ('code' in answer && answer.code !== null) trace.mark(`said: ${answer.code}`);
  }
  markReads(history, trace);
  markExpiries(log, trace);
  markSettings(log, trace);
  markUnknown(history, trace);
  const durableAt = new Float64Array(log.length + 1);
  for (const { prev, last, step } of batches) durableAt.fill(step, prev + 1, last + 1);
  for (const { operation, answer } of answers) {
    if (answer.type !== 'replay') continue;
    const asked = operations[operation]?.step ?? 0;
    if (asked < (durableAt[answer.position] ?? 0)) trace.mark('replay of what was in flight');
  }
}

const EXPIRY = 6;
const CONFIGURED = 16;
const FIRST_OWN_CURRENCY = 1001;

function markExpiries(log: readonly LogRow[], trace: Trace): void {
  log.forEach((row, index) => {
    if (row.kind !== EXPIRY) return;
    trace.mark('expiry');
    const next = log[index + 1];
    if (next?.parent !== row.parent || next.kind === EXPIRY) return;
    trace.mark('expiry before an action on the same hold');
    // Clocks that records are told by move in milliseconds.
    const due = log[row.parent - 1]?.expiresAt ?? 0;
    if (next.recordedAt - due < TICK_MICROS) trace.mark('expiry at the tick of an action on the same hold');
  });
}

const TICK_MICROS = 1_000;

function markSettings(log: readonly LogRow[], trace: Trace): void {
  let first = true;
  for (const { kind, legs } of log) {
    if (kind === CONFIGURED) {
      if (!first) trace.mark('settings changed at a start');
      first = false;
    }
    if (legs.some(({ currency }) => currency > FIRST_OWN_CURRENCY)) trace.mark('currency of a later start');
  }
}

function markReads({ operations, answers }: History, trace: Trace): void {
  for (const { operation, answer } of answers) {
    const command = operations[operation]?.command;
    if (answer.type === 'statement' && command?.type === 'read_statement') {
      const entries = answer.entries?.length ?? 0;
      if (answer.complete && entries > 0) trace.mark('statement to its end');
      if (entries > command.limit) trace.mark('statement of several pages');
    }
    if (answer.type === 'accounts' && command?.type === 'list_accounts' && answer.accounts.length > command.limit) {
      trace.mark('list of several pages');
    }
  }
}

/** Clients that were told `outcome_unknown`, or nothing at all. */
function markUnknown({ operations, answers, log }: History, trace: Trace): void {
  const done = new Set<string>();
  for (const { book, key } of log) if (key !== null) done.add(`${book} ${key}`);
  for (const { operation, answer } of answers) {
    if (answer.type !== 'unavailable' || answer.code !== 'outcome_unknown') continue;
    const asked = operations[operation];
    if (asked === undefined || asked.key === null) continue;
    const wasDone = done.has(`${asked.book} ${asked.key}`);
    trace.mark(`told that it is not known, and it was ${wasDone ? '' : 'not '}done`);
  }
}

export function missing(marks: ReadonlyMap<string, number>): string[] {
  return SOMETIMES.filter((name) => !marks.has(name));
}
