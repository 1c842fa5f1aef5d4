/**
 * Runs the model along the log. Its order is the order of decisions: for each of them the model says what the command
 * of that key, at that time, on all that came before, must have come to.
 */
import type { Answered, Complaint, LogRow, Operation } from '../history.js';
import { sorted } from './accounts.js';
import { expire } from './acting.js';
import { compareProblem, compareRow, type Difference, show } from './compare.js';
import { decide, isDryRun, isWriting, roomForKey, touchedBy, type WritingCommand } from './decide.js';
import { type Decision, type ExpectedRow, type Problem, plainRow } from './expected.js';
import type { HistoryIndex } from './index.js';
import { isRemembered } from './precedence.js';
import { type Account, accountKey, type Configuration, isOpenHold, Kind, keyKey, ModelLedger } from './state.js';
import { type Unit, unitsOf } from './units.js';

/** An account as it was from a sequence of its book on. */
export interface Snapshot {
  readonly sequence: number;
  readonly account: Account;
}

/** Told at every place where a decision might have been taken; `next` is the time of the record that follows. */
export type OnBoundary = (ledger: ModelLedger, next: number | null) => void;

export class Walk {
  readonly ledger: ModelLedger;
  readonly history = new Map<string, Snapshot[]>();
  /** The operation that wrote the record at a position, and the last position of its unit. */
  readonly origins = new Map<number, { readonly operation: Operation; readonly last: number }>();
  /** Until when a key is remembered, by the position of its outcome. */
  readonly rememberedUntil = new Map<number, number>();
  readonly complaints: Complaint[] = [];
  /** Up to this position model and log agree. */
  agreedTo = 0;
  readonly #index: HistoryIndex;
  /** What each start of the engine was given. */
  readonly #settings: readonly string[];
  #inForce: string;

  constructor(index: HistoryIndex) {
    this.#index = index;
    this.#settings = index.history.settings.map(sorted);
    this.#inForce = this.#settings[0] ?? '';
    this.ledger = new ModelLedger(index.history.settings[0] as Configuration); // an engine was started
  }

  run(onBoundary: OnBoundary): void {
    onBoundary(this.ledger, this.#index.row(1)?.recordedAt ?? null);
    for (const unit of unitsOf(this.#index.history.log)) {
      this.#judge(unit);
      if (this.complaints.length > 0) return;
      this.agreedTo = this.ledger.head;
      onBoundary(this.ledger, this.#index.row(this.ledger.head + 1)?.recordedAt ?? null);
    }
  }

  accountName(number: number): string | undefined {
    const key = this.ledger.names[number - 1];
    return key === undefined ? undefined : this.ledger.accounts.get(key)?.name;
  }

  currencyCode(number: number): string {
    return this.#index.codes.get(number) ?? String(number);
  }

  #complain(rule: string, row: LogRow, said: string, expected: string): void {
    const step = this.#index.batchOf(row.position)?.step ?? 0;
    this.complaints.push({ rule, step, said: `position ${row.position}: ${said}`, expected });
  }

  #judge(unit: Unit): void {
    const [row] = unit.rows;
    if (row === undefined) return;
    if (unit.rows.some(({ book, recordedAt }) => book !== row.book || recordedAt !== row.recordedAt)) {
      this.#complain('unit_whole', row, 'one decision has records of several books or times', 'one book, one time');
      return;
    }
    if (this.#index.batchOf(row.position) !== this.#index.batchOf(unit.rows.at(-1)?.position ?? 0)) {
      this.#complain('unit_whole', row, 'the records of one decision stand in several commits', 'in one');
      return;
    }
    const given = this.#settingsOf(row);
    if (row.kind !== Kind.configured && given !== this.#inForce) {
      this.#complain('configured', row, `decided by ${this.#inForce}`, `the settings of its engine: ${given}`);
      return;
    }
    if (unit.keyed !== null) this.#judgeCommand(unit, unit.keyed);
    else this.#judgeUnasked(row);
  }

  // -- what no client asks for ----------------------------------------------------------------------------------------

  #judgeUnasked(row: LogRow): void {
    switch (row.kind) {
      case Kind.expiry:
        this.#judgeExpiry(row);
        return;
      case Kind.merchantOpened: {
        const known = this.#index.history.books.find(({ book }) => book === row.book);
        const { merchant, environment } = JSON.parse(row.details ?? '{}') as Record<string, unknown>;
        const twice = this.ledger.sequences.has(row.book);
        if (twice || known === undefined || known.merchant !== merchant || known.environment !== environment) {
          this.#complain('book_opened', row, `book ${row.book} is opened: ${row.details}`, show(known));
          return;
        }
        this.ledger.sequences.set(row.book, 0);
        this.#passed([row]);
        return;
      }
      case Kind.configured:
        this.#judgeConfigured(row);
        return;
      default:
        this.#complain('asked_for', row, `a record of kind ${row.kind} without a key`, 'a command that asks for it');
    }
  }

  #judgeConfigured(row: LogRow): void {
    const configuration = JSON.parse(row.details ?? '{}') as Configuration;
    const said = sorted(configuration);
    if (said !== this.#settingsOf(row)) {
      this.#complain('configured', row, said, `the settings of its engine: ${this.#settingsOf(row)}`);
      return;
    }
    this.#inForce = said;
    this.ledger.configure(configuration);
    this.#passed([row]);
  }

  /** Of the engine that committed it. */
  #settingsOf({ position }: LogRow): string {
    return this.#settings[this.#index.batchOf(position)?.engine ?? 0] ?? 'of an engine that was never started';
  }

  #judgeExpiry(row: LogRow): void {
    const hold = this.ledger.transaction(row.parent);
    if (hold === undefined || !isOpenHold(hold) || hold.book !== row.book || hold.expiresAt > row.recordedAt) {
      const said = `${row.parent} expires at ${row.recordedAt}`;
      this.#complain('expiry_due', row, said, hold === undefined ? 'no such hold' : `open, due at ${hold.expiresAt}`);
      return;
    }
    const difference = this.#accept([row], expire(this.ledger, hold, momentOf(row)), null);
    if (difference === null) return;
    this.#complain(
      'expiry',
      row,
      `${difference.field} ${difference.said}`,
      `${difference.field} ${difference.expected}`,
    );
  }

  // -- commands -------------------------------------------------------------------------------------------------------

  #judgeCommand(unit: Unit, keyed: LogRow): void {
    const { ledger } = this;
    const key = keyKey(keyed.book, keyed.key ?? '');
    const known = ledger.keys.get(key);
    if (known !== undefined && known.until > keyed.recordedAt) {
      const said = `key ${keyed.key} has an outcome at ${known.position} and again here`;
      this.#complain('once', keyed, said, `remembered until ${known.until}, this is ${keyed.recordedAt}`);
      return;
    }
    const asked = this.#askedBy(keyed, unit);
    if (asked.length === 0) return;
    if (roomForKey(ledger, keyed.book, keyed.recordedAt) === 'no') {
      this.#complain('keys_bounded', keyed, `key ${keyed.key} is remembered`, 'key_window_full');
      return;
    }
    let first: Difference | null = null;
    for (const operation of asked) {
      const difference = this.#try(unit, keyed, operation);
      if (difference === null) return;
      first ??= { ...difference, expected: `${difference.expected} for ${show(operation.command)}` };
    }
    if (first !== null)
      this.#complain('outcome', keyed, `${first.field} ${first.said}`, `${first.field} ${first.expected}`);
  }

  /** One operation for each thing that was asked under the key by somebody who may have caused the record. */
  #askedBy(keyed: LogRow, unit: Unit): Operation[] {
    const committed = this.#index.batchOf(keyed.position)?.step ?? Number.POSITIVE_INFINITY;
    const sent = (this.#index.byKey.get(keyKey(keyed.book, keyed.key ?? '')) ?? []).filter(
      ({ step, command }) => step < committed && isWriting(command) && !isDryRun(command),
    );
    if (sent.length === 0) {
      this.#complain('asked_for', keyed, `an outcome of key ${keyed.key}`, 'nobody had sent it by then');
      return [];
    }
    const able = sent.filter((one) => mayHaveCaused(this.#index.answerOf.get(one.number), keyed));
    if (able.length === 0) {
      const said = `an outcome of key ${keyed.key}, ${unit.rows.length} records`;
      this.#complain('none_means_none', keyed, said, 'everybody who had sent it was told that nothing was done');
      return [];
    }
    const isTold = (one: Operation): boolean => this.#index.answerOf.get(one.number)?.answer.type === 'recorded';
    const distinct: Operation[] = [];
    for (const one of [...able.filter(isTold), ...able.filter((other) => !isTold(other))]) {
      if (!distinct.some((other) => this.#index.samePayload(one, other))) distinct.push(one);
    }
    return distinct;
  }

  #try(unit: Unit, keyed: LogRow, operation: Operation): Difference | null {
    const command = operation.command as WritingCommand; // reads were left out
    const { ledger } = this;
    const moment = momentOf(unit.rows[0] as LogRow); // a unit has a row
    const [late] = ledger.lapsed(keyed.book, touchedBy(ledger, command, keyed.book), keyed.recordedAt);
    if (late !== null && late !== undefined) {
      const said = `decided at ${keyed.recordedAt} with the hold ${late.position} still open`;
      return { field: 'expiry', said, expected: `expired since ${late.expiresAt}` };
    }
    const decision = decide(ledger, command, moment);
    if (decision.problem !== null) return this.#tryRefusal(unit, keyed, decision.problem, decision.parent, operation);
    return this.#accept(unit.rows, decision, operation);
  }

  #tryRefusal(unit: Unit, keyed: LogRow, problem: Problem, parent: number, operation: Operation): Difference | null {
    const { command } = operation;
    // By these two payloads under one key are told apart where both would have been refused alike.
    const texts = 'reference' in command ? command : null;
    const expected: ExpectedRow = { ...plainRow(Kind.refused), code: problem.code, parent, answers: true, texts };
    if (!isRemembered(problem.code))
      return { field: 'code', said: show(keyed.code), expected: `${problem.code}, unrecorded` };
    const difference =
      unit.rows.length === 1
        ? (compareRow(keyed, expected, this) ?? compareProblem(keyed, problem, this))
        : { field: 'records', said: `${unit.rows.length}`, expected: `a refusal, ${problem.code}` };
    if (difference !== null) return { ...difference, expected: `${difference.expected} (${problem.code})` };
    this.#remember(unit, operation);
    this.#passed(unit.rows);
    return null;
  }

  /** Compares, and where all is as expected takes it over. */
  #accept(rows: readonly LogRow[], decision: Decision, operation: Operation | null): Difference | null {
    if (decision.problem !== null) throw new Error('only what happens is taken over');
    const { draft, rows: expected } = decision;
    const names = {
      accountName: (number: number): string | undefined => this.accountName(number) ?? openedAs(rows, number),
      currencyCode: (number: number): string => this.currencyCode(number),
    };
    for (const [index, wanted] of expected.entries()) {
      const row = rows[index];
      if (row === undefined) return { field: 'records', said: `${rows.length}`, expected: `${expected.length}` };
      const difference = compareRow(row, wanted, names);
      if (difference !== null) return { ...difference, field: `record ${row.position}: ${difference.field}` };
    }
    if (rows.length > expected.length)
      return { field: 'records', said: `${rows.length}`, expected: `${expected.length}` };
    const numbered = this.#numbers(rows);
    if (numbered !== null) return numbered;
    for (const one of draft.accounts.values()) this.ledger.putAccount(one);
    for (const one of draft.transactions.values()) this.ledger.putTransaction(one);
    if (operation !== null) this.#remember({ rows, keyed: rows.find(({ key }) => key !== null) ?? null }, operation);
    this.#passed(rows);
    const sequence = rows.at(-1)?.sequence ?? 0;
    for (const [key, account] of draft.accounts) this.#snapshot(key, sequence, account);
    return null;
  }

  #numbers(rows: readonly LogRow[]): Difference | null {
    let number = this.ledger.accountCount;
    for (const row of rows) {
      if (row.kind !== Kind.accountOpened) continue;
      number++;
      if (row.account !== number) return { field: 'account number', said: `${row.account}`, expected: `${number}` };
    }
    return null;
  }

  #snapshot(key: string, sequence: number, account: Account): void {
    const snapshots = this.history.get(key);
    if (snapshots === undefined) this.history.set(key, [{ sequence, account }]);
    else snapshots.push({ sequence, account });
  }

  #remember({ keyed, rows }: Unit, operation: Operation): void {
    if (keyed === null) return;
    const until = keyed.recordedAt + this.ledger.configuration.keyWindow;
    const key = keyKey(keyed.book, keyed.key ?? '');
    this.ledger.keys.set(key, { position: keyed.position, recordedAt: keyed.recordedAt, until });
    const times = this.ledger.keyTimes.get(keyed.book);
    if (times === undefined) this.ledger.keyTimes.set(keyed.book, [{ recordedAt: keyed.recordedAt, until }]);
    else times.push({ recordedAt: keyed.recordedAt, until });
    this.rememberedUntil.set(keyed.position, until);
    this.origins.set(keyed.position, { operation, last: rows.at(-1)?.position ?? keyed.position });
  }

  /** Places and times; that they follow one on another is judged elsewhere. */
  #passed(rows: readonly LogRow[]): void {
    for (const row of rows) {
      this.ledger.head = row.position;
      this.ledger.lastRecordedAt = row.recordedAt;
      if (row.book !== 0 && row.sequence > 0) this.ledger.sequences.set(row.book, row.sequence);
    }
  }

  /** All that an account has been, in order. */
  snapshotsOf(book: number, name: string): readonly Snapshot[] {
    return this.history.get(accountKey(book, name)) ?? [];
  }

  /** The account as of a sequence of its book. */
  accountAt(book: number, name: string, sequence: number): Account | null {
    const snapshots = this.snapshotsOf(book, name);
    let found: Account | null = null;
    for (const one of snapshots) if (one.sequence <= sequence) found = one.account;
    return found;
  }
}

const momentOf = (row: LogRow): { book: number; now: number; position: number } => ({
  book: row.book,
  now: row.recordedAt,
  position: row.position,
});

const openedAs = (rows: readonly LogRow[], number: number): string | undefined => {
  const row = rows.find(({ kind, account }) => kind === Kind.accountOpened && account === number);
  return row === undefined ? undefined : (JSON.parse(row.details ?? '{}') as { name?: string }).name;
};

/** Whoever was told that nothing happened, or that somebody else's record is the outcome, did not write the record. */
function mayHaveCaused(answered: Answered | undefined, row: LogRow): boolean {
  if (answered === undefined) return true;
  const { answer } = answered;
  switch (answer.type) {
    case 'recorded':
      return answer.position === row.position;
    case 'unavailable':
      return answer.code === 'outcome_unknown' || answer.code === 'internal_error';
    default:
      return false;
  }
}
