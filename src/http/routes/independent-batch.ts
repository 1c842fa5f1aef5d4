/**
 * An independent batch: its items go to the engine one by one, in order, as if each were a request of its own, and
 * their outcomes come back in the order of the request.
 */
import type { Answer, AnswerReceiver } from '../../engine/wire/messages.js';
import type { ErrorCode } from '../../ledger/errors.js';
import type { Micros, Position } from '../../ledger/record.js';
import { isTransaction, RecordKind } from '../../ledger/record.js';
import type { RecordView } from '../../ledger/view.js';
import { problemStatus } from '../problem.js';
import { renderItem } from '../render/list.js';
import type { BatchItems } from './batch-items.js';
import type { Call, ProblemFacts } from './call.js';
import { isOutcomeOf, refusalOf } from './replay.js';

/** Items given to the engine in one turn of the event loop, so that a batch does not hold up other requests. */
const ITEMS_A_TURN = 512;

interface Replay {
  readonly index: number;
  readonly key: string;
  readonly position: Position;
  readonly fingerprint: string;
}

export class IndependentBatch implements AnswerReceiver {
  readonly #replays: Replay[] = [];
  #next = 0;
  #inFlight = 0;
  /** The engine is full of this batch's own items: it goes on when one of them is answered. */
  #waiting = false;

  constructor(
    readonly call: Call,
    readonly items: BatchItems,
  ) {}

  start(): void {
    this.#submit();
  }

  #submit(): void {
    const endOfTurn = Math.min(this.#next + ITEMS_A_TURN, this.items.count);
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
    if (this.#next < this.items.count) setImmediate(() => this.#guarded(() => this.#submit()));
    else if (this.#inFlight === 0) this.#finish();
  }

  #post(index: number): ErrorCode | null {
    const fault = this.items.faultOf(index);
    if (fault !== null) {
      this.#problem(index, fault.code, { detail: fault.detail, param: fault.param });
      return null;
    }
    const refusal = this.items.post(this.call, index, this);
    if (refusal === null) this.#inFlight++;
    return refusal;
  }

  recorded(index: number, position: Position, sequence: number, recordedAt: Micros, expiresAt: Micros): void {
    const { call } = this;
    this.#inFlight--;
    try {
      if (sequence > call.sequence) call.sequence = sequence;
      this.items.posted(call, index, position, sequence, recordedAt, expiresAt);
      if (this.#waiting || this.#inFlight === 0) this.#goOn();
    } catch (error) {
      call.fail(error);
    }
  }

  answered(index: number, answer: Answer): void {
    this.#inFlight--;
    this.#guarded(() => {
      this.#take(index, answer);
      this.#goOn();
    });
  }

  #goOn(): void {
    if (this.#waiting) {
      this.#waiting = false;
      this.#submit();
    } else if (this.#inFlight === 0 && this.#next === this.items.count) {
      this.#finish();
    }
  }

  #take(index: number, answer: Answer): void {
    switch (answer.type) {
      case 'recorded': {
        const { call } = this;
        call.sequence = Math.max(call.sequence, answer.sequence);
        // A success is told to `recorded`.
        this.#problem(index, answer.code ?? 'internal_error', { details: answer.details, refusal: answer });
        return;
      }
      case 'replay': {
        const { position, fingerprint } = answer;
        this.#replays.push({ index, key: this.items.keyOf(index), position, fingerprint });
        return;
      }
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
      this.items.answer(this.call);
      return;
    }
    this.#readReplays()
      .catch((error: unknown) => this.#replaysUnread(error))
      .then(() => this.items.answer(this.call))
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
    this.items.decided(index, renderItem(201, this.call.renderRecord(record), true));
  }

  #problem(index: number, code: ErrorCode, facts: ProblemFacts = {}): void {
    const problem = this.call.renderProblem(code, facts);
    this.items.decided(index, renderItem(problemStatus(code), problem, facts.replayed));
  }

  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.call.fail(error);
    }
  }
}
