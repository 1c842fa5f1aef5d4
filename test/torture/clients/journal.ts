/**
 * What the clients of one merchant asked and were told: every writing request under its own key, and the history of
 * postings and statements for the checker.
 */
import type { Append, ListRead, Operation } from '../history/operation.js';
import type { Answer, Request } from './http.js';
import { isFinal, isUnknown } from './http.js';

/** How a success changes what accounts have posted. */
export type Effect = readonly [account: string, change: number];

export interface Entry {
  readonly request: Request & { readonly key: string };
  /** Of a success. */
  readonly effects: readonly Effect[];
  readonly appends: readonly Append[];
  readonly invokedAt: number;
  /** Epoch of the shard as it was last seen when the request was first sent. */
  readonly epoch: number;
  endedAt: number;
  /** The first answer that settles it. */
  settled: Answer | null;
  /** Some answer, or the lack of one, left its outcome open. */
  wasUnknown: boolean;
  /** Its place in the history. */
  readonly operation: number;
}

interface Slot {
  readonly entry: Entry | null;
  readonly read: Operation | null;
}

export class Journal {
  readonly entries: Entry[] = [];
  readonly #slots: Slot[] = [];
  readonly #lists = new Set<string>();
  /** Successes. */
  posted = 0;

  /** Notes a request before it is sent. */
  begin(request: Entry['request'], effects: readonly Effect[], appends: readonly Append[], epoch: number): Entry {
    const entry: Entry = {
      request,
      effects,
      appends,
      epoch,
      invokedAt: performance.now(),
      endedAt: Number.POSITIVE_INFINITY,
      settled: null,
      wasUnknown: false,
      operation: this.#slots.length,
    };
    for (const { account } of appends) this.#lists.add(account);
    this.#slots.push({ entry, read: null });
    this.entries.push(entry);
    return entry;
  }

  /** Notes an answer to it, or that there was none. @returns true if that settles it */
  note(entry: Entry, answer: Answer | null): boolean {
    if (isUnknown(answer)) entry.wasUnknown = true;
    if (!isFinal(answer)) return false;
    if (entry.settled === null) {
      entry.settled = answer;
      entry.endedAt = performance.now();
      if (answer.status === 201) this.posted++;
    }
    return true;
  }

  /** Notes a statement that was read. @returns its place in the history */
  read(invokedAt: number, read: ListRead, strict: boolean, tokenOf: number | null): number {
    const operation: Operation = {
      invokedAt,
      endedAt: performance.now(),
      outcome: 'ok',
      appends: [],
      reads: [read],
      sequence: null,
      strict,
      tokenOf,
    };
    return this.#slots.push({ entry: null, read: operation }) - 1;
  }

  /** Accounts whose statements are lists of the history. */
  get lists(): ReadonlySet<string> {
    return this.#lists;
  }

  /** All operations; those that append nothing are there for their sequence and their tokens. */
  history(): Operation[] {
    return this.#slots.map(({ entry, read }) => read ?? operationOf(entry as Entry)); // one of the two is there
  }

  /** Balances as the successes make them. */
  balances(): Map<string, number> {
    const balances = new Map<string, number>();
    for (const { settled, effects } of this.entries) {
      if (settled?.status !== 201) continue;
      for (const [account, change] of effects) balances.set(account, (balances.get(account) ?? 0) + change);
    }
    return balances;
  }
}

function operationOf({ invokedAt, endedAt, settled, appends }: Entry): Operation {
  const outcome = settled === null ? 'unknown' : settled.status === 201 ? 'ok' : 'failed';
  const sequence = outcome === 'ok' ? (settled?.body.sequence ?? null) : null;
  return { invokedAt, endedAt, outcome, appends, reads: [], sequence, strict: true, tokenOf: null };
}
