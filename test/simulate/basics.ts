/** What must hold of any run whatever was asked: the least that a judge says, and the first to be looked at. */
import type { Complaint, History, LogRow, Operation } from './history.js';

export function judgeBasics(history: History): Complaint[] {
  return [...judgeLog(history), ...judgeAnswers(history), ...judgeEnd(history)];
}

function judgeLog({ log, batches }: History): Complaint[] {
  const complaints: Complaint[] = [];
  const sequences = new Map<number, number>();
  log.forEach((row, index) => {
    if (row.position !== index + 1) {
      complaints.push(wrong('gapless', 0, `position ${row.position}`, `position ${index + 1}`));
    }
    if (row.sequence === 0) return;
    const expected = (sequences.get(row.book) ?? 0) + 1;
    sequences.set(row.book, row.sequence);
    if (row.sequence !== expected) {
      complaints.push(wrong('sequence', 0, `position ${row.position}: ${row.sequence}`, String(expected)));
    }
  });
  let last = 0;
  for (const batch of batches) {
    if (batch.prev !== last) complaints.push(wrong('batches', batch.step, `prev ${batch.prev}`, `prev ${last}`));
    last = batch.last;
  }
  return complaints;
}

function judgeAnswers({ operations, answers, log, batches }: History): Complaint[] {
  const complaints: Complaint[] = [];
  const durableAt = new Map<number, number>();
  for (const { prev, last, step } of batches) {
    for (let position = prev + 1; position <= last; position++) durableAt.set(position, step);
  }
  for (const { operation, answer, step, replay } of answers) {
    const asked = operations[operation] as Operation; // numbered by their place
    if (answer.type === 'recorded') {
      const row = log[answer.position - 1];
      if ((durableAt.get(answer.position) ?? Number.POSITIVE_INFINITY) > step) {
        complaints.push(
          wrong('durable_before_answered', step, `position ${answer.position} answered`, 'not durable yet'),
        );
      } else if (row === undefined || !isOutcomeOf(row, asked) || row.sequence !== answer.sequence) {
        complaints.push(wrong('recorded', step, text(answer), text(row)));
      }
    }
    if (answer.type === 'replay' && replay?.row === null) {
      complaints.push(wrong('replay_durable', step, text(answer), 'no such record yet'));
    }
  }
  return complaints;
}

function isOutcomeOf(row: LogRow, { book, key }: Operation): boolean {
  return row.book === book && row.key === key;
}

function judgeEnd({ final, batches }: History): Complaint[] {
  const complaints: Complaint[] = [];
  const end = batches.at(-1)?.step ?? 0;
  if (final.memoryDigest !== final.replayDigest) {
    complaints.push(
      wrong(
        'replay_digest',
        end,
        `memory ${final.memoryDigest} at ${final.memoryHead}`,
        `log ${final.replayDigest} at ${final.logHead}`,
      ),
    );
  }
  final.folded.forEach((account, index) => {
    const held = final.accounts[index];
    if (held === undefined) return;
    for (const field of [
      'name',
      'debitsPosted',
      'creditsPosted',
      'debitsPending',
      'creditsPending',
      'version',
    ] as const) {
      if (account[field] !== held[field]) {
        complaints.push(
          wrong('fold', end, `memory: account ${account.name} ${field} ${held[field]}`, `fold: ${account[field]}`),
        );
      }
    }
  });
  return complaints;
}

const wrong = (rule: string, step: number, said: string, expected: string): Complaint => ({
  rule,
  step,
  said,
  expected,
});

const text = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}` : part)) ?? 'nothing';
