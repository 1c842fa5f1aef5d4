/**
 * An independent batch: its items go to the engine one by one, in order, as if each were a request of its own, and
 * their outcomes come back in the order of the request.
 */
import type { Answer, PostRequest } from '../../engine/wire/messages.js';
import type { ErrorCode } from '../../ledger/errors.js';
import type { Position } from '../../ledger/record.js';
import { isTransaction, RecordKind } from '../../ledger/record.js';
import type { RecordView } from '../../ledger/view.js';
import type { BatchItem } from '../parse/batch.js';
import { problemStatus } from '../problem.js';
import { renderAll, renderItem } from '../render/list.js';
import { renderPosted } from '../render/transaction.js';
import type { Call, ProblemFacts } from './call.js';
import { POST_ROUTE } from './post-transaction.js';
import { isOutcomeOf, refusalOf } from './replay.js';

/** Items given to the engine in one turn of the event loop, so that a batch does not hold up other requests. */
const ITEMS_A_TURN = 512;

interface Replay {
  readonly index: number;
  readonly key: string;
  readonly position: Position;
  readonly fingerprint: string;
}

export class IndependentBatch {
  readonly #outcomes: string[];
  readonly #replays: Replay[] = [];
  #next = 0;
  #inFlight = 0;
  /** The engine is full of this batch's own items: it goes on when one of them is answered. */
  #waiting = false;

  constructor(
    readonly call: Call,
    readonly items: readonly BatchItem[],
  ) {
    this.#outcomes = new Array<string>(items.length).fill('');
  }

  start(): void {
    this.#submit();
  }

  #submit(): void {
    const endOfTurn = Math.min(this.#next + ITEMS_A_TURN, this.items.length);
    while (this.#next < endOfTurn) {
      const refusal = this.#post(this.#next);
      // An item that finds no room waits for the batch's own items to leave; order is kept, so the rest waits behind it.
      if (refusal === 'overloaded' && this.#inFlight > 0) {
        this.#waiting = true;
        return;
      }
      if (refusal !== null) this.#problem(this.#next, refusal);
      this.#next++;
    }
    if (this.#next < this.items.length) setImmediate(() => this.#guarded(() => this.#submit()));
    else if (this.#inFlight === 0) this.#finish();
  }

  #post(index: number): ErrorCode | null {
    const item = this.items[index];
    if (item === undefined) return null;
    if ('problem' in item) {
      this.#problem(index, item.problem.code, { detail: item.problem.detail, param: item.problem.param });
      return null;
    }
    const { call } = this;
    const refusal = call.context.engine.post(call.head(item.key, POST_ROUTE), item.request, (answer) => {
      this.#guarded(() => this.#answered(index, item.key, item.request, answer));
    });
    if (refusal === null) this.#inFlight++;
    return refusal;
  }

  #answered(index: number, key: string, request: PostRequest, answer: Answer): void {
    this.#inFlight--;
    this.#take(index, key, request, answer);
    if (this.#waiting) {
      this.#waiting = false;
      this.#submit();
    } else if (this.#inFlight === 0 && this.#next === this.items.length) {
      this.#finish();
    }
  }

  #take(index: number, key: string, request: PostRequest, answer: Answer): void {
    const { call } = this;
    switch (answer.type) {
      case 'recorded':
        call.sequence = Math.max(call.sequence, answer.sequence);
        if (answer.code !== null) this.#problem(index, answer.code, { details: answer.details, refusal: answer });
        else this.#outcomes[index] = renderItem(201, renderPosted(request, answer, call.id(answer.position)));
        return;
      case 'replay':
        this.#replays.push({ index, key, position: answer.position, fingerprint: answer.fingerprint });
        return;
      case 'answered':
        this.#problem(index, answer.code ?? 'internal_error', { details: answer.details, final: false });
        return;
      case 'unavailable':
        this.#problem(index, answer.code);
        return;
      default:
        this.#problem(index, 'internal_error');
    }
  }

  /** All items are decided; what was replayed is read from the log at once. */
  #finish(): void {
    if (this.#replays.length === 0) {
      this.call.ok(200, renderAll(this.#outcomes));
      return;
    }
    this.#readReplays()
      .catch((error: unknown) => this.#replaysUnread(error))
      .then(() => this.call.ok(200, renderAll(this.#outcomes)))
      .catch((error: unknown) => this.call.fail(error));
  }

  async #readReplays(): Promise<void> {
    const { call } = this;
    const positions = [...new Set(this.#replays.map(({ position }) => position))];
    const records = await call.shard.reader.records(call.book, positions);
    const byPosition = new Map(records.map((record) => [record.position, record]));
    for (const replay of this.#replays) this.#replay(replay, byPosition.get(replay.position));
  }

  /** The other items stand as they were decided; these are to be asked for again. */
  #replaysUnread(error: unknown): void {
    this.call.context.onError(error, 'reading the replays of a batch');
    for (const { index } of this.#replays) this.#problem(index, 'shard_unavailable');
  }

  #replay({ index, key, fingerprint }: Replay, record: RecordView | undefined): void {
    if (record === undefined) throw new Error('the outcome of a key is not in the log');
    if (!isOutcomeOf(record, key, fingerprint)) {
      this.#problem(index, 'key_reused');
      return;
    }
    this.call.sequence = Math.max(this.call.sequence, record.sequence);
    if (record.kind === RecordKind.refused) {
      this.#problem(index, refusalOf(record).code, { details: record.details, refusal: record, replayed: true });
      return;
    }
    if (!isTransaction(record.kind)) throw new Error(`a posting was replayed from a record of kind ${record.kind}`);
    this.#outcomes[index] = renderItem(201, this.call.renderRecord(record), true);
  }

  #problem(index: number, code: ErrorCode, facts: ProblemFacts = {}): void {
    this.#outcomes[index] = renderItem(problemStatus(code), this.call.renderProblem(code, facts), facts.replayed);
  }

  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.call.fail(error);
    }
  }
}
