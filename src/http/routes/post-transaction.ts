/** POST /v1/transactions: the hot path. */
import type { Answer, PostRequest } from '../../engine/wire/messages.js';
import { readFastPost } from '../body/fast-post.js';
import { parsePost } from '../parse/post.js';
import { renderPosted } from '../render/transaction.js';
import { answerWrite, type Success } from './answers.js';
import type { Call } from './call.js';
import { requestKey } from './key.js';

export const POST_ROUTE = 'POST /v1/transactions';

export function postTransaction(call: Call): void {
  const request = readPost(call);
  const key = requestKey(call, request.dryRun);
  const refusal = call.context.engine.post(call.head(key, POST_ROUTE), request, (answer) => {
    try {
      answerPost(call, key, request, answer);
    } catch (error) {
      call.fail(error);
    }
  });
  if (refusal !== null) call.problem(refusal);
}

function readPost(call: Call): PostRequest {
  // The reader of the common shape gives up where anything is unusual; the strict one then decides and explains.
  const fast = call.bodyForm === 'json' ? readFastPost(call.exchange.body, call.context.parse) : null;
  return fast ?? parsePost(call.readBody(), call.context.parse);
}

function answerPost(call: Call, key: string | null, request: PostRequest, answer: Answer): void {
  if (answer.type === 'recorded' && answer.code === null) {
    call.sequence = answer.sequence;
    call.ok(201, renderPosted(request, answer, call.id(answer.position)));
    return;
  }
  answerWrite(call, key, answer, (success) => renderNew(call, success));
}

/** What was recorded (201), or of a dry run what would have been (200). */
export function renderNew(call: Call, success: Success): void {
  const record = success.records[0];
  if (record === undefined) throw new Error('a success without a record');
  const recorded = success.type === 'recorded';
  call.ok(recorded ? 201 : 200, call.renderRecord(record, recorded));
}
