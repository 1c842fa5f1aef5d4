/**
 * Views: what leaves the ledger for readers. A {@link RecordView} is a log record with names in place of numbers; the
 * same view is made from memory (a fresh outcome) and from SQL (a replay, a read), so the same body is rendered of both.
 */
import type { NormalBalance } from './command.js';
import type { Micros, Position, RecordKind } from './record.js';

export interface LegView {
  /** Index of the leg, of the parent's for actions. */
  readonly leg: number;
  readonly debit: string;
  readonly credit: string;
  /** The code: "EUR". */
  readonly currency: string;
  readonly amount: bigint;
  readonly released: bigint;
}

export interface RecordView {
  readonly position: Position;
  readonly book: number;
  readonly sequence: number;
  readonly kind: RecordKind;
  readonly recordedAt: Micros;
  readonly flags: number;
  /** Number in the error table, 0 for none. */
  readonly code: number;
  readonly parent: Position;
  readonly effectiveAt: Micros;
  readonly expiresAt: Micros;
  readonly legs: readonly LegView[];
  /** JSON text or null. */
  readonly details: string | null;
  readonly key: string | null;
  readonly reference: string | null;
  readonly description: string | null;
  /** JSON text of an object, byte for byte as it was recorded. */
  readonly metadata: string | null;
  /** As two int32 joined in a string "hi:lo"; null without a key. */
  readonly fingerprint: string | null;
}

export type TransactionStatus = 'posted' | 'pending' | 'captured' | 'partially_captured' | 'voided' | 'expired';

/** How one leg of a transaction stands. `held` = captured + remaining + released. */
export interface LegState {
  readonly captured: bigint;
  readonly remaining: bigint;
  readonly released: bigint;
  readonly reversed: bigint;
}

/** A transaction that can be acted on, with its state: a fold of its own record and of its actions. */
export interface TransactionView {
  readonly record: RecordView;
  readonly status: TransactionStatus;
  /** By leg of the record. For kinds that are never parents: empty. */
  readonly legs: readonly LegState[];
}

export interface AccountView {
  readonly number: number;
  readonly book: number;
  readonly name: string;
  readonly currency: string;
  readonly normalBalance: NormalBalance;
  readonly open: boolean;
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
  readonly minBalance: bigint | null;
  readonly maxBalance: bigint | null;
  readonly version: number;
  readonly configVersion: number;
  /** Position of the last record that opened or changed it; its details hold the metadata. */
  readonly configPosition: Position;
  readonly openedAt: Micros;
  /** JSON text, or null; undefined: has some, read the record at `configPosition`. */
  readonly metadata: string | null | undefined;
  /** The merchant's sequence as of which this is true. */
  readonly sequence: number;
}

/** One line of a statement: a record that changed the account, with the counters after it. */
export interface EntryView {
  readonly record: RecordView;
  readonly version: number;
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
}
