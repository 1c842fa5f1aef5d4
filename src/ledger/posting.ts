/** Decides new transactions: posted at once, or pending. */
import { accountDetails } from './account-details.js';
import { defaultMinBalance } from './accounts.js';
import { assert } from './assert.js';
import type { AccountSettings, CommandHead, PostCommand } from './command.js';
import { judgeConditions } from './conditions.js';
import type { Judge } from './judge.js';
import { ascii } from './names.js';
import { LEGS_MAX, RecordKind } from './record.js';
import { pointerPart, type Refusal, refusal } from './refusal.js';
import type { LedgerState } from './state.js';
import type { RecordWriter } from './writer.js';

/** Sides in the order in which errors are looked for. */
type Side = 'debit' | 'credit';

export class Posting {
  readonly #state: LedgerState;
  readonly #writer: RecordWriter;
  readonly #judge: Judge;
  readonly #debit = new Int32Array(LEGS_MAX);
  readonly #credit = new Int32Array(LEGS_MAX);
  /** Accounts to open, in order of appearance, by name. */
  readonly #missing = new Map<string, { readonly currency: number; readonly settings: AccountSettings }>();

  constructor(state: LedgerState, writer: RecordWriter, judge: Judge) {
    this.#state = state;
    this.#writer = writer;
    this.#judge = judge;
  }

  /** Whether accounts have to be opened first, so that a refusal has something to take back. After `resolve`. */
  get opensAccounts(): boolean {
    return this.#missing.size > 0;
  }

  /** Adds the accounts that the command moves or asks about; not those that do not exist yet. */
  accountsOf(command: PostCommand, into: Set<number>): void {
    const { accounts } = this.#state;
    const { book, names } = command;
    for (let leg = 0; leg < command.legCount; leg++) {
      into.add(accounts.find(book, names, command.debitOffset[leg] as number, command.debitLength[leg] as number));
      into.add(accounts.find(book, names, command.creditOffset[leg] as number, command.creditLength[leg] as number));
    }
    for (const { account } of command.extras?.if ?? []) into.add(accounts.findByName(book, account));
    into.delete(0);
  }

  /** Adds the names that the command would open if it came after those that opened `names`. */
  namesToOpen(command: PostCommand, into: Set<string>): void {
    const { accounts } = this.#state;
    for (let leg = 0; leg < command.legCount; leg++) {
      for (const side of ['debit', 'credit'] as const) {
        const name = nameOf(command, leg, side);
        if (accounts.findByName(command.book, name) === 0 && settingsOf(command, name) !== null) into.add(name);
      }
    }
  }

  /** Finds the accounts, and those that are to be opened; refuses where one is unknown. */
  resolve(command: PostCommand): Refusal | null {
    assert(command.legCount > 0 && command.legCount <= LEGS_MAX, 'a transaction has 1 to 64 legs');
    if (this.#missing.size > 0) this.#missing.clear();
    const { accounts } = this.#state;
    const { book, names } = command;
    for (let leg = 0; leg < command.legCount; leg++) {
      const debit = accounts.find(book, names, command.debitOffset[leg] as number, command.debitLength[leg] as number);
      if (debit === 0 && !this.#mayOpen(command, leg, 'debit')) return this.#unknown(command, leg, 'debit');
      const credit = accounts.find(
        book,
        names,
        command.creditOffset[leg] as number,
        command.creditLength[leg] as number,
        1,
      );
      if (credit === 0 && !this.#mayOpen(command, leg, 'credit')) return this.#unknown(command, leg, 'credit');
      assert(debit !== credit || debit === 0, 'the edge refuses a leg with one account on both sides');
      this.#debit[leg] = debit;
      this.#credit[leg] = credit;
    }
    if (command.extras?.if !== undefined) {
      for (const { account } of command.extras.if) {
        if (accounts.findByName(book, account) !== 0 || this.#missing.has(account)) continue;
        return refusal('unknown_account', { param: `/if/${pointerPart(account)}`, account });
      }
    }
    return null;
  }

  /** Whether there is room for what the command would make. After `resolve`. */
  roomFor(command: PostCommand): Refusal | null {
    const { accounts, parents, settings } = this.#state;
    if (this.#missing.size > 0 && accounts.count + this.#missing.size > settings.accountsMax) {
      return refusal('accounts_full', {});
    }
    if (command.pending && parents.openCount >= settings.openHoldsMax) return refusal('holds_full', {});
    return null;
  }

  #mayOpen(command: PostCommand, leg: number, side: Side): boolean {
    const name = nameOf(command, leg, side);
    const settings = settingsOf(command, name);
    if (settings === null) return false;
    // The currency of an account that is opened at first use is that of its first leg.
    if (!this.#missing.has(name)) {
      this.#missing.set(name, { currency: command.currency[leg] as number, settings });
    }
    return true;
  }

  #unknown(command: PostCommand, leg: number, side: Side): Refusal {
    return refusal('unknown_account', { param: `/legs/${leg}/${side}`, account: nameOf(command, leg, side) });
  }

  /**
   * Opens what is missing, judges, and writes the transaction. After `resolve` of the same command.
   * @param head whose key the record answers; null for an item of an atomic batch
   * @returns why not; accounts may have been opened then, and the caller takes them back
   */
  decide(command: PostCommand, head: CommandHead | null): Refusal | null {
    if (this.#missing.size > 0) this.#open(command);
    const { now } = this.#writer;
    const refused = this.#judgeDate(command) ?? this.#judgeAccounts(command) ?? this.#judgeConditions(command);
    if (refused !== null) return refused;
    const record = this.#writer.start(command.pending ? RecordKind.pending : RecordKind.posted, command.book);
    record.effectiveAt = command.effectiveAt === 0 ? now : command.effectiveAt;
    if (command.pending) {
      const lives = command.expiresIn === 0 ? this.#state.settings.holdDefault : command.expiresIn;
      assert(lives > 0, 'a hold lives for some time');
      record.expiresAt = now + lives;
    }
    record.legCount = command.legCount;
    for (let leg = 0; leg < command.legCount; leg++) {
      record.leg[leg] = leg;
      record.debit[leg] = this.#debit[leg] as number;
      record.credit[leg] = this.#credit[leg] as number;
      record.currency[leg] = command.currency[leg] as number;
      record.amount[leg] = command.amount[leg] as bigint;
      record.released[leg] = 0n;
    }
    const beyond = this.#judge.judge(record, command.pending, true);
    if (beyond !== null) return beyond;
    record.texts = command.texts;
    if (head !== null) this.#writer.answers(head);
    this.#writer.write();
    return null;
  }

  #open(command: PostCommand): void {
    for (const [name, { currency, settings }] of this.#missing) {
      openAccount(this.#state, this.#writer, command.book, name, currency, settings);
    }
    // Now all of them have numbers.
    const refused = this.resolve(command);
    assert(refused === null && this.#missing.size === 0, 'all accounts of the transaction are open');
  }

  #judgeDate(command: PostCommand): Refusal | null {
    if (command.effectiveAt === 0) return null;
    const { backdatingMax } = this.#state.settings;
    const earliest = backdatingMax === null ? Number.NEGATIVE_INFINITY : this.#writer.now - backdatingMax;
    if (command.effectiveAt <= this.#writer.now && command.effectiveAt >= earliest) return null;
    return refusal('effective_at_out_of_range', { param: '/effective_at' });
  }

  #judgeAccounts(command: PostCommand): Refusal | null {
    const { accounts } = this.#state;
    let closed: Refusal | null = null;
    for (let leg = 0; leg < command.legCount; leg++) {
      for (let side = 0; side < 2; side++) {
        const account = (side === 0 ? this.#debit[leg] : this.#credit[leg]) as number;
        if (accounts.currency(account) !== command.currency[leg]) {
          return this.#about('currency_mismatch', account, leg, side, { currency: this.#codeOf(account) });
        }
        // A mismatch on a later leg comes before this in the table.
        if (closed === null && !accounts.isOpen(account))
          closed = this.#about('account_closed', account, leg, side, {});
      }
    }
    return closed;
  }

  #about(
    code: 'currency_mismatch' | 'account_closed',
    account: number,
    leg: number,
    side: number,
    more: Readonly<Record<string, unknown>>,
  ): Refusal {
    const param = `/legs/${leg}/${side === 0 ? 'debit' : 'credit'}`;
    return refusal(code, { param, account: this.#state.accounts.name(account), ...more });
  }

  #codeOf(account: number): string | undefined {
    return this.#state.currencies.byNumber(this.#state.accounts.currency(account))?.code;
  }

  #judgeConditions(command: PostCommand): Refusal | null {
    const conditions = command.extras?.if;
    if (conditions === undefined) return null;
    return judgeConditions(this.#state, conditions, (name) => this.#state.accounts.findByName(command.book, name));
  }
}

const USUAL: AccountSettings = {};

/** What the command opens an account of that name with; null where it does not. */
function settingsOf(command: PostCommand, name: string): AccountSettings | null {
  const named = command.extras?.open;
  if (named !== undefined && Object.hasOwn(named, name)) return named[name] ?? USUAL;
  return command.openAccounts ? USUAL : null;
}

function nameOf(command: PostCommand, leg: number, side: Side): string {
  const offset = (side === 'debit' ? command.debitOffset[leg] : command.creditOffset[leg]) as number;
  const length = (side === 'debit' ? command.debitLength[leg] : command.creditLength[leg]) as number;
  return ascii(command.names, offset, length);
}

/** Starts an accountOpened record with its details; what it answers is the caller's to add before `write`. */
export function startOpening(
  state: LedgerState,
  writer: RecordWriter,
  book: number,
  name: string,
  currency: number,
  settings: AccountSettings,
): void {
  const record = writer.start(RecordKind.accountOpened, book);
  record.debit[0] = state.accounts.count + 1;
  record.details = accountDetails({
    name,
    currency,
    normalBalance: settings.normal_balance ?? 'credit',
    minBalance: settings.min_balance === undefined ? defaultMinBalance(name) : settings.min_balance,
    maxBalance: settings.max_balance ?? null,
    configVersion: 1,
    open: true,
    metadata: settings.metadata ?? null,
  });
}

function openAccount(...opening: Parameters<typeof startOpening>): void {
  startOpening(...opening);
  const writer = opening[1];
  writer.write();
}
