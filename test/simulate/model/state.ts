/**
 * The second ledger: plain objects in plain maps, written from the contract and not from the engine, and slow where
 * slow is obvious. Accounts and transactions are never changed in place: a change puts a new object where the old one
 * was, so that what was true earlier can be kept by keeping the object.
 */

export const INT64_MAX = 2n ** 63n - 1n;

export const Kind = {
  posted: 1,
  pending: 2,
  capture: 3,
  void: 4,
  increment: 5,
  expiry: 6,
  reversal: 7,
  refused: 8,
  accountOpened: 9,
  accountChanged: 10,
  accountClosed: 11,
  accountReopened: 12,
  accountConfirmed: 13,
  batch: 14,
  merchantOpened: 15,
  configured: 16,
} as const;

/** What an account may be opened with, all of it spelled out. */
export interface Settings {
  readonly normal: 'credit' | 'debit';
  readonly min: bigint | null;
  readonly max: bigint | null;
  /** JSON text with sorted keys, or null. */
  readonly metadata: string | null;
}

export interface Account {
  readonly number: number;
  readonly book: number;
  readonly name: string;
  readonly currency: number;
  readonly normal: 'credit' | 'debit';
  readonly min: bigint | null;
  readonly max: bigint | null;
  readonly metadata: string | null;
  readonly open: boolean;
  readonly version: number;
  readonly configVersion: number;
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
  /** As it was opened: what a repeated opening is compared with. */
  readonly opened: Settings;
}

export interface TransactionLeg {
  readonly debit: string;
  readonly credit: string;
  readonly currency: number;
  readonly amount: bigint;
  readonly held: bigint;
  readonly captured: bigint;
  readonly released: bigint;
  readonly reversed: bigint;
}

export interface Transaction {
  readonly position: number;
  readonly book: number;
  readonly kind: number;
  readonly expiresAt: number;
  readonly legs: readonly TransactionLeg[];
  /** How the last of what was let go went: decides between `voided` and `expired`. */
  readonly lastRelease: 'none' | 'void' | 'expiry';
}

export interface RememberedKey {
  readonly position: number;
  readonly recordedAt: number;
  readonly until: number;
}

/** The part of the configuration that decides; from `configured` records. */
export interface Configuration {
  readonly keyWindow: number;
  readonly keysMax: number;
  readonly keysGuaranteed: number;
  readonly accountsMax: number;
  readonly openHoldsMax: number;
  readonly holdDefault: number;
  readonly backdatingMax: number | null;
}

export const accountKey = (book: number, name: string): string => `${book} ${name}`;
export const keyKey = (book: number, key: string): string => `${book} ${key}`;

export const posted = (one: Account): bigint =>
  one.normal === 'credit' ? one.creditsPosted - one.debitsPosted : one.debitsPosted - one.creditsPosted;
export const pendingIn = (one: Account): bigint => (one.normal === 'credit' ? one.creditsPending : one.debitsPending);
export const pendingOut = (one: Account): bigint => (one.normal === 'credit' ? one.debitsPending : one.creditsPending);
export const available = (one: Account): bigint => posted(one) - pendingOut(one);

export const rest = (leg: TransactionLeg): bigint => leg.held - leg.captured - leg.released;
export const isOpenHold = (one: Transaction): boolean => one.legs.some((leg) => rest(leg) > 0n);
export const reversible = (one: Transaction, leg: TransactionLeg): bigint =>
  (one.kind === Kind.posted ? leg.amount : leg.captured) - leg.reversed;

export function statusOf(one: Transaction): string {
  if (one.kind !== Kind.pending) return 'posted';
  const captured = one.legs.some((leg) => leg.captured > 0n);
  if (isOpenHold(one)) return captured ? 'partially_captured' : 'pending';
  if (captured) return 'captured';
  return one.lastRelease === 'expiry' ? 'expired' : 'voided';
}

/** What deciding needs of a ledger; a {@link Draft} lays changes over it. */
export interface LedgerView {
  readonly configuration: Configuration;
  readonly accountCount: number;
  readonly openHolds: number;
  account(book: number, name: string): Account | undefined;
  transaction(position: number): Transaction | undefined;
}

export class ModelLedger implements LedgerView {
  head = 0;
  lastRecordedAt = 0;
  configuration: Configuration;
  /** The longest time for which keys have been remembered so far. */
  keyWindowMax: number;
  /** Sequence of the last record, by book. */
  readonly sequences = new Map<number, number>();
  readonly accounts = new Map<string, Account>();
  readonly names: string[] = [];
  readonly transactions = new Map<number, Transaction>();
  readonly holds = new Set<number>();
  readonly keys = new Map<string, RememberedKey>();
  /** Remembered keys of each book by recorded time, oldest first: for the bounds. */
  readonly keyTimes = new Map<number, { readonly recordedAt: number; readonly until: number }[]>();

  constructor(configuration: Configuration) {
    this.configuration = configuration;
    this.keyWindowMax = configuration.keyWindow;
  }

  configure(configuration: Configuration): void {
    this.configuration = configuration;
    this.keyWindowMax = Math.max(this.keyWindowMax, configuration.keyWindow);
  }

  get accountCount(): number {
    return this.names.length;
  }
  get openHolds(): number {
    return this.holds.size;
  }
  account(book: number, name: string): Account | undefined {
    return this.accounts.get(accountKey(book, name));
  }
  transaction(position: number): Transaction | undefined {
    return this.transactions.get(position);
  }

  putAccount(one: Account): void {
    const key = accountKey(one.book, one.name);
    if (!this.accounts.has(key)) this.names.push(key);
    this.accounts.set(key, one);
  }
  putTransaction(one: Transaction): void {
    this.transactions.set(one.position, one);
    if (isOpenHold(one)) this.holds.add(one.position);
    else this.holds.delete(one.position);
  }

  /** Open holds on any of the accounts that have lapsed at `now`. */
  lapsed(book: number, names: ReadonlySet<string>, now: number): Transaction[] {
    const due: Transaction[] = [];
    for (const position of this.holds) {
      const hold = this.transactions.get(position);
      if (hold === undefined || hold.book !== book || hold.expiresAt > now) continue;
      if (hold.legs.some((leg) => names.has(leg.debit) || names.has(leg.credit))) due.push(hold);
    }
    return due;
  }
}

/** Changes that may yet be thrown away. */
export class Draft implements LedgerView {
  readonly accounts = new Map<string, Account>();
  readonly transactions = new Map<number, Transaction>();
  #opened = 0;
  #holds: number;

  constructor(readonly under: LedgerView) {
    this.#holds = under.openHolds;
  }

  get configuration(): Configuration {
    return this.under.configuration;
  }
  get accountCount(): number {
    return this.under.accountCount + this.#opened;
  }
  get openHolds(): number {
    return this.#holds;
  }
  account(book: number, name: string): Account | undefined {
    return this.accounts.get(accountKey(book, name)) ?? this.under.account(book, name);
  }
  transaction(position: number): Transaction | undefined {
    return this.transactions.get(position) ?? this.under.transaction(position);
  }
  putAccount(one: Account): void {
    if (this.account(one.book, one.name) === undefined) this.#opened++;
    this.accounts.set(accountKey(one.book, one.name), one);
  }
  putTransaction(one: Transaction): void {
    const before = this.transaction(one.position);
    this.#holds += (isOpenHold(one) ? 1 : 0) - (before !== undefined && isOpenHold(before) ? 1 : 0);
    this.transactions.set(one.position, one);
  }
}
