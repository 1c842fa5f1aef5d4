/**
 * The state machine of one shard: decides commands, folds records, answers what the state is. No clock, no randomness,
 * no I/O: the same log gives the same state, and the same command on the same state the same records.
 *
 * One thread owns a ledger. Whatever throws here is a bug or a damaged log; the state is not to be trusted after it.
 */
import { Acting } from './acting.js';
import { Admissions } from './admissions.js';
import { assert } from './assert.js';
import { Batching } from './batching.js';
import type {
  ActionCommand,
  AtomicBatchCommand,
  ChangeAccountCommand,
  CloseAccountCommand,
  Command,
  ConfigureCommand,
  LedgerSettings,
  OpenAccountsCommand,
  OpenMerchantCommand,
  PostCommand,
} from './command.js';
import type { CurrencyTable } from './currency.js';
import { digestOf } from './digest.js';
import { errorByCode } from './errors.js';
import { fold, noteUnit } from './fold.js';
import { KeyedHash } from './hash.js';
import { Judge } from './judge.js';
import { type KeyWindow, MAYBE_ELSEWHERE } from './keys/window.js';
import type { LoadAccount, LoadBook } from './load.js';
import { isNeeded, type Needed, Opening } from './opening.js';
import type { Outcome } from './outcome.js';
import type { Parent } from './parent.js';
import { Posting } from './posting.js';
import { isTransaction, type LogRecord, type LogSink, type Micros, type Position, RecordKind } from './record.js';
import { type Refusal, refusal, refusalDetails } from './refusal.js';
import { LedgerState } from './state.js';
import { keyOf } from './texts.js';
import type { AccountView, RecordView, TransactionView } from './view.js';
import { accountView, recordView, transactionView } from './views.js';
import { RecordWriter } from './writer.js';

export interface LedgerOptions {
  /** Hash of a key for records read from a log; the same that commands carry. Used by replay and load only. */
  readonly keyHash: (book: number, key: Uint8Array, into: Int32Array) => void;
  /** Records a partition of the log holds: the generations of the key window. */
  readonly partitionRecords: number;
  /** In force until a `configured` record. */
  readonly settings: LedgerSettings;
  /** 16 secret bytes for the table of account names, so that collisions cannot be aimed. Decides no outcome. */
  readonly nameKey?: Uint8Array;
}

/** Commands of merchants: those that belong to a book and may have a key. */
type Request = Exclude<Command, OpenMerchantCommand | ConfigureCommand>;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #state: LedgerState;
  readonly #writer: RecordWriter;
  readonly #posting: Posting;
  readonly #acting: Acting;
  readonly #opening: Opening;
  readonly #batching: Batching;
  readonly #admissions = new Admissions();
  #sink: LogSink | null = null;
  /** Reused, so that the hot path answers without allocating. */
  readonly #recorded: Mutable<Extract<Outcome, { type: 'recorded' }>> = {
    type: 'recorded',
    code: null,
    position: 0,
    sequence: 0,
    recordedAt: 0,
    details: null,
    count: 0,
  };

  constructor(options: LedgerOptions) {
    this.#options = options;
    const nameHash = new KeyedHash(options.nameKey ?? new Uint8Array(16));
    this.#state = new LedgerState(nameHash, options.partitionRecords, options.settings);
    this.#writer = new RecordWriter(this.#state);
    const judge = new Judge(this.#state);
    this.#posting = new Posting(this.#state, this.#writer, judge);
    this.#acting = new Acting(this.#state, this.#writer, judge);
    this.#opening = new Opening(this.#state, this.#writer);
    this.#batching = new Batching(this.#state, this.#writer, this.#posting);
  }

  // -- what it is ---------------------------------------------------------------------------------------------------

  /** Position of the last record; 0 before the first. */
  get head(): Position {
    return this.#state.head;
  }
  /** As of the log. */
  get settings(): LedgerSettings {
    return this.#state.settings;
  }
  get currencies(): CurrencyTable {
    return this.#state.currencies;
  }
  /** Recorded time of the last record; no later one is before it. */
  get lastRecordedAt(): Micros {
    return this.#state.lastRecordedAt;
  }
  get keys(): KeyWindow {
    return this.#state.keys;
  }
  get accountCount(): number {
    return this.#state.accounts.count;
  }
  get openHoldCount(): number {
    return this.#state.parents.openCount;
  }
  /** Bytes held for accounts. */
  get accountBytes(): number {
    return this.#state.accounts.sizeBytes;
  }
  /** Running hash over all records, a signed 64-bit integer. */
  get chainHash(): bigint {
    return this.#state.chain.value;
  }

  hasBook(book: number): boolean {
    return this.#state.books.has(book);
  }
  /** Sequence of the book's last record; 0 where there is none. */
  bookSequence(book: number): number {
    return this.#state.books.sequence(book);
  }
  account(book: number, name: string): AccountView | null {
    const number = this.#state.accounts.findByName(book, name);
    return number === 0 ? null : accountView(this.#state, number);
  }
  /** @param number of an account that is open or closed, from 1 to `accountCount` */
  accountByNumber(number: number): AccountView {
    assert(number > 0 && number <= this.#state.accounts.count, 'an account has a number that was given');
    return accountView(this.#state, number);
  }
  recordView(record: LogRecord): RecordView {
    return recordView(this.#state, record);
  }
  /**
   * Only what is in memory: open holds always, others while they are acted on. The texts of its record (key, reference,
   * description, metadata) and the fingerprint are null: they stand in the log only.
   */
  transactionView(parent: Position): TransactionView | null {
    const resident = this.#state.parents.get(parent);
    return resident === undefined ? null : transactionView(this.#state, resident);
  }
  /** Of the whole logical state: accounts, books, open holds, settings, head. Reads everything: slow. */
  digest(): string {
    return digestOf(this.#state);
  }

  // -- deciding -----------------------------------------------------------------------------------------------------

  /**
   * Decides a command at a time, folds what it writes and appends it to the sink.
   * @param now the clock, µs; the recorded time is never before the last one
   * @returns an outcome that is reused by the next call
   */
  apply(command: Command, now: Micros, sink: LogSink): Outcome {
    this.#begin(now, sink);
    if (command.type === 'open_merchant') return this.#openMerchant(command);
    if (command.type === 'configure') return this.#configure(command);
    assert(this.#state.books.has(command.book), 'the book of a command is open');
    if (command.keyed) {
      const known = this.#checkKey(command);
      if (known !== null) return known;
    }
    const outcome = command.type === 'post' ? this.#post(command) : this.#decide(command);
    if (outcome.type !== 'load_parent') this.#forgetAdmitted(command);
    return outcome;
  }

  /**
   * Writes expiries that are due, in order of (expires_at, position).
   * @returns how many; fewer than `max` means that no more are due
   */
  expireDue(now: Micros, max: number, sink: LogSink): number {
    this.#begin(now, sink);
    let written = 0;
    while (written < max) {
      const hold = this.#state.parents.expiries.firstDue(this.#writer.now);
      if (hold === undefined) break;
      this.#acting.expire(hold);
      written++;
    }
    return written;
  }

  /** When the next hold lapses, which may have passed; 0: there is none. */
  nextExpiry(): Micros {
    return this.#state.parents.expiries.next();
  }

  /** What was loaded for a command has served; what was loaded for others stays. */
  #forgetAdmitted(command: Request): void {
    this.#opening.forgetUsed();
    if (this.#admissions.empty) return;
    if (command.keyed) this.#admissions.forgetKey(command.keyHash);
    if ('parent' in command) this.#admissions.forgetNoTransaction(command.parent);
  }

  #begin(now: Micros, sink: LogSink): void {
    assert(Number.isSafeInteger(now) && now > 0, 'a time is whole microseconds since 1970');
    this.#sink = sink;
    this.#writer.begin(sink, now);
  }

  #checkKey(command: Request): Outcome | null {
    const { keys } = this.#state;
    const { now } = this.#writer;
    let position = keys.find(command.keyHash, now);
    if (position === MAYBE_ELSEWHERE) {
      const admitted = this.#admissions.key(command.keyHash);
      if (admitted === undefined) return { type: 'load_key' };
      position = admitted;
    }
    if (position !== 0) {
      this.#forgetAdmitted(command);
      return { type: 'replay', position };
    }
    return keys.hasRoom(command.book, now) ? null : this.#refuse(command, refusal('key_window_full', {}));
  }

  #post(command: PostCommand): Outcome {
    const posting = this.#posting;
    const unknown = posting.resolve(command);
    if (unknown !== null) return this.#refuse(command, unknown);
    if (this.#state.parents.expiries.anyDue(this.#writer.now)) {
      const touched = new Set<number>();
      posting.accountsOf(command, touched);
      this.#expireOn(touched);
    }
    const full = posting.roomFor(command);
    if (full !== null) return this.#refuse(command, full);
    if (command.dryRun) return this.#dryRun(command, () => posting.decide(command, command));
    const refused = posting.opensAccounts
      ? this.#unit(command, () => posting.decide(command, command))
      : posting.decide(command, command);
    return refused === null ? this.#succeeded(null) : this.#refuse(command, refused);
  }

  #decide(command: Exclude<Request, PostCommand>): Outcome {
    switch (command.type) {
      case 'capture':
      case 'void':
      case 'increment':
      case 'reverse':
        return this.#act(command);
      case 'open_accounts':
        return this.#openAccounts(command);
      case 'change_account':
        return this.#settle(command, this.#touchAccount(command) ?? this.#opening.change(command));
      case 'close_account':
      case 'reopen_account':
        return this.#settle(command, this.#touchAccount(command) ?? this.#opening.closeOrReopen(command));
      case 'atomic_batch':
        return this.#atomicBatch(command);
    }
  }

  #act(command: ActionCommand): Outcome {
    const unknown = refusal('unknown_transaction', {});
    if (command.parent < 1 || command.parent > this.#state.head) return this.#refuse(command, unknown);
    const parent = this.#state.parents.get(command.parent);
    if (parent === undefined) {
      if (this.#admissions.isNoTransaction(command.parent)) return this.#refuse(command, unknown);
      return { type: 'load_parent', position: command.parent };
    }
    if (parent.book !== command.book) return this.#refuse(command, unknown);
    this.#expireAround(parent);
    const decide = (): Refusal | null => this.#acting.decide(command, parent);
    if (command.dryRun) return this.#dryRun(command, decide);
    const refused = decide();
    return refused === null
      ? this.#succeeded(this.#writer.record.details)
      : this.#refuse(command, refused, parent.position);
  }

  #openAccounts(command: OpenAccountsCommand): Outcome {
    const head = this.#nextPlace(command.book);
    const decide = (): Refusal | Needed | null => this.#opening.open(command);
    const answer = command.batch ? this.#unit(command, decide) : decide();
    if (answer !== null || !command.batch) return this.#settle(command, answer);
    return this.#succeeded(null, head, command.accounts.length);
  }

  #atomicBatch(command: AtomicBatchCommand): Outcome {
    for (const item of command.items) item.book = command.book;
    if (this.#state.parents.expiries.anyDue(this.#writer.now)) {
      const touched = new Set<number>();
      for (const item of command.items) this.#posting.accountsOf(item, touched);
      this.#expireOn(touched);
    }
    const head = this.#nextPlace(command.book);
    const count = this.#batching.countOf(command);
    const decide = (): Refusal | null => this.#batching.decide(command, count);
    if (command.dryRun) return this.#dryRun(command, decide);
    const refused = this.#unit(command, decide);
    return refused === null ? this.#succeeded(null, head, count) : this.#refuse(command, refused);
  }

  #openMerchant(command: OpenMerchantCommand): Outcome {
    const { book, merchant, environment } = command;
    if (this.#state.books.has(book)) return this.#answered(null, null);
    const record = this.#writer.start(RecordKind.merchantOpened, book);
    record.details = JSON.stringify({ merchant, environment });
    this.#writer.write();
    return this.#succeeded(null);
  }

  /** @throws where a custom currency would change its meaning */
  #configure(command: ConfigureCommand): Outcome {
    const text = JSON.stringify(command.settings);
    if (text === JSON.stringify(this.#state.settings)) return this.#answered(null, null);
    const record = this.#writer.start(RecordKind.configured, 0);
    record.details = text;
    this.#writer.write();
    return this.#succeeded(null);
  }

  // -- expiries of what a command touches ---------------------------------------------------------------------------

  #touchAccount(command: ChangeAccountCommand | CloseAccountCommand): null {
    const account = this.#state.accounts.findByName(command.book, command.account);
    if (account !== 0 && this.#state.parents.expiries.anyDue(this.#writer.now)) this.#expireOn(new Set([account]));
    return null;
  }

  #expireAround(parent: Parent): void {
    if (!this.#state.parents.expiries.anyDue(this.#writer.now)) return;
    this.#expireOn(new Set(parent.legs.flatMap(({ debit, credit }) => [debit, credit])));
  }

  #expireOn(accounts: ReadonlySet<number>): void {
    const due = new Set<Parent>();
    for (const account of accounts) {
      for (const hold of this.#state.parents.expiries.dueOn(account, this.#writer.now)) due.add(hold);
    }
    for (const hold of [...due].sort((a, b) => a.expiresAt - b.expiresAt || a.position - b.position)) {
      this.#acting.expire(hold);
    }
  }

  // -- outcomes -----------------------------------------------------------------------------------------------------

  /** Runs what may have to be taken back, and takes it back where it is refused. */
  #unit<T>(command: Request, run: () => T | null): T | null {
    const { journal } = this.#state;
    const mark = (this.#sink as LogSink).mark();
    journal.begin();
    noteUnit(this.#state, command.book);
    const answer = run();
    if (answer === null) journal.keep();
    else {
      journal.rollback();
      (this.#sink as LogSink).rewind(mark);
    }
    return answer;
  }

  /** Runs the same step and takes it back whatever comes of it. Nothing reaches the sink. */
  #dryRun(command: Request, run: () => Refusal | null): Outcome {
    const { journal } = this.#state;
    journal.begin();
    noteUnit(this.#state, command.book);
    this.#writer.beginPreview();
    const refused = run();
    const records = this.#writer.endPreview();
    journal.rollback();
    if (refused !== null) return this.#refuse(command, refused);
    return { type: 'answered', code: null, details: null, preview: { records } };
  }

  #settle(command: Request, answer: Refusal | Needed | null): Outcome {
    if (answer === null) return this.#succeeded(null);
    return isNeeded(answer) ? { type: 'load_parent', position: answer.needed } : this.#refuse(command, answer);
  }

  #nextPlace(book: number): { readonly position: Position; readonly sequence: number } {
    return { position: this.#state.head + 1, sequence: this.#state.books.sequence(book) + 1 };
  }

  /** @param place of the record that answers, where it is not the last one */
  #succeeded(
    details: string | null,
    place: { readonly position: Position; readonly sequence: number } = this.#writer.record,
    count = 0,
  ): Outcome {
    const recorded = this.#recorded;
    recorded.code = null;
    recorded.position = place.position;
    recorded.sequence = place.sequence;
    recorded.recordedAt = this.#writer.now;
    recorded.details = details;
    recorded.count = count;
    return recorded;
  }

  /** A refusal that is remembered becomes the outcome of the command's key. */
  #refuse(command: Request, refused: Refusal, parent: Position = 0): Outcome {
    const error = errorByCode(refused.code);
    const details = refusalDetails(refused);
    if (!error.remembered || !command.keyed) return this.#answered(refused.code, details);
    assert(!command.dryRun, 'a dry run has no key');
    const record = this.#writer.start(RecordKind.refused, command.book);
    record.code = error.number;
    record.parent = parent;
    record.details = details;
    this.#writer.answers(command);
    this.#writer.write();
    const outcome = this.#succeeded(details);
    this.#recorded.code = refused.code;
    return outcome;
  }

  #answered(code: Refusal['code'] | null, details: string | null): Outcome {
    return { type: 'answered', code, details, preview: null };
  }

  // -- what is not in memory ----------------------------------------------------------------------------------------

  /**
   * The answer to `load_parent`: the record at that position and all its actions, from the committed log. A position
   * that is not committed yet has to be waited for. What is in memory already is newer and stays as it is.
   */
  admitParent(records: readonly LogRecord[]): void {
    const first = records[0];
    assert(first !== undefined, 'what is admitted has a record; else it is absent');
    if (isTransaction(first.kind)) {
      this.#state.parents.admit(records);
      return;
    }
    this.#opening.admit(first);
    this.#admissions.addNoTransaction(first.position);
  }

  /** The answer to `load_parent` where the committed log has no record at that position. Holds for the next command. */
  admitAbsentParent(position: Position): void {
    this.#admissions.addNoTransaction(position);
  }

  /** Drops transactions that hold nothing and whose last change is committed. Looks at no more than `max`. */
  evictParents(committed: Position, max: number): void {
    this.#state.parents.evict(committed, max);
  }

  /**
   * The answer to `load_key`, used by the next command with that key.
   * @param position of its outcome, null where closed partitions do not have it
   * @param recordedAt of that record: tells whether the key is still remembered; without it, it is
   */
  admitKey(keyHash: Int32Array, position: Position | null, recordedAt?: Micros): void {
    const remembered =
      position !== null &&
      (recordedAt === undefined || recordedAt + this.#state.keyWindowAt(position) > this.#state.lastRecordedAt);
    this.#admissions.addKey(keyHash, remembered ? position : 0);
  }

  // -- starting -----------------------------------------------------------------------------------------------------

  /** Folds a record from the log. @throws InvariantError where it does not follow what was folded before */
  replay(record: LogRecord): void {
    if (record.keyed) this.#options.keyHash(record.book, keyOf(record.texts), record.keyHash);
    fold(this.#state, record);
  }

  loadBook(book: LoadBook): void {
    this.#state.books.add(book.book, book.sequence);
    this.#state.keys.setBooks(this.#state.books.count);
  }

  /** In order of their numbers. */
  loadAccount(account: LoadAccount): void {
    const { accounts } = this.#state;
    const openedPosition = account.openedPosition ?? (account.configVersion === 1 ? account.configPosition : 0);
    const number = accounts.open({ ...account, openedPosition });
    assert(number === account.number, 'accounts are loaded in order of their numbers, without a gap');
    const { debitsPosted, creditsPosted, debitsPending, creditsPending } = account;
    accounts.setCounters(number, [debitsPosted, creditsPosted, debitsPending, creditsPending], account.version);
  }

  /** A transaction that is pending as of the state that is loaded, followed by its actions up to there. */
  loadHold(records: readonly LogRecord[]): void {
    this.#state.parents.admit(records);
    assert(this.#state.parents.get(records[0]?.position ?? 0)?.open === true, 'only open holds are loaded');
  }

  /** `configured` records, in order. */
  loadConfigured(record: LogRecord): void {
    assert(record.kind === RecordKind.configured && record.details !== null, 'a configured record has settings');
    this.#state.configure(JSON.parse(record.details) as LedgerSettings, record.position);
  }

  /** A key of a record up to where the loaded state stands; after {@link loadConfigured}, in order of position. */
  loadKey(book: number, key: Uint8Array, position: Position, recordedAt: Micros): void {
    const hash = new Int32Array(4);
    this.#options.keyHash(book, key, hash);
    const expiresAt = recordedAt + this.#state.keyWindowAt(position);
    this.#state.keys.remember(hash, book, position, recordedAt, expiresAt);
  }

  /** The loaded state is that of the log up to `foldedTo`; {@link replay} goes on from there. */
  finishLoad(foldedTo: Position, chainHash: bigint, lastRecordedAt: Micros): void {
    assert(this.#state.head === 0, 'a ledger is loaded once');
    this.#state.head = foldedTo;
    this.#state.chain.value = chainHash;
    this.#state.lastRecordedAt = lastRecordedAt;
  }
}
