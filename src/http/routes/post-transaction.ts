/** POST /v1/transactions: the hot path. */
import { plainSuccess } from '../../engine/wire/answer.js';
import type { Answer, AnswerReceiver, PostRequest } from '../../engine/wire/messages.js';
import { POST_ROUTE } from '../../engine/wire/plain-post.js';
import type { Micros, Position } from '../../ledger/record.js';
import { parsePost } from '../parse/post.js';
import { renderPosted } from '../render/transaction.js';
import { answerWrite, type Success } from './answers.js';
import type { Call } from './call.js';
import { requestKey } from './key.js';
import { postPlain } from './plain-posting.js';

export function postTransaction(call: Call): void {
  // The readers of the common shape give up where anything is unusual; the strict one then decides and explains.
  if (postPlain(call)) return;
  const request = parsePost(call.readBody(), call.context.parse);
  const key = requestKey(call, request.dryRun);
  const refusal = call.context.engine.post(call.head(key, POST_ROUTE), request, new Posting(call, key, request), 0);
  if (refusal !== null) call.problem(refusal);
}

/** A posting that was read strictly. */
class Posting implements AnswerReceiver {
  constructor(
    readonly call: Call,
    readonly key: string | null,
    readonly request: PostRequest,
  ) {}

  recorded(_tag: number, position: Position, sequence: number, recordedAt: Micros, expiresAt: Micros): void {
    const { call } = this;
    try {
      const answer = plainSuccess(position, sequence, recordedAt, expiresAt);
      call.sequence = sequence;
      call.ok(201, renderPosted(this.request, answer, call.id(position)));
    } catch (error) {
      call.fail(error);
    }
  }

  answered(_tag: number, answer: Answer): void {
    const { call, key } = this;
    try {
      answerWrite(call, key, answer, (success) => renderNew(call, success));
    } catch (error) {
      call.fail(error);
    }
  }
}

/** What was recorded (201), or of a dry run what would have been (200). */
export function renderNew(call: Call, success: Success): void {
  const record = success.records[0];
  if (record === undefined) throw new Error('a success without a record');
  const recorded = success.type === 'recorded';
  call.ok(recorded ? 201 : 200, call.renderRecord(record, recorded));
}
