/**
 * The way back to one front, as a worker sees it. When the ring is full, answers wait here in order and go out as the
 * front drains: they are bounded by the requests that the front may have in flight.
 */
import type { AnswerSink } from './outbox.js';
import { Outbox } from './outbox.js';

const RETRY_MS = 1;
const SPARES_MAX = 32;

export class FrontLink {
  readonly #sink: AnswerSink;
  #backlog: { readonly outbox: Outbox; from: number }[] = [];
  #retry: NodeJS.Timeout | null = null;
  #spares: Outbox[] = [];
  #closed = false;

  constructor(
    readonly front: number,
    sink: AnswerSink,
  ) {
    this.#sink = sink;
  }

  takeOutbox(): Outbox {
    return this.#spares.pop() ?? new Outbox();
  }

  /** Sends all of the outbox, now or as room comes, and takes the outbox back. */
  deliver(outbox: Outbox): void {
    if (this.#closed || outbox.empty) {
      this.#recycle(outbox);
      return;
    }
    if (this.#backlog.length > 0) {
      this.#backlog.push({ outbox, from: 0 });
      return;
    }
    const left = outbox.sendTo(this.#sink, 0);
    if (left === -1) {
      this.#recycle(outbox);
      return;
    }
    this.#backlog.push({ outbox, from: left });
    this.#retryLater();
  }

  /** Answers still on their way to the front. */
  get backlog(): number {
    return this.#backlog.length;
  }

  close(): void {
    this.#closed = true;
    this.#backlog = [];
    if (this.#retry !== null) clearTimeout(this.#retry);
  }

  #recycle(outbox: Outbox): void {
    outbox.clear();
    if (this.#spares.length < SPARES_MAX) this.#spares.push(outbox);
  }

  #retryLater(): void {
    // The front draining its ring does not wake us, so look again: this is rare and means that the front is behind.
    this.#retry = setTimeout(() => {
      this.#retry = null;
      while (this.#backlog.length > 0) {
        const head = this.#backlog[0];
        if (head === undefined) break;
        const left = head.outbox.sendTo(this.#sink, head.from);
        if (left !== -1) {
          head.from = left;
          this.#retryLater();
          return;
        }
        this.#backlog.shift();
        this.#recycle(head.outbox);
      }
    }, RETRY_MS);
  }
}
