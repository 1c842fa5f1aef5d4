/** Decides what is done to accounts: open, change, close, reopen. */
import { accountDetails, metadataText } from './account-details.js';
import { AccountFlags, defaultMinBalance } from './accounts.js';
import { assert } from './assert.js';
import type {
  ChangeAccountCommand,
  CloseAccountCommand,
  CommandHead,
  NewAccount,
  OpenAccountsCommand,
} from './command.js';
import type { AccountDetails, BatchDetails } from './details.js';
import { sameJson } from './json.js';
import { startOpening } from './posting.js';
import { type LogRecord, type Position, RecordKind } from './record.js';
import { type Refusal, refusal, within } from './refusal.js';
import type { LedgerState } from './state.js';
import type { RecordWriter } from './writer.js';

/** Records of the log that have to be loaded before the command can be decided. */
export interface Needed {
  readonly needed: readonly Position[];
}
export const isNeeded = (answer: Refusal | Needed): answer is Needed => 'needed' in answer;

/** Records that were loaded for commands which never came back must not pile up. One command needs two for an account, at most. */
const LOADED_MAX = 65_536;

export class Opening {
  readonly #state: LedgerState;
  readonly #writer: RecordWriter;
  /** Details of account records that were loaded for the command that is tried again. */
  readonly #loaded = new Map<Position, string>();
  readonly #used = new Set<Position>();

  constructor(state: LedgerState, writer: RecordWriter) {
    this.#state = state;
    this.#writer = writer;
  }

  /** An account's record from the log, for the next command that asks for it. */
  admit(record: LogRecord): void {
    if (this.#loaded.size >= LOADED_MAX) this.#loaded.clear();
    if (record.details !== null) this.#loaded.set(record.position, record.details);
  }

  #loadedAt(position: Position): string | undefined {
    const details = this.#loaded.get(position);
    if (details !== undefined) this.#used.add(position);
    return details;
  }

  /** After a command that needed no further loading. */
  forgetUsed(): void {
    if (this.#used.size === 0) return;
    for (const position of this.#used) this.#loaded.delete(position);
    this.#used.clear();
  }

  // -- open ---------------------------------------------------------------------------------------------------------

  /**
   * Judges and writes all accounts, after a head where it is a batch. Some may have been written where it refuses.
   */
  open(command: OpenAccountsCommand): Refusal | Needed | null {
    const missing = new Set<string>();
    for (const { name } of command.accounts) {
      if (this.#state.accounts.findByName(command.book, name) === 0) missing.add(name);
    }
    const { accounts, settings } = this.#state;
    if (missing.size > 0 && accounts.count + missing.size > settings.accountsMax) return refusal('accounts_full', {});
    assert(command.batch || command.accounts.length === 1, 'several accounts are opened as a batch');
    // All at once: found one by one as they are written, each would have everything before it done again.
    const needed = this.#neededBy(command);
    if (needed.length > 0) return { needed };
    if (command.batch) {
      const head = this.#writer.start(RecordKind.batch, command.book);
      head.details = JSON.stringify({ count: command.accounts.length } satisfies BatchDetails);
      this.#writer.answers(command);
      this.#writer.write();
    }
    const written: Position[] = [];
    try {
      for (const [index, account] of command.accounts.entries()) {
        const refused = this.#openOne(command.book, account, command.batch ? null : command, written);
        if (refused === null) continue;
        return isNeeded(refused) || !command.batch ? refused : within(`/accounts/${index}`, refused);
      }
      return null;
    } finally {
      // Where the command is refused, others will stand at these positions.
      for (const position of written) this.#loaded.delete(position);
    }
  }

  /** Records that accounts which are there are compared with, and have their metadata in, as far as they are not loaded. */
  #neededBy({ book, accounts: wanted }: OpenAccountsCommand): Position[] {
    const { accounts } = this.#state;
    const needed = new Set<Position>();
    for (const { name } of wanted) {
      const known = accounts.findByName(book, name);
      if (known === 0 || this.#isPlain(known)) continue;
      needed.add(this.#comparedAt(known));
      if (accounts.flag(known, AccountFlags.hasMetadata)) needed.add(accounts.configPosition(known));
    }
    return [...needed].filter((position) => !this.#loaded.has(position));
  }

  /** Its row says all that it was opened with. */
  #isPlain(account: number): boolean {
    const { accounts } = this.#state;
    return accounts.configVersion(account) === 1 && !accounts.flag(account, AccountFlags.hasMetadata);
  }

  /** Where the state that was loaded does not say where it was opened, the present is what it is compared with. */
  #comparedAt(account: number): Position {
    const { accounts } = this.#state;
    const opened = accounts.openedPosition(account);
    return opened === 0 ? accounts.configPosition(account) : opened;
  }

  /** @param written positions whose details are known until the command is decided */
  #openOne(book: number, wanted: NewAccount, head: CommandHead | null, written: Position[]): Refusal | Needed | null {
    const known = this.#state.accounts.findByName(book, wanted.name);
    if (known === 0) startOpening(this.#state, this.#writer, book, wanted.name, wanted.currency, wanted);
    else {
      const same = this.#isAsOpened(known, wanted);
      if (typeof same !== 'boolean') return same;
      if (!same) return refusal('account_exists', { account: wanted.name });
      const metadata = this.#metadata(known);
      if (metadata !== null && typeof metadata !== 'string') return metadata;
      this.#startRecord(RecordKind.accountConfirmed, known, { metadata });
    }
    if (head !== null) this.#writer.answers(head);
    this.#writer.write();
    // A batch may name the account again, and nobody can load what is not in the log yet.
    const { position, details } = this.#writer.record;
    if (head === null && details !== null) {
      this.#loaded.set(position, details);
      written.push(position);
    }
    return null;
  }

  /** Whether the account was opened with the same fields, whatever has been changed since. */
  #isAsOpened(account: number, wanted: NewAccount): boolean | Needed {
    const { accounts } = this.#state;
    if (accounts.currency(account) !== wanted.currency) return false;
    if (accounts.normalBalance(account) !== (wanted.normal_balance ?? 'credit')) return false;
    const min = wanted.min_balance === undefined ? defaultMinBalance(wanted.name) : wanted.min_balance;
    const max = wanted.max_balance ?? null;
    if (this.#isPlain(account)) {
      const limits = accounts.minBalance(account) === min && accounts.maxBalance(account) === max;
      return limits && wanted.metadata === undefined;
    }
    const position = this.#comparedAt(account);
    const details = this.#loadedAt(position);
    if (details === undefined) return { needed: [position] };
    const then = JSON.parse(details) as AccountDetails;
    return (
      then.min_balance === (min === null ? null : min.toString()) &&
      then.max_balance === (max === null ? null : max.toString()) &&
      sameJson(then.metadata, wanted.metadata === undefined ? null : JSON.parse(wanted.metadata))
    );
  }

  // -- change, close, reopen ----------------------------------------------------------------------------------------

  change(command: ChangeAccountCommand): Refusal | Needed | null {
    const account = this.#find(command);
    if (typeof account !== 'number') return account;
    const metadata = command.metadata === undefined ? this.#metadata(account) : command.metadata;
    if (metadata !== null && typeof metadata !== 'string') return metadata;
    this.#startRecord(RecordKind.accountChanged, account, {
      metadata,
      ...(command.min_balance === undefined ? {} : { minBalance: command.min_balance }),
      ...(command.max_balance === undefined ? {} : { maxBalance: command.max_balance }),
      configVersion: this.#state.accounts.configVersion(account) + 1,
    });
    this.#writer.answers(command);
    this.#writer.write();
    return null;
  }

  closeOrReopen(command: CloseAccountCommand): Refusal | Needed | null {
    const account = this.#find(command);
    if (typeof account !== 'number') return account;
    const { accounts } = this.#state;
    const name = command.account;
    const closes = command.type === 'close_account';
    if (closes && !accounts.isOpen(account)) return refusal('account_closed', { account: name });
    if (!closes && accounts.isOpen(account)) return refusal('account_not_closed', { account: name });
    if (closes && !this.#isEmpty(account)) {
      return refusal('account_not_empty', {
        account: name,
        posted: accounts.posted(account).toString(),
        pending_in: accounts.pendingIn(account).toString(),
        pending_out: accounts.pendingOut(account).toString(),
      });
    }
    const metadata = this.#metadata(account);
    if (metadata !== null && typeof metadata !== 'string') return metadata;
    this.#startRecord(closes ? RecordKind.accountClosed : RecordKind.accountReopened, account, {
      metadata,
      open: !closes,
      configVersion: accounts.configVersion(account) + 1,
    });
    this.#writer.answers(command);
    this.#writer.write();
    return null;
  }

  #find(command: ChangeAccountCommand | CloseAccountCommand): number | Refusal {
    const { accounts } = this.#state;
    const account = accounts.findByName(command.book, command.account);
    if (account === 0) return refusal('unknown_account', { account: command.account });
    const present = accounts.configVersion(account);
    if (command.ifMatch !== undefined && command.ifMatch !== present) {
      return refusal('precondition_failed', { account: command.account, config_version: present });
    }
    return account;
  }

  #isEmpty(account: number): boolean {
    const { accounts } = this.#state;
    return accounts.posted(account) === 0n && accounts.pendingIn(account) === 0n && accounts.pendingOut(account) === 0n;
  }

  /** JSON text as it was recorded, null for none. */
  #metadata(account: number): string | null | Needed {
    const { accounts } = this.#state;
    if (!accounts.flag(account, AccountFlags.hasMetadata)) return null;
    const position = accounts.configPosition(account);
    const details = this.#loadedAt(position);
    return details === undefined ? { needed: [position] } : metadataText(details);
  }

  #startRecord(kind: RecordKind, account: number, changed: Partial<Parameters<typeof accountDetails>[0]>): void {
    const { accounts } = this.#state;
    const record = this.#writer.start(kind, accounts.book(account));
    record.debit[0] = account;
    record.details = accountDetails({
      name: accounts.name(account),
      currency: accounts.currency(account),
      normalBalance: accounts.normalBalance(account),
      minBalance: accounts.minBalance(account),
      maxBalance: accounts.maxBalance(account),
      configVersion: accounts.configVersion(account),
      open: accounts.isOpen(account),
      metadata: null,
      ...changed,
    });
  }
}
