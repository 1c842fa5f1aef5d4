/** A history made easy to ask. */
import type { Answered, CommittedBatch, History, LogRow, Operation } from '../history.js';
import { sorted } from './accounts.js';
import { keyKey } from './state.js';

/** Answers of one engine as they came: up to which position of the log somebody has been told. */
interface Told {
  readonly steps: number[];
  readonly positions: number[];
}

export class HistoryIndex {
  readonly answerOf = new Map<number, Answered>();
  readonly byKey = new Map<string, Operation[]>();
  readonly codes = new Map<number, string>();
  /** Positions of the records of a book, in order: that of sequence n stands at n − 1. */
  readonly positionsOf = new Map<number, number[]>();
  readonly #told = new Map<number, Told>();
  readonly #payloads = new Map<number, string>();
  readonly #batches: readonly CommittedBatch[];
  /** Who raised the fence when, in order. */
  readonly #raises: readonly { readonly step: number; readonly engine: number }[];

  constructor(readonly history: History) {
    this.#batches = [...history.batches].sort((a, b) => a.last - b.last);
    this.#raises = history.events
      .filter(({ what }) => what === 'fence_raised')
      .map(({ step, engine }) => ({ step, engine }))
      .sort((a, b) => a.step - b.step);
    for (const row of history.log) if (row.sequence > 0) listIn(this.positionsOf, row.book).push(row.position);
    for (const one of history.operations) {
      if (one.key !== null) listIn(this.byKey, keyKey(one.book, one.key)).push(one);
      this.#noteCodes(one);
    }
    for (const one of history.answers) {
      if (!this.answerOf.has(one.operation)) this.answerOf.set(one.operation, one);
      this.#noteTold(one);
    }
  }

  row(position: number): LogRow | undefined {
    return this.history.log[position - 1];
  }

  operation(number: number): Operation | undefined {
    return this.history.operations[number];
  }

  /** The batch that holds a position. */
  batchOf(position: number): CommittedBatch | undefined {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#batches[middle] as CommittedBatch).last < position) low = middle + 1;
      else high = middle;
    }
    const batch = this.#batches[low];
    return batch !== undefined && batch.prev < position ? batch : undefined;
  }

  /** The end of the committed log at a step. */
  committedAt(step: number): number {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#batches[middle] as CommittedBatch).step <= step) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : (this.#batches[low - 1] as CommittedBatch).last;
  }

  /**
   * What a command sent at this step must at least have seen: all that its engine had told anybody, and of what others had
   * told, all that was committed before the engine lost the shard. An owner that has lost it and has not noticed answers what
   * is committed, and may be old; engines take a shard from each other back and forth, so their numbers do not say who is later.
   */
  toldBefore(engine: number, step: number): number {
    const known = this.#knownBy(engine, step);
    let most = 0;
    for (const [of, { steps, positions }] of this.#told) {
      let low = 0;
      let high = steps.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((steps[middle] as number) < step) low = middle + 1;
        else high = middle;
      }
      const told = low > 0 ? (positions[low - 1] as number) : 0;
      most = Math.max(most, of === engine ? told : Math.min(told, known));
    }
    return most;
  }

  /** Up to where the log was when the engine last was its owner: its end at this step, if it still is. */
  #knownBy(engine: number, step: number): number {
    let lastOwn = -1;
    for (let at = 0; at < this.#raises.length && (this.#raises[at]?.step ?? 0) < step; at++) {
      if (this.#raises[at]?.engine === engine) lastOwn = at;
    }
    if (lastOwn < 0) return 0;
    const next = this.#raises.slice(lastOwn + 1).find((raise) => raise.engine !== engine);
    return this.committedAt(next === undefined ? step : Math.min(step, next.step));
  }

  /** Equal for operations that ask for the same. */
  payload(one: Operation): string {
    let payload = this.#payloads.get(one.number);
    if (payload === undefined) {
      payload = `${one.route} ${sorted(one.command)}`;
      this.#payloads.set(one.number, payload);
    }
    return payload;
  }

  samePayload(a: Operation, b: Operation): boolean {
    return a === b || (a.route === b.route && a.command === b.command) || this.payload(a) === this.payload(b);
  }

  #noteCodes({ command }: Operation): void {
    const posts = command.type === 'post' ? [command] : command.type === 'atomic_batch' ? command.items : [];
    for (const { legs } of posts) for (const { currency, currencyCode } of legs) this.codes.set(currency, currencyCode);
  }

  #noteTold({ operation, step, answer }: Answered): void {
    const asked = this.history.operations[operation];
    if (asked === undefined) return;
    let position = 0;
    if (answer.type === 'recorded' || answer.type === 'replay') position = answer.position;
    else if (answer.type === 'account' || answer.type === 'head') {
      position = this.positionsOf.get(asked.book)?.[answer.sequence - 1] ?? 0;
    }
    let told = this.#told.get(asked.engine);
    if (told === undefined) {
      told = { steps: [], positions: [] };
      this.#told.set(asked.engine, told);
    }
    told.steps.push(step);
    told.positions.push(Math.max(position, told.positions.at(-1) ?? 0));
  }
}

function listIn<Key, Value>(lists: Map<Key, Value[]>, key: Key): Value[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}
