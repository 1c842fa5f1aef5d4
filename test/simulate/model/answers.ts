/** Holds what each client was told against the log: what it was told is there, committed, once, and the same. */
import type { RecordView } from '../../../src/ledger/view.js';
import type { Answered, Complaint, LogRow, Operation } from '../history.js';
import { show } from './compare.js';
import { isDryRun, isWriting } from './decide.js';
import type { HistoryIndex } from './index.js';
import { isRemembered } from './precedence.js';
import { judgeAccount, judgeHead, viewDifference } from './reads.js';
import { Kind } from './state.js';
import { judgeList, judgeStatement } from './statements.js';
import type { Walk } from './walk.js';

type Recorded = Extract<Answered['answer'], { type: 'recorded' }>;

export function judgeAnswers(index: HistoryIndex, walk: Walk): Complaint[] {
  const judge = new AnswerJudge(index, walk);
  for (const answered of index.history.answers) judge.judge(answered);
  return judge.complaints;
}

class AnswerJudge {
  readonly complaints: Complaint[] = [];
  readonly #index: HistoryIndex;
  readonly #walk: Walk;
  readonly #answeredTwice = new Set<number>();
  /** By position: the operation that was told that the record there is its own. */
  readonly #owners = new Map<number, number>();

  constructor(index: HistoryIndex, walk: Walk) {
    this.#index = index;
    this.#walk = walk;
  }

  judge(answered: Answered): void {
    const operation = this.#index.operation(answered.operation);
    const complain = (rule: string, said: string, expected: string): void => {
      const to = `operation ${answered.operation} (key ${operation?.key ?? 'none'})`;
      this.complaints.push({ rule, step: answered.step, said: `${to}: ${said}`, expected });
    };
    if (operation === undefined || operation.step >= answered.step) {
      complain('answers_match', show(answered.answer), 'an answer to something that was asked');
      return;
    }
    if (this.#answeredTwice.has(operation.number)) complain('answers_match', 'answered again', 'one answer');
    this.#answeredTwice.add(operation.number);
    const { answer } = answered;
    if (!fits(operation, answer.type)) {
      complain(
        'answers_match',
        `${answer.type} to ${operation.command.type}`,
        'an answer of the kind that was asked for',
      );
      return;
    }
    switch (answer.type) {
      case 'recorded':
        this.#judgeRecorded(operation, answered, answer, complain);
        return;
      case 'replay':
        this.#judgeReplay(operation, answered, answer.position, complain);
        return;
      case 'answered':
        if (isDryRun(operation.command)) return;
        if (answer.code === null || isRemembered(answer.code)) {
          complain('remembered', `${answer.code ?? 'success'}, and no record`, 'a record that holds it under the key');
        }
        return;
      case 'account':
        judgeAccount(this.#index, this.#walk, operation, answered, answer, complain);
        return;
      case 'head':
        judgeHead(this.#index, operation, answered, answer, complain);
        return;
      case 'statement':
        judgeStatement(this.#index, this.#walk, operation, answered, answer, complain);
        return;
      case 'accounts':
        judgeList(this.#index, this.#walk, operation, answered, answer, complain);
        return;
      case 'unavailable':
      case 'refused':
        return;
    }
  }

  #judgeRecorded(operation: Operation, answered: Answered, answer: Recorded, complain: Complain): void {
    const row = this.#index.row(answer.position);
    if (row === undefined || row.book !== operation.book || row.key !== operation.key || operation.key === null) {
      const there = row === undefined ? 'no record' : `a record of book ${row.book}, key ${row.key}`;
      complain('answered_is_there', `recorded at position ${answer.position}`, `in the log there is ${there}`);
      return;
    }
    const committed = this.#index.batchOf(row.position)?.step ?? Number.POSITIVE_INFINITY;
    if (committed >= answered.step) {
      complain('durable_before_answered', `told at step ${answered.step}`, `committed before; it was at ${committed}`);
    }
    const owner = this.#owners.get(row.position);
    if (owner !== undefined) complain('once', `position ${row.position} is its record`, `that of operation ${owner}`);
    this.#owners.set(row.position, operation.number);
    const expires = operation.command.type === 'post' && answer.code === null;
    if (
      answer.code !== row.code ||
      answer.sequence !== row.sequence ||
      answer.recordedAt !== row.recordedAt ||
      (expires && answer.expiresAt !== row.expiresAt)
    ) {
      const said = [answer.code, answer.sequence, answer.recordedAt, answer.expiresAt];
      complain('answered_as_recorded', show(said), show([row.code, row.sequence, row.recordedAt, row.expiresAt]));
    }
    if (
      operation.command.type !== 'post' &&
      answer.details !== row.details &&
      row.kind !== Kind.batch &&
      row.account === 0
    ) {
      complain('answered_as_recorded', `details ${answer.details}`, `details ${row.details}`);
    }
    this.#judgeOrigin(operation, row, answer, complain);
  }

  #judgeOrigin(operation: Operation, row: LogRow, answer: Recorded, complain: Complain): void {
    const origin = this.#walk.origins.get(row.position);
    // Beyond the place where model and log part nothing is known.
    if (origin === undefined) return;
    if (!this.#index.samePayload(origin.operation, operation)) {
      complain(
        'answered_is_there',
        `recorded at ${row.position}`,
        `that is the outcome of ${show(origin.operation.command)}`,
      );
      return;
    }
    if (answer.code !== null || operation.command.type === 'post') return;
    const rows = this.#index.history.log.slice(row.position - 1, origin.last);
    const transactions = rows.filter(({ kind }) => kind <= Kind.reversal);
    const said = answer.records.map(shownRecord);
    const wanted = transactions.map((one) => this.#shownRow(one));
    if (show(said) !== show(wanted)) complain('answered_as_recorded', show(said), show(wanted));
    const sequence = rows.at(-1)?.sequence ?? row.sequence;
    for (const view of answer.accounts) {
      const then = this.#walk.accountAt(operation.book, view.name, sequence);
      const difference = viewDifference(view, then);
      if (difference !== null) complain('answered_as_recorded', ...difference);
    }
  }

  #shownRow(row: LogRow): unknown {
    const { position, sequence, kind, parent, flags, effectiveAt, expiresAt, details } = row;
    const name = (number: number): string => this.#walk.accountName(number) ?? `account ${number}`;
    const legs = row.legs.map(({ leg, debit, credit, amount, released }) => [
      leg,
      name(debit),
      name(credit),
      amount,
      released,
    ]);
    return [position, sequence, kind, parent, flags, effectiveAt, expiresAt, details, legs];
  }

  #judgeReplay(operation: Operation, answered: Answered, position: number, complain: Complain): void {
    const { replay } = answered;
    const row = this.#index.row(position);
    const committed = this.#index.batchOf(position)?.step ?? Number.POSITIVE_INFINITY;
    if (row === undefined || committed >= answered.step) {
      complain(
        'durable_before_answered',
        `a replay of position ${position}`,
        `one that is committed; it was at ${committed}`,
      );
      return;
    }
    if (row.key !== operation.key || row.book !== operation.book || replay?.sameKey !== true) {
      complain('once', `a replay of position ${position}`, `a record under its key; that one is under ${row.key}`);
      return;
    }
    const origin = this.#walk.origins.get(position);
    if (origin !== undefined && this.#index.samePayload(origin.operation, operation) !== replay.samePayload) {
      const wanted = replay.samePayload ? 'key_reused' : 'the outcome again';
      complain('once', `a replay of ${position}, ${replay.samePayload ? 'same' : 'another'} payload`, wanted);
    }
    const until = this.#walk.rememberedUntil.get(position);
    const seen = this.#index.row(this.#index.toldBefore(operation.engine, operation.step))?.recordedAt ?? 0;
    // Keys are forgotten in whole seconds.
    if (until !== undefined && seen >= until + SECOND) {
      complain('once', `a replay of ${position} after ${seen}`, `a new key: it was remembered until ${until}`);
    }
  }
}

const SECOND = 1_000_000;

type Complain = (rule: string, said: string, expected: string) => void;

function shownRecord(one: RecordView): unknown {
  const { position, sequence, kind, parent, flags, effectiveAt, expiresAt, details } = one;
  const legs = one.legs.map(({ leg, debit, credit, amount, released }) => [leg, debit, credit, amount, released]);
  return [position, sequence, kind, parent, flags, effectiveAt, expiresAt, details, legs];
}

function fits({ command }: Operation, type: Answered['answer']['type']): boolean {
  if (type === 'unavailable' || type === 'refused') return true;
  if (command.type === 'read_account') return type === 'account';
  if (command.type === 'read_head') return type === 'head';
  if (command.type === 'read_statement') return type === 'statement';
  if (command.type === 'list_accounts') return type === 'accounts';
  if (isDryRun(command)) return type === 'answered';
  return isWriting(command) && (type === 'recorded' || type === 'replay' || type === 'answered');
}
