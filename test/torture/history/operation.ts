/**
 * A history: what clients of one merchant asked and heard, in terms of lists. Each posting appends its reference to the
 * statement of every account that it touches; a statement that was read is the list. Nothing here knows the engine.
 */

export interface Append {
  readonly account: string;
  /** Unique over the whole history. */
  readonly element: string;
}

export interface ListRead {
  readonly account: string;
  readonly elements: readonly string[];
}

export interface Operation {
  /** When the client asked, and when it knew the outcome: one clock for all clients, ms. Infinity: it never knew. */
  readonly invokedAt: number;
  readonly endedAt: number;
  /** `failed`: it certainly did nothing. `unknown`: it did all of it, once, or nothing; maybe later. */
  readonly outcome: 'ok' | 'failed' | 'unknown';
  /** All of them happen together. Empty for reads. */
  readonly appends: readonly Append[];
  /** What an `ok` read saw. Empty for postings. */
  readonly reads: readonly ListRead[];
  /** Place in the merchant's own order, where the answer said it. */
  readonly sequence: number | null;
  /** It asked for the present (postings always do). A read that does not may be old, but is never of another order. */
  readonly strict: boolean;
  /** Place in the history of the operation whose token it presented; null: none. */
  readonly tokenOf: number | null;
}

export interface Anomaly {
  readonly name: string;
  /** One line: which operations, and what about them. */
  readonly what: string;
}
