/** What gathers for one commit: the records, and the answers that wait for it. */
import type { BatchEncoder } from '../../store/shard-store.js';
import type { FrontLink } from './front-link.js';
import type { Outbox } from './outbox.js';
import type { Rest } from './rest.js';

export class Batch {
  readonly #outboxes = new Map<FrontLink, Outbox>();

  constructor(readonly encoder: BatchEncoder) {}

  outbox(link: FrontLink): Outbox {
    let outbox = this.#outboxes.get(link);
    if (outbox === undefined) {
      outbox = link.takeOutbox();
      this.#outboxes.set(link, outbox);
    }
    return outbox;
  }

  /** Those who are answered may ask again. */
  expectAnswered(rest: Rest): void {
    for (const [link, { count }] of this.#outboxes) if (count > 0) rest.expect(link, count);
  }

  /** Hands every answer to its front. */
  deliver(): void {
    for (const [link, outbox] of this.#outboxes) link.deliver(outbox);
    this.#outboxes.clear();
  }

  /** The requests whose answers wait here; the answers themselves are dropped. */
  takeWaiting(): { readonly link: FrontLink; readonly requestId: number }[] {
    const waiting: { link: FrontLink; requestId: number }[] = [];
    for (const [link, outbox] of this.#outboxes) {
      for (const requestId of outbox.requestIds()) waiting.push({ link, requestId });
      outbox.clear();
    }
    return waiting;
  }

  clear(): void {
    for (const outbox of this.#outboxes.values()) outbox.clear();
    this.encoder.clear();
  }
}
