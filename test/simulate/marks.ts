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
  'connection lost after a commit',
  'connection lost before a commit',
  'connection lost during a copy',
  'cursor of a ring wrapped',
  'disk full',
  'engine drained',
  'engine killed',
  'epoch lost',
  'expiry',
  'expiry before an action on the same hold',
  'fence taken from another owner',
  'fold restarted',
  'key found in a closed partition',
  'key looked up in closed partitions',
  'keys of a partition indexed',
  'late commit, session terminated',
  'load of a parent failed',
  'other payload under a used key',
  'parent loaded',
  'posting of the common shape',
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
  'shard held by another',
  'two engines',
  'worker killed',
] as const;

export function markHistory({ operations, answers, batches, log }: History, trace: Trace): void {
  for (const { answer } of answers) {
    if ('code' in answer && answer.code !== null) trace.mark(`said: ${answer.code}`);
  }
  markExpiries(log, trace);
  const durableAt = new Float64Array(log.length + 1);
  for (const { prev, last, step } of batches) durableAt.fill(step, prev + 1, last + 1);
  for (const { operation, answer } of answers) {
    if (answer.type !== 'replay') continue;
    const asked = operations[operation]?.step ?? 0;
    if (asked < (durableAt[answer.position] ?? 0)) trace.mark('replay of what was in flight');
  }
}

const EXPIRY = 6;

function markExpiries(log: readonly LogRow[], trace: Trace): void {
  log.forEach((row, index) => {
    if (row.kind !== EXPIRY) return;
    trace.mark('expiry');
    const next = log[index + 1];
    if (next?.parent === row.parent && next.kind !== EXPIRY) trace.mark('expiry before an action on the same hold');
  });
}

export function missing(marks: ReadonlyMap<string, number>): string[] {
  return SOMETIMES.filter((name) => !marks.has(name));
}
