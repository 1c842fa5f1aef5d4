/**
 * What a simulated run leaves behind, for the judge: everything that was asked and answered, and all that the virtual
 * database holds at the end. Plain values only, so that a judge needs nothing of the engine.
 *
 * `step` orders all that happened in a run: of two things the one with the lower step came first, and no two share one.
 * Times are µs since 1970; but those named `at` are µs since the run began (EPOCH), of its true time, which never jumps. Engines read clocks of their own, which
 * do: `recordedAt` and `expiresAt` are of these.
 */
import type { Answer, ColdRequest, PostRequest } from '../../src/engine/wire/messages.js';
import type { ErrorCode } from '../../src/ledger/errors.js';
import type { AccountView, EntryView } from '../../src/ledger/view.js';

/** What a front reads from the shard's database, page by page. */
export type DatabaseRead =
  | {
      readonly type: 'read_statement';
      readonly account: string;
      readonly kind: 'posted' | null;
      readonly limit: number;
      /** Not older than the account is in the worker's memory: as with a Consistency-Token. */
      readonly fresh: boolean;
    }
  | { readonly type: 'list_accounts'; readonly prefix: string; readonly limit: number; readonly fresh: boolean };

/** As it was sent, in the wire's own terms. Amounts above 2^53−1 are bigints. */
export type SimulatedCommand = (PostRequest & { readonly type: 'post' }) | ColdRequest | DatabaseRead;

/** What such reads find. */
export type DatabaseAnswer =
  | {
      readonly type: 'statement';
      /** The sequence that lists had to reach. */
      readonly reached: number;
      /** Null: there is no such account. */
      readonly entries: readonly EntryView[] | null;
      /** Whether the last page said that nothing follows. */
      readonly complete: boolean;
    }
  | {
      readonly type: 'accounts';
      readonly reached: number;
      readonly accounts: readonly AccountView[];
      readonly complete: boolean;
    };

/** One request of a client, as it came to a front. A retry is a request of its own, with the same key. */
export interface Operation {
  readonly step: number;
  readonly at: number;
  /** From 0, in the order of `History.operations`. */
  readonly number: number;
  readonly client: number;
  /** Number of the merchant's book. */
  readonly book: number;
  /** Null for dry runs and reads. */
  readonly key: string | null;
  /** With the command and the book it makes the fingerprint: equal requests under a key have equal routes. */
  readonly route: string;
  readonly command: SimulatedCommand;
  /** Which start of the engine it was sent to. Two of them may run at a time. */
  readonly engine: number;
  /** The operation that this one repeats, or null. */
  readonly repeats: number | null;
}

/** What a front that was told `replay` finds in the log: the record at that position. */
export interface ReplayFound {
  /** Null: the log has no record there. */
  readonly row: LogRow | null;
  /** Whether key and fingerprint of the request are those of the record: else the answer is `idempotency_key_reused`. */
  readonly sameKey: boolean;
  readonly samePayload: boolean;
}

/** The one answer of an operation. An operation without one has none for ever: its engine died, or the run ended. */
export interface Answered {
  readonly step: number;
  readonly at: number;
  readonly operation: number;
  /** `refused`: the front itself took nothing (ring or table full, no shard). */
  readonly answer: Answer | DatabaseAnswer | { readonly type: 'refused'; readonly code: ErrorCode };
  /** With an answer of type `replay` only. Read at this step. */
  readonly replay: ReplayFound | null;
  /** False: it was lost on its way to the client, who may ask again. The engine has said it all the same. */
  readonly delivered: boolean;
}

/** A batch that the database holds: durable and visible from this step on. */
export interface CommittedBatch {
  readonly step: number;
  readonly at: number;
  readonly engine: number;
  readonly prev: number;
  readonly last: number;
  readonly epoch: number;
  readonly hash: bigint;
}

/** What the database holds of a batch beside its records. */
export interface SealedRows {
  /** SHA-256 of its row. */
  readonly digest: Uint8Array;
  /** Its rows in binary COPY, header and trailer included. */
  readonly copied: Uint8Array;
}

export interface LogLeg {
  readonly leg: number;
  /** Numbers of accounts: the record of kind 9 that opened an account has its number and, in details, its name. */
  readonly debit: number;
  readonly credit: number;
  readonly currency: number;
  readonly amount: bigint;
  readonly released: bigint;
}

/** A row of the log as the database holds it. Numbers of kinds: `RecordKind` of src/ledger/record.ts. */
export interface LogRow {
  readonly position: number;
  readonly sequence: number;
  readonly book: number;
  readonly kind: number;
  readonly recordedAt: number;
  readonly flags: number;
  /** Of a refusal; null for success. */
  readonly code: ErrorCode | null;
  readonly parent: number;
  readonly effectiveAt: number;
  readonly expiresAt: number;
  readonly legs: readonly LogLeg[];
  /** Account of an account's record, 0 else. */
  readonly account: number;
  /** JSON text. */
  readonly details: string | null;
  readonly key: string | null;
  /** "hi:lo", null without a key. */
  readonly fingerprint: string | null;
  readonly reference: string | null;
  readonly description: string | null;
  readonly metadata: string | null;
}

/** Accounts as somebody holds them. */
export interface AccountState {
  readonly book: number;
  readonly name: string;
  readonly currency: number;
  readonly normalBalance: 'credit' | 'debit';
  readonly open: boolean;
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
  readonly minBalance: bigint | null;
  readonly maxBalance: bigint | null;
  readonly version: number;
  readonly configVersion: number;
}

/** What happened to the world, in words; for whoever reads a failure, and for times of ownership. */
export interface WorldEvent {
  readonly step: number;
  readonly at: number;
  /** `engine_started`, `engine_stopped`, `worker_killed`, `fence_raised`, `clock_jumped`, … */
  readonly what: string;
  readonly engine: number;
  readonly note: string;
}

/** The part of the configuration that decides outcomes; as in `LedgerSettings`, times in µs. */
export interface SimulatedSettings {
  readonly keyWindow: number;
  readonly keysMax: number;
  readonly keysGuaranteed: number;
  readonly accountsMax: number;
  readonly openHoldsMax: number;
  readonly holdDefault: number;
  readonly backdatingMax: number | null;
  readonly customCurrencies: readonly { readonly code: string; readonly exponent: number }[];
}

export interface FinalState {
  /** Positions as the memory of the last owner, after all was committed, and the log have them. */
  readonly memoryHead: number;
  readonly logHead: number;
  /** Digest of the last owner's memory, and that of a ledger that replays the log from its beginning. */
  readonly memoryDigest: string;
  readonly replayDigest: string;
  /** In the last owner's memory, by number from 1. */
  readonly accounts: readonly AccountState[];
  /** What the fold that recovery reads says, brought to the head of the log; by number from 1. */
  readonly folded: readonly AccountState[];
}

/** Of one shard: shards have nothing in common but the engines that serve them. */
export interface History {
  readonly seed: number;
  readonly shard: number;
  /** What each start of the engine was given, by its number. */
  readonly settings: readonly SimulatedSettings[];
  readonly books: readonly {
    readonly book: number;
    readonly merchant: string;
    readonly environment: 'test' | 'live';
  }[];
  /** In order of steps, as are the others. */
  readonly operations: readonly Operation[];
  readonly answers: readonly Answered[];
  readonly batches: readonly CommittedBatch[];
  /** What the batches are sealed with; null where nobody seals. */
  readonly seals: {
    readonly logId: number;
    readonly hashKey: Uint8Array;
    /** One for each of `batches`. */
    readonly rows: readonly SealedRows[];
  } | null;
  readonly log: readonly LogRow[];
  readonly events: readonly WorldEvent[];
  readonly final: FinalState;
}

/** What is wrong, and what each side said. `judge(history): Complaint[]` is exported by `model/judge.ts`. */
export interface Complaint {
  /** Which promise is broken: a short name that does not change with the run, e.g. `durable_before_answered`. */
  readonly rule: string;
  /** The first step at which it can be seen. */
  readonly step: number;
  readonly said: string;
  readonly expected: string;
}
