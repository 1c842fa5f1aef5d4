/** What a workload is. Each is a module of its own; registry.ts knows them all. */
import type { RequestSource } from '../load/request.js';

interface Common {
  /** As it is chosen by. */
  readonly name: string;
  /** What it is, in one line. */
  readonly title: string;
  /** Of all that is chosen at random. */
  readonly seed: number;
  /** Dealt evenly to the shards. */
  readonly merchants: number;
  /** Of each merchant, opened before. */
  readonly accounts: number;
  readonly transactionsPerRequest: number;
}

/** Requests of the bench's own generator. */
export interface RequestWorkload extends Common {
  readonly kind: 'requests';
  /** An account that each merchant has beside them: it may never go below zero, and nobody gives it anything. */
  readonly emptyAccount: string | null;
  /** Closed loops of so many connections. */
  readonly connections: readonly number[];
  /** Open loops of so many requests a second. */
  readonly rates: readonly number[];
  source(context: SourceContext): RequestSource;
}

/** `millrace import` of a file, as an operator runs it. */
export interface ImportWorkload extends Common {
  readonly kind: 'import';
  /** Lines of the file. */
  readonly lines: number;
}

export type Workload = RequestWorkload | ImportWorkload;

export interface SourceContext {
  /** Name and port. */
  readonly host: string;
  /** One for each merchant. */
  readonly keys: readonly string[];
  /** From 0 to below 1, the same for the same seed. */
  readonly random: () => number;
  /** What idempotency keys begin with. */
  readonly run: string;
}

/** Of requests with one transaction. */
export const SINGLES = {
  kind: 'requests',
  emptyAccount: null,
  transactionsPerRequest: 1,
  connections: [1, 8, 64, 256, 512],
  rates: [2_000, 5_000, 10_000],
} as const;
