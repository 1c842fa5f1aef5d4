/**
 * Commands: what the state machine is asked. Everything in them is parsed and checked for form; whether they may
 * happen is the ledger's to decide. Amounts are bigints of minor units, 1 to 2^63−1; times are {@link Micros}.
 */
import type { Micros, Position, Texts } from './record.js';
import { LEGS_MAX, NO_TEXTS } from './record.js';

/** Who asks, and under which idempotency key. */
export interface CommandHead {
  /** Number of the merchant's book, from the control database. */
  book: number;
  /** False for dry runs and internal commands: nothing is looked up or remembered. */
  keyed: boolean;
  /** Keyed 128-bit hash of (book, key); see hash.ts. */
  readonly keyHash: Int32Array;
  fingerprintHi: number;
  fingerprintLo: number;
  dryRun: boolean;
  /** Key, reference, description, metadata as COPY fields. */
  texts: Texts;
}

/** Amounts are 64-bit signed; a missing bound is no bound. */
export interface AmountTest {
  readonly eq?: bigint;
  readonly gt?: bigint;
  readonly gte?: bigint;
  readonly lt?: bigint;
  readonly lte?: bigint;
}

/** `if` of a transaction: judged by account against the state before it. */
export interface Condition {
  readonly account: string;
  readonly posted?: AmountTest;
  readonly pending_in?: AmountTest;
  readonly pending_out?: AmountTest;
  readonly available?: AmountTest;
  readonly version?: number;
  readonly config_version?: number;
}

export type NormalBalance = 'credit' | 'debit';

/** What an account may be opened with. A missing field is its default: credit, 0 (or none under `external/`), none. */
export interface AccountSettings {
  readonly normal_balance?: NormalBalance;
  /** null: no lower limit. */
  readonly min_balance?: bigint | null;
  readonly max_balance?: bigint | null;
  /** JSON text of an object, or absent. */
  readonly metadata?: string;
}

/** Rare parts of a posting, off the hot layout. */
export interface PostExtras {
  readonly if?: readonly Condition[];
  /** By account name; accounts of the transaction that are missing are opened only if named here or `openAccounts`. */
  readonly open?: Readonly<Record<string, AccountSettings>>;
}

/**
 * A new transaction. One instance is filled from the wire again and again, so it is flat. Names of accounts are ASCII
 * slices of `names`.
 */
export class PostCommand implements CommandHead {
  readonly type = 'post';
  book = 0;
  keyed = false;
  readonly keyHash = new Int32Array(4);
  fingerprintHi = 0;
  fingerprintLo = 0;
  dryRun = false;
  texts: Texts = NO_TEXTS;
  /** Hold the money instead of posting it. */
  pending = false;
  /** `open_accounts: true`: open what is missing, with defaults. */
  openAccounts = false;
  /** How long a hold lives, µs; 0 for the configured default. */
  expiresIn = 0;
  /** 0: when it is recorded. */
  effectiveAt: Micros = 0;
  extras: PostExtras | null = null;
  legCount = 0;
  names: Uint8Array = new Uint8Array(0);
  readonly debitOffset = new Uint32Array(LEGS_MAX);
  readonly debitLength = new Uint8Array(LEGS_MAX);
  readonly creditOffset = new Uint32Array(LEGS_MAX);
  readonly creditLength = new Uint8Array(LEGS_MAX);
  readonly currency = new Uint16Array(LEGS_MAX);
  readonly amount = new BigInt64Array(LEGS_MAX);
}

/** By leg of the parent. Empty: the whole rest of every leg. */
export interface ActionLeg {
  readonly leg: number;
  readonly amount: bigint;
}

interface ActionBase extends CommandHead {
  readonly parent: Position;
  /** `amount` of a one-leg parent; with several legs it is refused as `invalid_leg`. 0n: not given. */
  readonly amount: bigint;
  readonly legs: readonly ActionLeg[];
}
export interface CaptureCommand extends ActionBase {
  readonly type: 'capture';
  /** Release what is left after this capture. */
  readonly final: boolean;
}
export interface VoidCommand extends ActionBase {
  readonly type: 'void';
}
export interface IncrementCommand extends ActionBase {
  readonly type: 'increment';
}
export interface ReverseCommand extends ActionBase {
  readonly type: 'reverse';
  /** Skips limits; never closed accounts, overflow or bounds. */
  readonly force: boolean;
}
export type ActionCommand = CaptureCommand | VoidCommand | IncrementCommand | ReverseCommand;

export interface NewAccount extends AccountSettings {
  readonly name: string;
  /** Number of the currency. */
  readonly currency: number;
}
/** One account, or several of which all are opened or none. */
export interface OpenAccountsCommand extends CommandHead {
  readonly type: 'open_accounts';
  readonly accounts: readonly NewAccount[];
  /** True for `/accounts/batch`: the outcome is headed by a `batch` record. */
  readonly batch: boolean;
}
export interface ChangeAccountCommand extends CommandHead {
  readonly type: 'change_account';
  readonly account: string;
  /** Absent: unchanged. null: no limit. */
  readonly min_balance?: bigint | null;
  readonly max_balance?: bigint | null;
  /** JSON text that replaces the metadata; null removes it. */
  readonly metadata?: string | null;
  /** From If-Match: the `config_version` that it must have. */
  readonly ifMatch?: number;
}
export interface CloseAccountCommand extends CommandHead {
  readonly type: 'close_account' | 'reopen_account';
  readonly account: string;
  readonly ifMatch?: number;
}
/** All items or none; judged item by item in order. Items have no key of their own. */
export interface AtomicBatchCommand extends CommandHead {
  readonly type: 'atomic_batch';
  readonly items: readonly PostCommand[];
}
/** Written by the engine at start for a merchant that this shard has not seen. */
export interface OpenMerchantCommand {
  readonly type: 'open_merchant';
  readonly book: number;
  readonly merchant: string;
  readonly environment: 'test' | 'live';
}
/** Written by the engine at start when what the ledger reads of the configuration has changed. */
export interface ConfigureCommand {
  readonly type: 'configure';
  readonly settings: LedgerSettings;
}

export type Command =
  | PostCommand
  | ActionCommand
  | OpenAccountsCommand
  | ChangeAccountCommand
  | CloseAccountCommand
  | AtomicBatchCommand
  | OpenMerchantCommand
  | ConfigureCommand;

/** The part of the configuration that decides outcomes. It stands in the log, so replay needs no configuration. */
export interface LedgerSettings {
  /** The operator's own currencies; their numbers are 1001, 1002, … in the order in which they first came. */
  readonly customCurrencies: readonly { readonly code: string; readonly exponent: number }[];
  /** How long keys are remembered, µs. A change applies to new keys. */
  readonly keyWindow: Micros;
  /** Most keys remembered at a time, over all books. */
  readonly keysMax: number;
  /** Keys that each book may always use, whatever the others do. */
  readonly keysGuaranteed: number;
  readonly accountsMax: number;
  readonly openHoldsMax: number;
  /** `expires_in` where a request names none, µs. */
  readonly holdDefault: Micros;
  /** How far back `effective_at` may lie, µs; null: unbounded. */
  readonly backdatingMax: Micros | null;
}
