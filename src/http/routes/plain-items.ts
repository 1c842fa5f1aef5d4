/**
 * Items of the hot shape: they stay bytes, from the body to the ring and on to the answer. What is kept of a success are
 * four numbers; all of them are rendered at the end, into memory that every answer is written into.
 */

import { asciiPiece, OVERRUN, putPiece } from '../../engine/wire/ascii-copy.js';
import type { AnswerReceiver } from '../../engine/wire/messages.js';
import { PlainPosts, plainKeyOf } from '../../engine/wire/plain-post.js';
import type { ErrorCode } from '../../ledger/errors.js';
import type { Micros, Position } from '../../ledger/record.js';
import { readFastBatch } from '../body/fast-post.js';
import { type AnswerBuffer, answerBuffer } from '../render/answer-buffer.js';
import { plainAnswersSizeMax, renderPlain } from '../render/plain-post.js';
import type { BatchItems } from './batch-items.js';
import type { Call } from './call.js';

// What `renderAll` and `renderItem` put around transactions.
const LIST = asciiPiece('{"data":[');
const LIST_END = asciiPiece(']}');
const ITEM = asciiPiece('{"status":201,"transaction":');
const COMMA = 0x2c;
const CLOSE_BRACE = 0x7d;

/** Numbers that are kept of a success: position (0: another outcome), sequence, times. */
const FACTS = 4;
/** UTF-8 of one UTF-16 unit, at most. */
const UTF8_BYTES_MAX = 3;

const SPARES_MAX = 64;
/** Larger ones are rare, and let go. */
const SPARE_BODY_BYTES_MAX = 128 * 1024;
const spares: PlainItems[] = [];

/** The items of the call's body, if all of them are of the hot shape; else null. */
export function readPlainItems(call: Call): PlainItems | null {
  const items = spares.pop() ?? new PlainItems();
  if (items.read(call)) return items;
  items.leave();
  return null;
}

class PlainItems implements BatchItems {
  readonly #posts = new PlainPosts();
  /** {@link FACTS} for each item. */
  #facts = new Float64Array(0);
  readonly #others = new Map<number, string>();
  #othersLength = 0;

  get count(): number {
    return this.#posts.count;
  }

  read(call: Call): boolean {
    if (!readFastBatch(call.exchange.body, call.context.parse, this.#posts)) return false;
    const numbers = this.count * FACTS;
    if (this.#facts.length < numbers) this.#facts = new Float64Array(numbers);
    else this.#facts.fill(0, 0, numbers);
    return true;
  }

  keyOf(index: number): string {
    return plainKeyOf(this.#posts, index);
  }

  faultOf(_index: number): null {
    return null;
  }

  post(call: Call, index: number, receiver: AnswerReceiver): ErrorCode | null {
    return call.context.engine.postPlain(call.principal, null, this.#posts, index, receiver, index);
  }

  posted(
    _call: Call,
    index: number,
    position: Position,
    sequence: number,
    recordedAt: Micros,
    expiresAt: Micros,
  ): void {
    const facts = this.#facts;
    const at = index * FACTS;
    facts[at] = position;
    facts[at + 1] = sequence;
    facts[at + 2] = recordedAt;
    facts[at + 3] = expiresAt;
  }

  decided(index: number, outcome: string): void {
    this.#others.set(index, outcome);
    this.#othersLength += outcome.length;
  }

  answer(call: Call): void {
    const sizeMax =
      LIST.length +
      LIST_END.length +
      OVERRUN +
      plainAnswersSizeMax(this.#posts) +
      this.count * (ITEM.length + 2) +
      this.#othersLength * UTF8_BYTES_MAX;
    const body = answerBuffer(sizeMax);
    const end = this.#render(call, body);
    call.ok(200, body.bytes.subarray(0, end));
    this.leave();
  }

  #render(call: Call, body: AnswerBuffer): number {
    let at = putPiece(LIST, body.view, 0);
    for (let index = 0; index < this.count; index++) {
      if (index > 0) body.bytes[at++] = COMMA;
      at =
        this.#facts[index * FACTS] === 0
          ? this.#renderOther(index, body, at)
          : this.#renderPosted(call, index, body, at);
    }
    return putPiece(LIST_END, body.view, at);
  }

  #renderPosted(call: Call, index: number, body: AnswerBuffer, offset: number): number {
    const facts = this.#facts;
    const { logId } = call.shard;
    const row = index * FACTS;
    const position = facts[row] as number; // rows are as many as items
    const sequence = facts[row + 1] as number;
    const recordedAt = facts[row + 2] as number;
    const expiresAt = facts[row + 3] as number;
    const at = putPiece(ITEM, body.view, offset);
    const { ids } = call.codecs;
    const end = renderPlain(this.#posts, index, ids, logId, position, sequence, recordedAt, expiresAt, body, at);
    body.bytes[end] = CLOSE_BRACE;
    return end + 1;
  }

  #renderOther(index: number, body: AnswerBuffer, offset: number): number {
    const outcome = this.#others.get(index);
    if (outcome === undefined) throw new Error(`item ${index} has no outcome`);
    return offset + encoder.encodeInto(outcome, body.bytes.subarray(offset)).written;
  }

  /** To be used for another batch; no item waits for an answer. */
  leave(): void {
    this.#others.clear();
    this.#othersLength = 0;
    if (spares.length < SPARES_MAX && this.#posts.bytes.length <= SPARE_BODY_BYTES_MAX) spares.push(this);
  }
}

const encoder = new TextEncoder();
