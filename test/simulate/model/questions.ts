/**
 * Answers that left nothing in the log: dry runs, and problems that are not remembered. Nobody knows at which place of
 * the log they were decided; it is one between what the engine had told before they were sent and what was committed
 * when they were told. At one such place the model must come to the same.
 */
import type { Answered, Complaint, Operation } from '../history.js';
import { EPOCH } from '../time/globals.js';
import { compareProblem, type Names, show } from './compare.js';
import { decide, isDryRun, isWriting, roomForKey, touchedBy, type WritingCommand } from './decide.js';
import type { ExpectedRow } from './expected.js';
import type { HistoryIndex } from './index.js';
import { isRemembered } from './precedence.js';
import { Kind, keyKey, type ModelLedger } from './state.js';
import { CLOCK_APART_MAX } from './structure.js';

interface Question {
  readonly operation: Operation;
  readonly answered: Answered;
  readonly command: WritingCommand;
  readonly from: number;
  readonly to: number;
  /** What the model came to where it was tried last. */
  expected: string;
}

type Told = Extract<Answered['answer'], { type: 'answered' }>;

const NAMES_NOTHING: ReadonlySet<string> = new Set(['unknown_account', 'unknown_transaction']);

const TRANSACTION_KINDS_END = Kind.reversal;

export class Questions {
  readonly complaints: Complaint[] = [];
  readonly #waiting: Question[] = [];
  readonly #names: Names;
  #active: Question[] = [];

  constructor(index: HistoryIndex, names: Names) {
    this.#names = names;
    for (const answered of index.history.answers) {
      const operation = index.operation(answered.operation);
      if (answered.answer.type !== 'answered' || operation === undefined || !isWriting(operation.command)) continue;
      this.#waiting.push({
        operation,
        answered,
        command: operation.command,
        from: index.toldBefore(operation.engine, operation.step),
        to: index.committedAt(answered.step),
        expected: 'nothing',
      });
    }
    // The next one is taken from the end.
    this.#waiting.sort((a, b) => b.from - a.from);
  }

  /** The model has come to a place where any command might have been decided. */
  atBoundary(ledger: ModelLedger, next: number | null): void {
    for (let last = this.#waiting.at(-1); last !== undefined && last.from <= ledger.head; last = this.#waiting.at(-1)) {
      this.#active.push(last);
      this.#waiting.pop();
    }
    if (this.#active.length === 0) return;
    this.#active = this.#active.filter((question) => {
      if (ledger.head > question.to) {
        this.#complain(question);
        return false;
      }
      return !this.#isAnswered(ledger, question, next);
    });
  }

  /** @param agreedTo where model and log part: beyond it nothing is known */
  end(agreedTo: number): void {
    for (const question of this.#active) if (question.to <= agreedTo) this.#complain(question);
    this.#active = [];
  }

  #complain({ operation, answered, from, to, expected }: Question): void {
    this.complaints.push({
      rule: isDryRun(operation.command) ? 'dry_run' : 'refusal',
      step: answered.step,
      said: `operation ${operation.number} ${show(operation.command)}: ${show(answered.answer)}`,
      expected: `what the state says somewhere from position ${from} to ${to}; at the last one tried ${expected}`,
    });
  }

  #isAnswered(ledger: ModelLedger, question: Question, next: number | null): boolean {
    const answer = question.answered.answer as Told; // only such were taken
    return this.#times(ledger, question, answer, next).some((now) => this.#isAnsweredAt(ledger, question, answer, now));
  }

  /** The engine's clock is not known: never before the last record, never far from the true time. */
  #times(ledger: ModelLedger, { operation, answered }: Question, answer: Told, next: number | null): number[] {
    const shown = answer.records[0]?.recordedAt;
    const last = Math.max(1, ledger.lastRecordedAt);
    if (shown !== undefined) return shown >= last ? [shown] : [];
    const trueTimes = [operation.at, answered.at, answered.at + CLOCK_APART_MAX].map((at) => EPOCH + at);
    return [...new Set([last, next ?? 0, ...trueTimes].map((time) => Math.max(last, time)))];
  }

  #isAnsweredAt(ledger: ModelLedger, question: Question, answer: Told, now: number): boolean {
    const { operation, command } = question;
    const { book, key } = operation;
    const dry = isDryRun(command);
    if (key !== null && !dry) {
      const known = ledger.keys.get(keyKey(book, key));
      if (known !== undefined && known.until > now) {
        question.expected = `a replay of ${known.position}`;
        return false;
      }
      const room = roomForKey(ledger, book, now);
      if (answer.code === 'key_window_full') return room !== 'yes';
      if (room === 'no') {
        question.expected = 'key_window_full';
        return false;
      }
    }
    const at = { book, now, position: ledger.head + 1 };
    const names = touchedBy(ledger, command, book);
    const decision = decide(ledger, command, at);
    const code = decision.problem?.code ?? null;
    // Holds that have lapsed are let go before a command is decided, but not for one that names what is not there.
    const lapsed = ledger.lapsed(book, names, ledger.lastRecordedAt).length > 0;
    if (lapsed && (code === null || !NAMES_NOTHING.has(code))) return false;
    question.expected = code ?? 'a success';
    if (code !== answer.code) return false;
    if (code !== null && decision.problem !== null) {
      if (!dry && isRemembered(code)) {
        question.expected = `${code}, remembered`;
        return false;
      }
      return compareProblem(answer, decision.problem, this.#names) === null;
    }
    if (!dry || decision.problem !== null) return false;
    return this.#isPreview(answer, decision.rows, question);
  }

  /** A dry run shows the transactions that it would have made. */
  #isPreview({ records }: Told, rows: readonly ExpectedRow[], question: Question): boolean {
    const expected = rows.filter(({ kind }) => kind <= TRANSACTION_KINDS_END);
    const legs = (of: readonly { debit: string; credit: string; amount: bigint; released: bigint; leg: number }[]) =>
      of.map(({ leg, debit, credit, amount, released }) => `${leg}: ${debit}>${credit} ${amount}+${released}`);
    const said = records.map((one) => [one.kind, one.expiresAt, one.effectiveAt, one.parent, legs(one.legs)]);
    const wanted = expected.map((one) => [one.kind, one.expiresAt, one.effectiveAt, one.parent, legs(one.legs)]);
    question.expected = show(wanted);
    return show(said) === show(wanted);
  }
}
