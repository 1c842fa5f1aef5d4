/** What all routes do with an answer of the engine that is not their success. */
import type { Answer } from '../../engine/wire/messages.js';
import type { Call } from './call.js';
import { answerReplay } from './replay.js';

export type Recorded = Extract<Answer, { type: 'recorded' }>;
type Answered = Extract<Answer, { type: 'answered' }>;

/** A success of the engine, still to be rendered: what was recorded, or what a dry run would have recorded. */
export type Success = Recorded | Answered;

/**
 * Answers refusals, replays and unavailability of a request that writes, and hands its success to `render`.
 * @param key the request's own; null for dry runs
 */
export function answerWrite(call: Call, key: string | null, answer: Answer, render: (success: Success) => void): void {
  switch (answer.type) {
    case 'recorded':
      call.sequence = highestSequence(answer);
      if (answer.code === null) render(answer);
      else call.problem(answer.code, { details: answer.details, refusal: answer });
      return;
    case 'answered':
      if (answer.code === null) render(answer);
      else call.problem(answer.code, { details: answer.details, final: false });
      return;
    case 'replay':
      answerReplay(call, key, answer.position, answer.fingerprint).catch((error: unknown) => call.fail(error));
      return;
    case 'unavailable':
      call.problem(answer.code, { retryAfterSeconds: answer.retryAfterSeconds });
      return;
    case 'account':
    case 'head':
      throw new Error(`a writing request was answered with ${answer.type}`);
  }
}

/** A unit of several records is seen whole by whoever has seen its last one. */
function highestSequence(answer: Recorded): number {
  let highest = answer.sequence;
  for (const record of answer.records) highest = Math.max(highest, record.sequence);
  for (const account of answer.accounts) highest = Math.max(highest, account.sequence);
  return highest;
}
