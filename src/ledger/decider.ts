/**
 * Takes a command through its steps: its key, what has to be in memory, expiries of what it touches, the decision, and
 * what becomes of a refusal. The decisions themselves stand in posting.ts, acting.ts, opening.ts and batching.ts.
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
  OpenAccountsCommand,
  OpenMerchantCommand,
  PostCommand,
} from './command.js';
import type { MerchantDetails } from './details.js';
import { errorByCode } from './errors.js';
import { noteUnit } from './fold.js';
import { Judge } from './judge.js';
import { MAYBE_ELSEWHERE } from './keys/window.js';
import { isNeeded, type Needed, Opening } from './opening.js';
import type { Outcome } from './outcome.js';
import type { Parent } from './parent.js';
import { Posting } from './posting.js';
import { type LogRecord, type LogSink, type Micros, type Position, RecordKind } from './record.js';
import { type Refusal, refusal, refusalDetails } from './refusal.js';
import type { LedgerState } from './state.js';
import { RecordWriter } from './writer.js';

/** Commands of merchants: those that belong to a book and may have a key. */
type Request = Exclude<Command, OpenMerchantCommand | ConfigureCommand>;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Decider {
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

  constructor(state: LedgerState) {
    this.#state = state;
    this.#writer = new RecordWriter(state);
    const judge = new Judge(state);
    this.#posting = new Posting(state, this.#writer, judge);
    this.#acting = new Acting(state, this.#writer, judge);
    this.#opening = new Opening(state, this.#writer);
    this.#batching = new Batching(state, this.#writer, this.#posting);
  }

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

  /** Writes what is due on one account: whoever reads it next sees no hold that has lapsed. */
  expireOn(book: number, name: string, now: Micros, sink: LogSink): void {
    this.#begin(now, sink);
    if (!this.#state.parents.expiries.anyDue(this.#writer.now)) return;
    const account = this.#state.accounts.findByName(book, name);
    if (account !== 0) this.#expireOn(new Set([account]));
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
    // What makes closures stands in functions of its own: here each would cost every posting an allocation.
    if (command.dryRun) return this.#dryPost(command);
    const refused = posting.opensAccounts ? this.#openAndPost(command) : posting.decide(command, command);
    return refused === null ? this.#succeeded(null) : this.#refuse(command, refused);
  }

  #dryPost(command: PostCommand): Outcome {
    return this.#dryRun(command, () => this.#posting.decide(command, command));
  }

  #openAndPost(command: PostCommand): Refusal | null {
    return this.#unit(command, () => this.#posting.decide(command, command));
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
      return { type: 'load_parent', positions: [command.parent] };
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
    record.details = JSON.stringify({ merchant, environment } satisfies MerchantDetails);
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
    return isNeeded(answer) ? { type: 'load_parent', positions: answer.needed } : this.#refuse(command, answer);
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

  // -- what was loaded for a command that is tried again --------------------------------------------------------------

  /** There is no transaction at that position. */
  admitNoTransaction(position: Position): void {
    this.#admissions.addNoTransaction(position);
  }

  /** A record that is no transaction; account records hold metadata that a later one repeats. */
  admitOther(record: LogRecord): void {
    this.#opening.admit(record);
    this.#admissions.addNoTransaction(record.position);
  }

  /** @param position of the key's outcome, 0 where it has none */
  admitKey(keyHash: Int32Array, position: Position | 0): void {
    this.#admissions.addKey(keyHash, position);
  }
}
