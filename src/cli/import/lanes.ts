/**
 * Sends items in batches, several batches at a time, and keeps the order of each account: an account with an item on its
 * way belongs to that item's lane, and a lane has one batch on its way at a time. An item whose accounts belong to
 * several lanes waits until all but one have let go.
 */
import type { Item } from './map.js';

export interface Pending {
  readonly item: Item;
}

export interface LaneBounds {
  readonly lanes: number;
  readonly batchItemsMax: number;
  readonly batchBytesMax: number;
}

/** Batches that may wait in a lane behind the one on its way. */
const QUEUED_BATCHES_MAX = 2;

interface Lane<P extends Pending> {
  readonly queue: P[];
  running: boolean;
}

interface Hold {
  readonly lane: number;
  items: number;
}

export class Lanes<P extends Pending> {
  readonly #bounds: LaneBounds;
  readonly #send: (batch: readonly P[]) => Promise<void>;
  readonly #lanes: readonly Lane<P>[];
  readonly #holds = new Map<string, Hold>();
  #failure: { readonly error: unknown } | null = null;
  /** The one reader, waiting for any lane to move. */
  #wake: (() => void) | null = null;

  /** @param send resolves when every item of the batch has its outcome; a rejection ends everything */
  constructor(bounds: LaneBounds, send: (batch: readonly P[]) => Promise<void>) {
    this.#bounds = bounds;
    this.#send = send;
    this.#lanes = Array.from({ length: bounds.lanes }, () => ({ queue: [], running: false }));
  }

  /** Waits for room. One call at a time. @throws what a send threw */
  async add(pending: P): Promise<void> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure.error;
      const lane = this.#laneFor(pending.item.ordered);
      if (lane !== null && this.#push(lane, pending)) return;
      await this.#moved();
    }
  }

  /** Waits until everything has its outcome. @throws what a send threw */
  async drain(): Promise<void> {
    while (this.#lanes.some(({ running }) => running)) await this.#moved();
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** @returns null while the accounts belong to several lanes */
  #laneFor(accounts: readonly string[]): number | null {
    let lane: number | null = null;
    for (const account of accounts) {
      const held = this.#holds.get(account)?.lane;
      if (held === undefined) continue;
      if (lane !== null && lane !== held) return null;
      lane = held;
    }
    if (lane !== null) return lane;
    let shortest = 0;
    for (const [index, { queue, running }] of this.#lanes.entries()) {
      if (queue.length + Number(running) < this.#loadOf(shortest)) shortest = index;
    }
    return shortest;
  }

  #loadOf(index: number): number {
    const lane = this.#lanes[index];
    return lane === undefined ? Number.POSITIVE_INFINITY : lane.queue.length + Number(lane.running);
  }

  /** @returns false where the lane is full */
  #push(index: number, pending: P): boolean {
    const lane = this.#lanes[index];
    if (lane === undefined || lane.queue.length >= this.#bounds.batchItemsMax * QUEUED_BATCHES_MAX) return false;
    lane.queue.push(pending);
    for (const account of pending.item.ordered) {
      const hold = this.#holds.get(account);
      if (hold === undefined) this.#holds.set(account, { lane: index, items: 1 });
      else hold.items++;
    }
    if (!lane.running) {
      lane.running = true;
      // Begins in a later turn: what the reader has ready by then goes along.
      setImmediate(() => void this.#run(lane));
    }
    return true;
  }

  async #run(lane: Lane<P>): Promise<void> {
    try {
      while (lane.queue.length > 0 && this.#failure === null) {
        const batch = this.#takeBatch(lane.queue);
        await this.#send(batch);
        for (const { item } of batch) this.#release(item.ordered);
        this.#wakeReader();
      }
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      lane.running = false;
      this.#wakeReader();
    }
  }

  #takeBatch(queue: P[]): readonly P[] {
    const keys = new Set<string>();
    let bytes = 0;
    let count = 0;
    for (const { item } of queue) {
      bytes += item.json.length + 1;
      // A key twice in one batch would have the whole of it refused: the second one waits for its own batch.
      if (count === this.#bounds.batchItemsMax || keys.has(item.key)) break;
      if (count > 0 && bytes > this.#bounds.batchBytesMax) break;
      keys.add(item.key);
      count++;
    }
    return queue.splice(0, count);
  }

  #release(accounts: readonly string[]): void {
    for (const account of accounts) {
      const hold = this.#holds.get(account);
      if (hold !== undefined && --hold.items === 0) this.#holds.delete(account);
    }
  }

  #moved(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #wakeReader(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
