/**
 * A frame of the stream whose requests are all postings of the hot shape, on its way: they stay bytes, from the frame to the
 * ring and on to the frame of answers, and nothing is made for any of them. What comes to another outcome than a fresh
 * success is answered like any other request, by a call that is made for it then.
 */
import type { Answer, AnswerReceiver } from '../../engine/wire/messages.js';
import { plainKeyOf } from '../../engine/wire/plain-post.js';
import type { Micros, Position } from '../../ledger/record.js';
import { readFastFrame } from '../body/fast-msgpack.js';
import { PlainRequests } from '../body/plain-requests.js';
import { unitsOf } from '../front/admission.js';
import type { ParseContext } from '../parse/context.js';
import { renderPlainMsgpack } from '../render/plain-msgpack.js';
import { plainAnswerSizeMax } from '../render/plain-post.js';
import type { FrameSender } from '../server/exchange.js';
import { answerWrite } from './answers.js';
import type { Call } from './call.js';
import type { FrameCall } from './frame-call.js';
import { unlikePosting } from './plain-posting.js';

/** Of frames that are kept for the next ones, together: about as many as wait at a time under load. */
const SPARE_BYTES_MAX = 16 * 1024 * 1024;
/** Larger ones are rare, and let go. */
const SPARE_FRAME_BYTES_MAX = 512 * 1024;
const spares: PlainFrame[] = [];
let spareBytes = 0;

/** The requests of a frame, if all of them are of the hot shape and its sender may send them; else null. */
export function readPlainFrame(frame: Uint8Array, sender: FrameSender, context: ParseContext): PlainFrame | null {
  const read = takeSpare();
  if (readFastFrame(frame, sender.lastNumber, sender.credits, context, read.requests)) return read;
  read.leave();
  return null;
}

function takeSpare(): PlainFrame {
  const spare = spares.pop();
  if (spare === undefined) return new PlainFrame();
  spareBytes -= spare.requests.sizeBytes;
  return spare;
}

export class PlainFrame implements AnswerReceiver {
  readonly requests = new PlainRequests();
  #call: FrameCall | null = null;
  #unanswered = 0;

  get count(): number {
    return this.requests.count;
  }

  get lastNumber(): number {
    return this.requests.numberOf(this.count - 1);
  }

  /** The work that a request counts as. */
  unitsOf(index: number): number {
    return unitsOf(this.requests.bodyBytesOf(index));
  }

  /** From here on each of its requests is posted, in their order. */
  start(call: FrameCall): void {
    this.#call = call;
    this.#unanswered = this.count;
  }

  post(index: number): void {
    const call = this.#call;
    if (call === null) return;
    try {
      const { engine } = call.context;
      const refusal = engine.postPlain(call.principal, null, this.requests.posts, index, this, index);
      if (refusal === null) return;
      this.#callOf(call, index).problem(refusal);
    } catch (error) {
      this.#callOf(call, index).fail(error);
    }
    this.#answered();
  }

  recorded(tag: number, position: Position, sequence: number, recordedAt: Micros, expiresAt: Micros): void {
    const call = this.#call;
    if (call === null) return;
    const { posts } = this.requests;
    const { sender, codecs, shard } = call;
    try {
      call.sequence = sequence;
      if (!sender.gone) {
        const at = sender.beginPosted(this.requests.numberOf(tag), plainAnswerSizeMax(posts, tag));
        const { ids } = codecs;
        const { logId } = shard;
        const into = sender.answers;
        const end = renderPlainMsgpack(posts, tag, ids, logId, position, sequence, recordedAt, expiresAt, into, at);
        sender.endPosted(end, call);
      }
      call.posted(this.unitsOf(tag));
    } catch (error) {
      this.#callOf(call, tag).fail(error);
    }
    this.#answered();
  }

  answered(tag: number, answer: Answer): void {
    const { posts } = this.requests;
    if (this.#call === null) return;
    const key = plainKeyOf(posts, tag);
    const call = this.#callOf(this.#call, tag);
    this.#answered();
    try {
      answerWrite(call, key, answer, unlikePosting);
    } catch (error) {
      call.fail(error);
    }
  }

  /** To be used for another frame; none of its requests waits for an answer. */
  leave(): void {
    this.#call = null;
    const { sizeBytes } = this.requests;
    if (sizeBytes > SPARE_FRAME_BYTES_MAX || spareBytes + sizeBytes > SPARE_BYTES_MAX) return;
    spareBytes += sizeBytes;
    spares.push(this);
  }

  #callOf(call: FrameCall, index: number): Call {
    return call.callOf(index, this.requests.numberOf(index), this.unitsOf(index));
  }

  #answered(): void {
    this.#unanswered--;
    if (this.#unanswered === 0) this.leave();
  }
}
