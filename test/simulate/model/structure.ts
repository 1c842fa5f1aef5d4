/** What must be true of the log and its commits, whatever was asked. */
import type { Complaint, History, LogRow } from '../history.js';
import { EPOCH } from '../time/globals.js';
import { Kind } from './state.js';

/**
 * A clock that is further than this from the true time is not to be trusted with records, µs: it may be 5 s from the
 * database's at the start, and drift as much again.
 */
export const CLOCK_APART_MAX = 11_000_000;

export function judgeStructure(history: History): Complaint[] {
  return [...judgeBatches(history), ...judgeRows(history), ...judgeOwners(history)];
}

/** Batches follow one on another without gap or overlap, and epochs never fall. */
function judgeBatches({ batches, log }: History): Complaint[] {
  const complaints: Complaint[] = [];
  let end = 0;
  let epoch = 0;
  const owners = new Map<number, number>();
  for (const batch of batches) {
    const complain = (rule: string, said: string, expected: string): void => {
      complaints.push({ rule, step: batch.step, said, expected });
    };
    if (batch.prev !== end || batch.last <= batch.prev) {
      complain('log_gapless', `a batch of positions ${batch.prev + 1} to ${batch.last}`, `one from ${end + 1} on`);
    }
    if (batch.epoch < epoch) complain('one_owner', `a commit of epoch ${batch.epoch}`, `none after one of ${epoch}`);
    const owner = owners.get(batch.epoch) ?? batch.engine;
    if (owner !== batch.engine) {
      complain('one_owner', `engine ${batch.engine} commits in epoch ${batch.epoch}`, `only engine ${owner} does`);
    }
    owners.set(batch.epoch, owner);
    end = batch.last;
    epoch = Math.max(epoch, batch.epoch);
  }
  if (end !== log.length) {
    const step = batches.at(-1)?.step ?? 0;
    complaints.push({ rule: 'log_gapless', step, said: `${log.length} records`, expected: `${end} by the batches` });
  }
  return complaints;
}

function judgeRows({ log, batches }: History): Complaint[] {
  const complaints: Complaint[] = [];
  const sequences = new Map<number, number>();
  let recordedAt = 0;
  let batch = 0;
  for (const [index, row] of log.entries()) {
    while (batch < batches.length - 1 && (batches[batch]?.last ?? 0) < row.position) batch++;
    const { step = 0, at = 0 } = batches[batch] ?? {};
    const complain = (rule: string, said: string, expected: string): void => {
      complaints.push({ rule, step, said: `position ${row.position}: ${said}`, expected });
    };
    if (row.position !== index + 1) complain('log_gapless', 'stands here', `${index + 1}`);
    if (row.recordedAt < recordedAt)
      complain('time_forward', `recorded at ${row.recordedAt}`, `not before ${recordedAt}`);
    if (row.recordedAt > EPOCH + at + CLOCK_APART_MAX) {
      complain('clock_trusted', `recorded at ${row.recordedAt}`, `about ${EPOCH + at}, or not at all`);
    }
    const wanted = sequenceOf(row, sequences);
    if (row.sequence !== wanted) complain('sequence_gapless', `sequence ${row.sequence}`, `${wanted}`);
    sequences.set(row.book, row.sequence);
    recordedAt = Math.max(recordedAt, row.recordedAt);
    complaints.push(...judgeSums(row, step));
  }
  return complaints;
}

const sequenceOf = (row: LogRow, sequences: ReadonlyMap<number, number>): number =>
  row.book === 0 || row.kind === Kind.merchantOpened ? 0 : (sequences.get(row.book) ?? 0) + 1;

/** Every leg has two accounts, so debits and credits are equal whatever the amounts; those are never negative. */
function judgeSums({ position, legs }: LogRow, step: number): Complaint[] {
  return legs
    .filter(
      ({ debit, credit, amount, released }) =>
        debit === credit || amount < 0n || released < 0n || amount + released === 0n,
    )
    .map(({ leg, debit, credit, amount, released }) => ({
      rule: 'zero_sum',
      step,
      said: `position ${position}: leg ${leg} moves ${amount} (${released} released) from ${debit} to ${credit}`,
      expected: 'something above zero, between two accounts',
    }));
}

/** After a raise nobody commits but who raised. */
function judgeOwners({ events, batches }: History): Complaint[] {
  const complaints: Complaint[] = [];
  const raises = events.filter(({ what }) => what === 'fence_raised');
  let next = 0;
  let owner: number | null = null;
  for (const batch of batches) {
    for (; next < raises.length && (raises[next]?.step ?? 0) < batch.step; next++)
      owner = raises[next]?.engine ?? owner;
    if (owner === null || owner === batch.engine) continue;
    complaints.push({
      rule: 'one_owner',
      step: batch.step,
      said: `engine ${batch.engine} commits up to ${batch.last}`,
      expected: `nobody but engine ${owner}, who raised the fence last`,
    });
  }
  return complaints;
}
