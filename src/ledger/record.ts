/**
 * Log records: what a shard's log consists of, in memory.
 *
 * A record holds an outcome, never a question: all that a fold needs stands in it, so a replay takes no clock,
 * no configuration and no look-up. One instance is filled and handed to a {@link LogSink} again and again; a
 * sink that keeps a record copies it ({@link LogRecord.copyFrom}).
 */
import { wordsOf } from './int64.js';

export const LEGS_MAX = 64;

/** Numbers are stored; they are never renamed and never reused. */
export const RecordKind = {
  /** A transaction posted at once. */
  posted: 1,
  /** A transaction that holds money until it is captured, voided or expires. */
  pending: 2,
  capture: 3,
  void: 4,
  increment: 5,
  expiry: 6,
  reversal: 7,
  /** A remembered refusal: the outcome of its idempotency key, moves nothing. */
  refused: 8,
  accountOpened: 9,
  accountChanged: 10,
  accountClosed: 11,
  accountReopened: 12,
  /** An account was asked for again with the fields that it has: answered 200, changes nothing. */
  accountConfirmed: 13,
  /** Heads an atomic unit of several records: holds its key and how many records follow. */
  batch: 14,
  /** A merchant's book appears on this shard. Its sequence is 0, so that the merchant's own records begin at 1. */
  merchantOpened: 15,
  /** Configuration that the state machine reads has changed. Belongs to no book (book 0, sequence 0). */
  configured: 16,
} as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/** Kinds by what they do to the posted and the pending counters of both accounts of each leg. */
export const addsPosted = (kind: RecordKind): boolean =>
  kind === RecordKind.posted || kind === RecordKind.capture || kind === RecordKind.reversal;
export const addsPending = (kind: RecordKind): boolean => kind === RecordKind.pending || kind === RecordKind.increment;
/** Takes `amount + released` off pending: what was captured, and what was let go. */
export const takesPending = (kind: RecordKind): boolean =>
  kind === RecordKind.capture || kind === RecordKind.void || kind === RecordKind.expiry;
/** Kinds whose `parent` is the transaction that they act on. */
export const isAction = (kind: RecordKind): boolean => kind >= RecordKind.capture && kind <= RecordKind.reversal;
/** Kinds that are transactions to the public: `txn_…` ids, `GET /v1/transactions`. */
export const isTransaction = (kind: RecordKind): boolean => kind >= RecordKind.posted && kind <= RecordKind.reversal;

export const RecordFlags = { force: 1, final: 2 } as const;

/** A place in the shard's log, 1, 2, 3, … gapless. Below 2^53. */
export type Position = number;
/** Microseconds since 1970-01-01 UTC, below 2^53 (the year 2255). */
export type Micros = number;

/** `length` bytes from `offset` on. */
export interface ByteSlice {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

/**
 * The four texts of a record (key, reference, description, metadata), in this order, each as a big-endian int32 length
 * (−1 for none) and that many bytes of UTF-8: just as they stand in a row of binary COPY. The ledger carries them and
 * never reads them, so one copy of bytes takes them from the request to the database.
 */
export type Texts = ByteSlice;

/** Four times "none". */
export const NO_TEXTS: Texts = { bytes: new Uint8Array(16).fill(0xff), offset: 0, length: 16 };

/**
 * One record. Fields that a kind does not use are 0 (or null), always reset, so that equal records are equal bytes.
 *
 * Legs by kind: `posted`, `pending`, `increment`, `reversal`: `amount`. `capture`: `amount` captured and `released` let
 * go (with `final`). `void`, `expiry`: `released` only, `amount` 0. Account kinds: `debit[0]` is the account's number
 * and legCount is 0.
 */
export class LogRecord {
  position: Position = 0;
  /** Number of the merchant's book (merchant and environment); 0 for records of the shard itself. */
  book = 0;
  /** The merchant's own gapless count. */
  sequence = 0;
  kind: RecordKind = RecordKind.posted;
  recordedAt: Micros = 0;
  /** {@link RecordFlags} */
  flags = 0;
  /** The refusal's number in the error table; 0 for success. */
  code = 0;
  /** Position of the transaction acted on; 0 for none. For `refused` too, where there is one. */
  parent: Position = 0;
  effectiveAt: Micros = 0;
  /** When a hold lapses; 0 for none. */
  expiresAt: Micros = 0;
  /** Keyed 64-bit fingerprint of the request; 0, 0 without a key. */
  fingerprintHi = 0;
  fingerprintLo = 0;
  /** True if this record is the outcome of an idempotency key (its text is in `texts`). */
  keyed = false;
  /** Keyed 128-bit hash of (book, key) as four int32; meaningful where `keyed`. Not stored in the log: see keyHash. */
  readonly keyHash = new Int32Array(4);
  legCount = 0;
  /** Index of the parent's leg (actions), else the leg's own index. */
  readonly leg = new Uint8Array(LEGS_MAX);
  /** Account numbers. */
  readonly debit = new Int32Array(LEGS_MAX);
  readonly credit = new Int32Array(LEGS_MAX);
  readonly currency = new Uint16Array(LEGS_MAX);
  readonly amount = new BigInt64Array(LEGS_MAX);
  readonly released = new BigInt64Array(LEGS_MAX);
  /** The same memory by halves (int64.ts): a view of its own at every use would cost more than what it reads. */
  readonly amountWords = wordsOf(this.amount);
  readonly releasedWords = wordsOf(this.released);
  /** JSON text: what the kind needs beyond columns (see details.ts), or null. */
  details: string | null = null;
  texts: Texts = NO_TEXTS;

  reset(): void {
    this.position = 0;
    this.book = 0;
    this.sequence = 0;
    this.kind = RecordKind.posted;
    this.recordedAt = 0;
    this.flags = 0;
    this.code = 0;
    this.parent = 0;
    this.effectiveAt = 0;
    this.expiresAt = 0;
    this.fingerprintHi = 0;
    this.fingerprintLo = 0;
    this.keyed = false;
    this.legCount = 0;
    this.debit[0] = 0;
    this.details = null;
    this.texts = NO_TEXTS;
  }

  /** A deep copy, texts included; for sinks that keep records (tests, views). */
  copyFrom(from: LogRecord): this {
    this.position = from.position;
    this.book = from.book;
    this.sequence = from.sequence;
    this.kind = from.kind;
    this.recordedAt = from.recordedAt;
    this.flags = from.flags;
    this.code = from.code;
    this.parent = from.parent;
    this.effectiveAt = from.effectiveAt;
    this.expiresAt = from.expiresAt;
    this.fingerprintHi = from.fingerprintHi;
    this.fingerprintLo = from.fingerprintLo;
    this.keyed = from.keyed;
    this.keyHash.set(from.keyHash);
    this.legCount = from.legCount;
    this.leg.set(from.leg);
    this.debit.set(from.debit);
    this.credit.set(from.credit);
    this.currency.set(from.currency);
    this.amount.set(from.amount);
    this.released.set(from.released);
    this.details = from.details;
    const { bytes, offset, length } = from.texts;
    this.texts = { bytes: bytes.slice(offset, offset + length), offset: 0, length };
    return this;
  }
}

/** Takes records in log order. `append` must have copied all that it keeps before it returns. */
export interface LogSink {
  append(record: LogRecord): void;
  /** A mark to return to, when a unit of several records is refused half-way. */
  mark(): number;
  /** Forgets all records appended after the mark. */
  rewind(mark: number): void;
}
