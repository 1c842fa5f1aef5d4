/** What a decision should leave in the log and say to the client, in terms of the contract. */
import type { ErrorCode } from '../../../src/ledger/errors.js';
import type { Draft } from './state.js';

export interface ExpectedLeg {
  readonly leg: number;
  readonly debit: string;
  readonly credit: string;
  readonly currency: number;
  readonly amount: bigint;
  readonly released: bigint;
}

/** A row of the log, without its place and without the times that only the engine's clock can say. */
export interface ExpectedRow {
  readonly kind: number;
  readonly code: ErrorCode | null;
  readonly parent: number;
  readonly flags: number;
  readonly effectiveAt: number;
  readonly expiresAt: number;
  readonly legs: readonly ExpectedLeg[];
  /** Name of an account's record, else null. */
  readonly account: string | null;
  /** What its details must say at least; by field. */
  readonly details: Readonly<Record<string, unknown>>;
  readonly texts: {
    readonly reference: string | null;
    readonly description: string | null;
    readonly metadata: string | null;
  } | null;
  /** Whether it is the outcome of the command's key. */
  readonly answers: boolean;
}

export interface Problem {
  readonly code: ErrorCode;
  /** Facts that its details must hold. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** An account of which it is true. Where there are several, any of them may be named. */
  readonly about?: string;
  readonly abouts?: readonly string[];
  /** What `param` begins with. */
  readonly item?: string;
}

export type Decision =
  | { readonly problem: null; readonly rows: readonly ExpectedRow[]; readonly draft: Draft }
  | { readonly problem: Problem; readonly parent: number };

export const NO_TEXTS = { reference: null, description: null, metadata: null };

export const plainRow = (kind: number): ExpectedRow => ({
  kind,
  code: null,
  parent: 0,
  flags: 0,
  effectiveAt: 0,
  expiresAt: 0,
  legs: [],
  account: null,
  details: {},
  texts: null,
  answers: false,
});
