/**
 * A posting of the hot shape on its way: from the bytes of its body to the ring, and from the numbers that come back to
 * the bytes of its answer. The objects that wait for answers are used again and again.
 */
import type { Answer, AnswerReceiver } from '../../engine/wire/messages.js';
import { PlainPosts } from '../../engine/wire/plain-post.js';
import type { Micros, Position } from '../../ledger/record.js';
import { readFastMsgpack } from '../body/fast-msgpack.js';
import { readFastPost } from '../body/fast-post.js';
import { answerBuffer } from '../render/answer-buffer.js';
import { renderPlainMsgpack } from '../render/plain-msgpack.js';
import { plainAnswersSizeMax, renderPlain } from '../render/plain-post.js';
import { answerWrite } from './answers.js';
import type { Call } from './call.js';
import { requestKey } from './key.js';

/** Few kilobytes each; as many as wait at a time under load. */
const SPARES_MAX = 1024;
const spares: PlainPosting[] = [];

/**
 * Posts the call's body if it is of the hot shape.
 * @returns false where it is not: nothing was done
 * @throws RequestProblem about the key
 */
export function postPlain(call: Call): boolean {
  const posting = spares.pop() ?? new PlainPosting();
  const taken =
    call.bodyForm === 'json'
      ? readFastPost(call.exchange.body, call.context.parse, posting.posts)
      : call.answerForm === 'msgpack' && readFastMsgpack(call.exchange.body, call.context.parse, posting.posts);
  if (!taken) posting.leave();
  else posting.start(call);
  return taken;
}

class PlainPosting implements AnswerReceiver {
  readonly posts = new PlainPosts();
  #call: Call | null = null;
  #key = '';

  start(call: Call): void {
    // A key that is refused throws: this posting is then not used again, which is rare enough.
    this.#key = requestKey(call, false) ?? '';
    this.#call = call;
    const { engine } = call.context;
    const refusal = engine.postPlain(call.principal, this.#key, this.posts, 0, this, 0);
    if (refusal === null) return;
    this.leave();
    call.problem(refusal);
  }

  recorded(_tag: number, position: Position, sequence: number, recordedAt: Micros, expiresAt: Micros): void {
    const call = this.#call;
    if (call === null) return;
    const { posts } = this;
    try {
      call.sequence = sequence;
      const { ids } = call.codecs;
      const body = answerBuffer(plainAnswersSizeMax(posts));
      const { logId } = call.shard;
      // A body of msgpack comes here only where its answer is msgpack too.
      const packed = call.bodyForm === 'msgpack';
      const render = packed ? renderPlainMsgpack : renderPlain;
      const end = render(posts, 0, ids, logId, position, sequence, recordedAt, expiresAt, body, 0);
      if (packed) call.okPacked(201, body.bytes.subarray(0, end));
      else call.ok(201, body.bytes.subarray(0, end));
    } catch (error) {
      call.fail(error);
    }
    this.leave();
  }

  answered(_tag: number, answer: Answer): void {
    const call = this.#call;
    if (call === null) return;
    const key = this.#key;
    this.leave();
    try {
      answerWrite(call, key, answer, unlikePosting);
    } catch (error) {
      call.fail(error);
    }
  }

  leave(): void {
    this.#call = null;
    if (spares.length < SPARES_MAX) spares.push(this);
  }
}

/** A posting that is no dry run succeeds by `recorded` alone. */
export function unlikePosting(): never {
  throw new Error('a posting was answered like something else');
}
