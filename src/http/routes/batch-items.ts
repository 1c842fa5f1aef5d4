/**
 * The items of an independent batch, as the batch sees them: given to the engine one by one, and remembering their
 * outcomes for the answer. Of two kinds: read strictly (here), or of the hot shape (plain-items.ts).
 */
import { plainSuccess } from '../../engine/wire/answer.js';
import type { AnswerReceiver } from '../../engine/wire/messages.js';
import { POST_ROUTE } from '../../engine/wire/plain-post.js';
import type { ErrorCode } from '../../ledger/errors.js';
import type { Micros, Position } from '../../ledger/record.js';
import type { BatchItem } from '../parse/batch.js';
import { renderAll, renderItem } from '../render/list.js';
import { renderPosted } from '../render/transaction.js';
import type { RequestProblem } from '../types.js';
import type { Call } from './call.js';

export interface BatchItems {
  readonly count: number;
  keyOf(index: number): string;
  /** What is wrong with an item, which is then not posted. */
  faultOf(index: number): RequestProblem | null;
  /** As of the engine's; the tag is the index. */
  post(call: Call, index: number, receiver: AnswerReceiver): ErrorCode | null;
  /** Keeps a fresh success. */
  posted(call: Call, index: number, position: Position, sequence: number, recordedAt: Micros, expiresAt: Micros): void;
  /** Keeps any other outcome, as {@link renderItem} gives it. */
  decided(index: number, outcome: string): void;
  /** All outcomes are there: answers with them. */
  answer(call: Call): void;
}

export class StrictItems implements BatchItems {
  readonly #outcomes: string[];

  constructor(readonly items: readonly BatchItem[]) {
    this.#outcomes = new Array<string>(items.length).fill('');
  }

  get count(): number {
    return this.items.length;
  }

  keyOf(index: number): string {
    return this.#item(index).key;
  }

  faultOf(index: number): RequestProblem | null {
    const item = this.#item(index);
    return 'problem' in item ? item.problem : null;
  }

  post(call: Call, index: number, receiver: AnswerReceiver): ErrorCode | null {
    const { key } = this.#item(index);
    return call.context.engine.post(call.head(key, POST_ROUTE), this.#request(index), receiver, index);
  }

  posted(call: Call, index: number, position: Position, sequence: number, recordedAt: Micros, expiresAt: Micros): void {
    const success = plainSuccess(position, sequence, recordedAt, expiresAt);
    this.#outcomes[index] = renderItem(201, renderPosted(this.#request(index), success, call.id(position)));
  }

  decided(index: number, outcome: string): void {
    this.#outcomes[index] = outcome;
  }

  answer(call: Call): void {
    call.ok(200, renderAll(this.#outcomes));
  }

  #request(index: number) {
    const item = this.#item(index);
    if ('problem' in item) throw new Error(`item ${index} is not one to post`);
    return item.request;
  }

  #item(index: number): BatchItem {
    const item = this.items[index];
    if (item === undefined) throw new Error(`item ${index} of ${this.items.length}`);
    return item;
  }
}
