/**
 * What fronts and workers say to each other. Postings travel in a hand-written layout (post.ts), everything else as
 * msgpack of these types (cold.ts); a fresh success of a posting comes back in a hand-written layout too.
 */
import type { AccountSettings, ActionLeg, NewAccount, PostExtras } from '../../ledger/command.js';
import type { ErrorCode } from '../../ledger/errors.js';
import type { Micros, Position } from '../../ledger/record.js';
import type { AccountView, RecordView } from '../../ledger/view.js';
import type { PlainPosts } from './plain-post.js';

/** Where a merchant's ledger is. */
export interface MerchantPlace {
  /** Index of the shard in the configuration. */
  readonly shard: number;
  readonly book: number;
}

/** The merchant's side of a request: which ledger it is for, and under which key. */
export interface RequestHead extends MerchantPlace {
  /** Bare idempotency key, 1–255 printable ASCII; null for dry runs and reads. */
  readonly key: string | null;
  /** Method, route and path id, e.g. "POST /v1/transactions/{id}/capture 1234": part of the fingerprint. */
  readonly route: string;
}

export interface LegRequest {
  readonly debit: string;
  readonly credit: string;
  /** A safe integer, or a bigint beyond. */
  readonly amount: number | bigint;
  /** Number of the currency. */
  readonly currency: number;
  /** The code, for the answer. */
  readonly currencyCode: string;
}

/** A new transaction as parsed from a body; absent texts are null. */
export interface PostRequest {
  readonly legs: readonly LegRequest[];
  readonly pending: boolean;
  /** µs; 0: the default. */
  readonly expiresIn: Micros;
  /** µs; 0: when it is recorded. */
  readonly effectiveAt: Micros;
  readonly openAccounts: boolean;
  readonly dryRun: boolean;
  readonly reference: string | null;
  readonly description: string | null;
  /** JSON text of an object. */
  readonly metadata: string | null;
  readonly extras: PostExtras | null;
}

export interface ActionRequest {
  readonly type: 'capture' | 'void' | 'increment' | 'reverse';
  readonly parent: Position;
  /** 0n: not given. */
  readonly amount: bigint;
  readonly legs: readonly ActionLeg[];
  readonly final: boolean;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly reference: string | null;
  readonly description: string | null;
  readonly metadata: string | null;
}

export interface OpenAccountsRequest {
  readonly type: 'open_accounts';
  readonly accounts: readonly NewAccount[];
  readonly batch: boolean;
}
export interface ChangeAccountRequest extends Omit<AccountSettings, 'metadata' | 'normal_balance'> {
  readonly type: 'change_account';
  readonly account: string;
  readonly metadata?: string | null;
  readonly ifMatch?: number;
}
export interface CloseAccountRequest {
  readonly type: 'close_account' | 'reopen_account';
  readonly account: string;
  readonly ifMatch?: number;
}
export interface AtomicBatchRequest {
  readonly type: 'atomic_batch';
  readonly items: readonly PostRequest[];
  readonly dryRun: boolean;
}
/** Reads from memory; answered when what they saw is committed. */
export interface ReadAccountRequest {
  readonly type: 'read_account';
  readonly account: string;
}
/** The merchant's committed sequence. */
export interface ReadHeadRequest {
  readonly type: 'read_head';
}

/** Everything but a posting. */
export type ColdRequest =
  | ActionRequest
  | OpenAccountsRequest
  | ChangeAccountRequest
  | CloseAccountRequest
  | AtomicBatchRequest
  | ReadAccountRequest
  | ReadHeadRequest;

/** Of these, what comes seldom: it goes as msgpack. */
export type RareRequest = Exclude<ColdRequest, ReadAccountRequest>;

export type Answer =
  /** In the log and committed. `code` null: success; else a remembered refusal. */
  | {
      readonly type: 'recorded';
      readonly code: ErrorCode | null;
      readonly position: Position;
      readonly sequence: number;
      readonly recordedAt: Micros;
      readonly expiresAt: Micros;
      /** JSON text of a refusal's facts, or null. */
      readonly details: string | null;
      /** Actions and atomic batches: the new transactions, in order. Empty for a posting: the front has all of it. */
      readonly records: readonly RecordView[];
      /** Account requests: the accounts as of their records, in the order of the request. */
      readonly accounts: readonly AccountView[];
    }
  /** Nothing was recorded: a problem that is not remembered, or a dry run's preview. */
  | {
      readonly type: 'answered';
      readonly code: ErrorCode | null;
      readonly details: string | null;
      readonly records: readonly RecordView[];
    }
  /** The key has an outcome at this position: read it from the log, compare key and fingerprint, render it. */
  | { readonly type: 'replay'; readonly position: Position; readonly fingerprint: string }
  | { readonly type: 'account'; readonly account: AccountView | null; readonly sequence: number }
  | { readonly type: 'head'; readonly sequence: number; readonly recordedAt: Micros }
  /** overloaded, shard_unavailable, draining, outcome_unknown, key_in_flight, clock_disagrees, internal_error. */
  | { readonly type: 'unavailable'; readonly code: ErrorCode; readonly retryAfterSeconds: number };

/** Called once, on the front's thread, never before `submit` returns. */
export type OnAnswer = (answer: Answer) => void;

/**
 * Whoever waits for postings. One receiver may wait for many: each is known to it by the tag that it gave. For each
 * one of the two is called, once, on the front's thread, and never before `post` returns.
 *
 * An object and a number, and numbers back: nothing is made for a posting or its answer, where a closure and an
 * `Answer` for each were most of a front's garbage.
 */
export interface AnswerReceiver {
  /** A fresh success, as {@link Answer} has it. */
  recorded(tag: number, position: Position, sequence: number, recordedAt: Micros, expiresAt: Micros): void;
  /** Everything else. */
  answered(tag: number, answer: Answer): void;
}

/** The engine as a front sees it. */
export interface EngineClient {
  /**
   * Puts a posting on the ring of its worker.
   * @param tag the receiver's own, an int32
   * @returns null if it was taken (an answer follows), else why nothing was taken: `overloaded` (ring or table of
   *   in-flight requests full), `shard_unavailable`, `draining`
   */
  post(head: RequestHead, request: PostRequest, receiver: AnswerReceiver, tag: number): ErrorCode | null;
  /**
   * The same for a posting of the hot shape, straight from the bytes of its body.
   * @param key where it does not stand in the body: 1–255 printable ASCII
   */
  postPlain(
    merchant: MerchantPlace,
    key: string | null,
    posts: PlainPosts,
    index: number,
    receiver: AnswerReceiver,
    tag: number,
  ): ErrorCode | null;
  /** Asks for everything else. */
  ask(head: RequestHead, request: ColdRequest, onAnswer: OnAnswer): ErrorCode | null;
}
