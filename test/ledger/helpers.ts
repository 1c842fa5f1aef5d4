/** A ledger to play with: names in place of numbers, one clock, a log in memory. */

import {
  type ActionCommand,
  type AtomicBatchCommand,
  type Command,
  type LedgerSettings,
  type NewAccount,
  PostCommand,
  type PostExtras,
} from '../../src/ledger/command.js';
import { currencyByCode } from '../../src/ledger/currency.js';
import { KeyedHash } from '../../src/ledger/hash.js';
import { Ledger } from '../../src/ledger/ledger.js';
import type { LoadAccount } from '../../src/ledger/load.js';
import type { Outcome } from '../../src/ledger/outcome.js';
import { LogRecord, type LogSink, NO_TEXTS, type Texts } from '../../src/ledger/record.js';
import type { AccountView } from '../../src/ledger/view.js';

export const SECOND = 1_000_000;
export const DAY = 86_400 * SECOND;
export const START = 1_700_000_000 * SECOND;
export const BOOK = 7;

export const SETTINGS: LedgerSettings = {
  customCurrencies: [],
  keyWindow: 7 * DAY,
  keysMax: 2_000_000,
  keysGuaranteed: 1000,
  accountsMax: 2_000_000,
  openHoldsMax: 100_000,
  holdDefault: DAY,
  backdatingMax: null,
};

/** Keeps copies of records, as a log does. */
export class MemoryLog implements LogSink {
  readonly records: LogRecord[] = [];
  append(record: LogRecord): void {
    this.records.push(new LogRecord().copyFrom(record));
  }
  mark(): number {
    return this.records.length;
  }
  rewind(mark: number): void {
    this.records.length = mark;
  }
}

export const HASH = new KeyedHash(new Uint8Array(16).fill(5));
const encoder = new TextEncoder();

export function keyHash(book: number, key: Uint8Array, into: Int32Array): void {
  HASH.hash128(book, key, 0, key.length, into);
}

export function textsOf(...texts: readonly (string | null)[]): Texts {
  const parts = texts.map((text) => (text === null ? null : encoder.encode(text)));
  const length = parts.reduce((sum, part) => sum + 4 + (part?.length ?? 0), 0);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setInt32(at, part?.length ?? -1);
    at += 4;
    if (part === null) continue;
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, offset: 0, length };
}

export function newLedger(settings: Partial<LedgerSettings> = {}, partitionRecords = 1_000_000): Ledger {
  return new Ledger({
    keyHash: (...key) => HASH.hash128(...key),
    partitionRecords,
    settings: { ...SETTINGS, ...settings },
  });
}

/** As a start reads it: open, in EUR, never changed; `rest` says otherwise. */
export function loadedAccount(number: number, name: string, rest: Partial<LoadAccount> = {}): LoadAccount {
  const bytes = encoder.encode(name);
  return {
    number,
    book: BOOK,
    name: { bytes, offset: 0, length: bytes.length },
    currency: 978,
    normalBalance: 'credit',
    open: true,
    hasMetadata: false,
    counters: new BigInt64Array(4),
    minBalance: 0n,
    maxBalance: null,
    version: 0,
    configVersion: 1,
    configPosition: number,
    openedAt: START,
    openedPosition: number,
    ...rest,
  };
}

export interface Leg {
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly currency?: string;
}

export interface PostOptions {
  readonly key?: string | null;
  readonly pending?: boolean;
  readonly expiresIn?: number;
  readonly effectiveAt?: number;
  readonly openAccounts?: boolean;
  readonly extras?: PostExtras;
  readonly dryRun?: boolean;
  readonly book?: number;
  readonly reference?: string;
}

export const currencyNumber = (ledger: Ledger, code: string): number => {
  const found = ledger.currencies.byCode(code) ?? currencyByCode(code);
  if (found === undefined) throw new Error(`no currency ${code}`);
  return found.number;
};

/** One ledger with its log and a clock that the test moves. */
export class World {
  ledger: Ledger;
  log = new MemoryLog();
  readonly settings: LedgerSettings;
  readonly partitionRecords: number;
  now = START;
  #keys = 0;

  constructor(settings: Partial<LedgerSettings> = {}, partitionRecords = 1_000_000) {
    this.settings = { ...SETTINGS, ...settings };
    this.partitionRecords = partitionRecords;
    this.ledger = newLedger(settings, partitionRecords);
    this.apply({ type: 'open_merchant', book: BOOK, merchant: 'acme', environment: 'test' });
  }

  /** Loads what the ledger asks for from the log, as the engine does. The outcome is a copy. */
  apply(command: Command): Outcome {
    for (let tries = 0; tries < 5; tries++) {
      const outcome = this.ledger.apply(command, this.now, this.log);
      if (outcome.type !== 'load_parent') return { ...outcome };
      for (const position of outcome.positions) {
        const records = this.log.records.filter((one) => one.position === position || one.parent === position);
        if (records[0]?.position === position) this.ledger.admitParent(records);
        else this.ledger.admitAbsentParent(position);
      }
    }
    throw new Error('the ledger asks again and again');
  }

  head(key: string | null | undefined, book = BOOK, dryRun = false, reference: string | null = null) {
    const text = dryRun || key === null ? null : (key ?? `key-${++this.#keys}`);
    const hash = new Int32Array(4);
    const fingerprint = new Int32Array(2);
    if (text !== null) {
      const bytes = encoder.encode(text);
      keyHash(book, bytes, hash);
      HASH.hash64(bytes, 0, bytes.length, fingerprint);
    }
    return {
      book,
      keyed: text !== null,
      keyHash: hash,
      fingerprintHi: fingerprint[0] as number,
      fingerprintLo: fingerprint[1] as number,
      dryRun,
      texts: text === null && reference === null ? NO_TEXTS : textsOf(text, reference, null, null),
    };
  }

  command(legs: readonly Leg[], options: PostOptions = {}): PostCommand {
    const command = new PostCommand();
    const head = this.head(options.key, options.book, options.dryRun, options.reference ?? null);
    command.keyHash.set(head.keyHash);
    command.book = head.book;
    command.keyed = head.keyed;
    command.fingerprintHi = head.fingerprintHi;
    command.fingerprintLo = head.fingerprintLo;
    command.dryRun = head.dryRun;
    command.texts = head.texts;
    command.pending = options.pending ?? false;
    command.expiresIn = options.expiresIn ?? 0;
    command.effectiveAt = options.effectiveAt ?? 0;
    command.openAccounts = options.openAccounts ?? false;
    command.extras = options.extras ?? null;
    command.legCount = legs.length;
    let names = '';
    legs.forEach((leg, index) => {
      command.debitOffset[index] = names.length;
      command.debitLength[index] = leg.debit.length;
      names += leg.debit;
      command.creditOffset[index] = names.length;
      command.creditLength[index] = leg.credit.length;
      names += leg.credit;
      command.currency[index] = currencyNumber(this.ledger, leg.currency ?? 'EUR');
      command.amount[index] = leg.amount;
    });
    command.names = encoder.encode(names);
    return command;
  }

  post(legs: Leg | readonly Leg[], options: PostOptions = {}): Outcome {
    return this.apply(this.command(Array.isArray(legs) ? legs : [legs as Leg], options));
  }

  /** "a>b 5" or "a>b 5 USD", several with commas. */
  move(text: string, options: PostOptions = {}): Outcome {
    return this.post(legsOf(text), options);
  }

  batch(
    items: readonly (readonly [string, PostOptions?])[],
    options: { key?: string; dryRun?: boolean } = {},
  ): Outcome {
    const command: AtomicBatchCommand = {
      type: 'atomic_batch',
      ...this.head(options.key, BOOK, options.dryRun),
      items: items.map(([text, more]) => this.command(legsOf(text), { ...more, key: null })),
    };
    return this.apply(command);
  }

  act(
    type: ActionCommand['type'],
    parent: number,
    what: Partial<{
      amount: bigint;
      legs: readonly { leg: number; amount: bigint }[];
      final: boolean;
      force: boolean;
      key: string;
      dryRun: boolean;
      book: number;
    }> = {},
  ): Outcome {
    const { amount = 0n, legs = [], final = false, force = false, key, dryRun, book } = what;
    const head = this.head(key, book, dryRun);
    return this.apply({ type, ...head, parent, amount, legs, final, force } as ActionCommand);
  }

  open(account: Partial<NewAccount> & { name: string }, key?: string): Outcome {
    const accounts = [{ currency: currencyNumber(this.ledger, 'EUR'), ...account }];
    return this.apply({ type: 'open_accounts', ...this.head(key), accounts, batch: false });
  }

  openBatch(accounts: readonly (Partial<NewAccount> & { name: string })[], key?: string): Outcome {
    const all = accounts.map((one) => ({ currency: currencyNumber(this.ledger, 'EUR'), ...one }));
    return this.apply({ type: 'open_accounts', ...this.head(key), accounts: all, batch: true });
  }

  change(
    account: string,
    what: { min_balance?: bigint | null; max_balance?: bigint | null; metadata?: string | null; ifMatch?: number },
  ): Outcome {
    return this.apply({ type: 'change_account', ...this.head(undefined), account, ...what });
  }

  close(account: string, what: { ifMatch?: number } = {}): Outcome {
    return this.apply({ type: 'close_account', ...this.head(undefined), account, ...what });
  }

  reopen(account: string): Outcome {
    return this.apply({ type: 'reopen_account', ...this.head(undefined), account });
  }

  account(name: string): AccountView {
    const found = this.ledger.account(BOOK, name);
    if (found === null) throw new Error(`no account ${name}`);
    return found;
  }

  /** posted, pending in, pending out. */
  balances(name: string): [posted: bigint, pendingIn: bigint, pendingOut: bigint] {
    const one = this.account(name);
    return one.normalBalance === 'credit'
      ? [one.creditsPosted - one.debitsPosted, one.creditsPending, one.debitsPending]
      : [one.debitsPosted - one.creditsPosted, one.debitsPending, one.creditsPending];
  }

  /** The same world from here on, played by another ledger that is in the same state. */
  fork(ledger: Ledger): World {
    const twin = new World(this.settings, this.partitionRecords);
    twin.ledger = ledger;
    twin.log = new MemoryLog();
    twin.log.records.push(...this.log.records);
    twin.now = this.now;
    twin.#keys = this.#keys;
    return twin;
  }

  /** Another ledger that has seen nothing but the log. */
  replayed(): Ledger {
    const ledger = newLedger(this.settings, this.partitionRecords);
    ledger.replay(this.log.records);
    return ledger;
  }
}

export function legsOf(text: string): Leg[] {
  return text.split(',').map((part) => {
    const [accounts = '', amount = '', currency = 'EUR'] = part.trim().split(' ');
    const [debit = '', credit = ''] = accounts.split('>');
    return { debit, credit, amount: BigInt(amount), currency };
  });
}

/** The code of a refusal, 'ok' for a success, and the type for the rest. */
export function codeOf(outcome: Outcome): string {
  return outcome.type === 'recorded' || outcome.type === 'answered' ? (outcome.code ?? 'ok') : outcome.type;
}

export function factsOf(outcome: Outcome): Record<string, unknown> {
  if (outcome.type !== 'recorded' && outcome.type !== 'answered') throw new Error(outcome.type);
  return JSON.parse(outcome.details ?? '{}') as Record<string, unknown>;
}

export function positionOf(outcome: Outcome): number {
  if (outcome.type !== 'recorded') throw new Error(`${outcome.type} has no position`);
  return outcome.position;
}
