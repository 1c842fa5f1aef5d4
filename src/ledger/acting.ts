/** Decides what is done to an earlier transaction: capture, void, increment, reverse; and expiry. */
import { assert } from './assert.js';
import type { ActionCommand, ActionLeg } from './command.js';
import type { ErrorCode } from './errors.js';
import { INT64_MAX } from './int64.js';
import type { Judge } from './judge.js';
import { type Parent, type ParentLeg, remainingOf } from './parent.js';
import { parentState } from './parent-state.js';
import type { LogRecord } from './record.js';
import { RecordFlags, RecordKind } from './record.js';
import { type Refusal, type RefusalFacts, refusal } from './refusal.js';
import type { LedgerState } from './state.js';
import type { RecordWriter } from './writer.js';

const KIND_OF = {
  capture: RecordKind.capture,
  void: RecordKind.void,
  increment: RecordKind.increment,
  reverse: RecordKind.reversal,
} as const satisfies Record<ActionCommand['type'], RecordKind>;

/** Amount by index of the parent's leg. */
type Amounts = Map<number, bigint>;

export class Acting {
  readonly #state: LedgerState;
  readonly #writer: RecordWriter;
  readonly #judge: Judge;

  constructor(state: LedgerState, writer: RecordWriter, judge: Judge) {
    this.#state = state;
    this.#writer = writer;
    this.#judge = judge;
  }

  /** Judges and writes. The parent is resident, and no due hold of it or its accounts is left. */
  decide(command: ActionCommand, parent: Parent): Refusal | null {
    const fault = this.#judgeState(command, parent);
    if (fault !== null) return fault;
    const amounts = this.#amounts(command, parent);
    if (!(amounts instanceof Map)) return amounts;
    const record = this.#start(command, parent, amounts);
    const beyond = this.#judgeEffect(command, parent, record);
    if (beyond !== null) return beyond;
    this.#writer.answers(command);
    this.#writer.write();
    return null;
  }

  #refuse(code: ErrorCode, parent: Parent, facts: RefusalFacts): Refusal {
    return refusal(code, { ...facts, parent_state: parentState(parent, this.#state.currencies) });
  }

  #judgeState(command: ActionCommand, parent: Parent): Refusal | null {
    if (parent.kind !== RecordKind.posted && parent.kind !== RecordKind.pending) return refusal('not_actionable', {});
    if (command.type === 'reverse') {
      const reversible = parent.legs.some((leg) => parent.reversible(leg) > 0n);
      return reversible ? null : this.#refuse('nothing_to_reverse', parent, {});
    }
    if (parent.kind === RecordKind.posted) return this.#refuse('transaction_not_pending', parent, {});
    return parent.open ? null : this.#refuse('transaction_closed', parent, {});
  }

  /** What the command asks for by leg, in its order; all that there is where it names nothing. */
  #amounts(command: ActionCommand, parent: Parent): Amounts | Refusal {
    const bounded = (leg: ParentLeg): bigint =>
      command.type === 'reverse' ? parent.reversible(leg) : remainingOf(leg);
    const named = this.#namedLegs(command, parent);
    if ('code' in named) return named;
    const amounts: Amounts = new Map();
    if (named.length === 0) {
      parent.legs.forEach((leg, index) => {
        if (bounded(leg) > 0n) amounts.set(index, bounded(leg));
      });
      return amounts;
    }
    for (const [index, { leg, amount }] of named.entries()) {
      const most = bounded(parent.legs[leg] as ParentLeg);
      const wanted = amount === 0n ? most : amount;
      if (command.type !== 'increment' && (wanted > most || most === 0n))
        return this.#exceeds(command, parent, index, most);
      amounts.set(leg, wanted);
    }
    return amounts;
  }

  #exceeds(command: ActionCommand, parent: Parent, index: number, most: bigint): Refusal {
    const param = command.legs.length === 0 ? '/amount' : `/legs/${index}/amount`;
    return command.type === 'reverse'
      ? this.#refuse('amount_exceeds_reversible', parent, { param, reversible: most.toString() })
      : this.#refuse('amount_exceeds_remaining', parent, { param, remaining: most.toString() });
  }

  #namedLegs(command: ActionCommand, parent: Parent): readonly ActionLeg[] | Refusal {
    const { amount, legs } = command;
    const wrong = (param: string): Refusal => this.#refuse('invalid_leg', parent, { param });
    if (amount !== 0n) {
      if (legs.length > 0 || parent.legs.length > 1) return wrong('/amount');
      return [{ leg: 0, amount }];
    }
    const seen = new Set<number>();
    for (const [index, { leg, amount: ofLeg }] of legs.entries()) {
      const parentLeg = parent.legs[leg];
      if (parentLeg === undefined || seen.has(leg)) return wrong(`/legs/${index}/leg`);
      seen.add(leg);
      if (command.type !== 'increment') continue;
      // More can be held only where something is held, and only by a stated amount.
      if (remainingOf(parentLeg) === 0n) return wrong(`/legs/${index}/leg`);
      if (ofLeg === 0n) return wrong(`/legs/${index}/amount`);
    }
    if (command.type === 'increment' && legs.length === 0) return wrong('/amount');
    return legs;
  }

  #start(command: ActionCommand, parent: Parent, amounts: Amounts): LogRecord {
    const kind = KIND_OF[command.type];
    const record = this.#writer.start(kind, command.book);
    record.parent = parent.position;
    record.effectiveAt = this.#writer.now;
    const final = command.type === 'capture' && command.final;
    if (final) record.flags |= RecordFlags.final;
    if (command.type === 'reverse' && command.force) record.flags |= RecordFlags.force;
    for (const [index, amount] of amounts) {
      const leg = parent.legs[index] as ParentLeg;
      if (command.type === 'void') addLeg(record, index, leg, 0n, amount, false);
      else addLeg(record, index, leg, amount, final ? remainingOf(leg) - amount : 0n, command.type === 'reverse');
    }
    if (final) {
      // `final` lets go of the rest of the whole transaction, legs that are not captured included.
      parent.legs.forEach((leg, index) => {
        if (!amounts.has(index) && remainingOf(leg) > 0n) addLeg(record, index, leg, 0n, remainingOf(leg), false);
      });
    }
    assert(record.legCount > 0, 'an action moves something');
    return record;
  }

  #judgeEffect(command: ActionCommand, parent: Parent, record: LogRecord): Refusal | null {
    if (command.type === 'capture' || command.type === 'void') return null;
    if (command.type === 'increment') {
      // A hold that is voided in part and raised again keeps the sum of all that it ever held.
      for (let i = 0; i < record.legCount; i++) {
        const held = (parent.legs[record.leg[i] as number] as ParentLeg).held;
        if (held + (record.amount[i] as bigint) > INT64_MAX) return this.#refuse('amount_overflow', parent, {});
      }
    }
    const closed = this.#closedAccount(record);
    if (closed !== null) return this.#refuse('account_closed', parent, { account: closed });
    const force = command.type === 'reverse' && command.force;
    const beyond = this.#judge.judge(record, command.type === 'increment', !force);
    if (beyond === null) return null;
    // Its pointer counts the record's legs, which are not those of the request.
    const { param: _, ...facts } = beyond.facts;
    return this.#refuse(beyond.code, parent, facts);
  }

  #closedAccount(record: LogRecord): string | null {
    const { accounts } = this.#state;
    for (let leg = 0; leg < record.legCount; leg++) {
      for (const account of [record.debit[leg] as number, record.credit[leg] as number]) {
        if (!accounts.isOpen(account)) return accounts.name(account);
      }
    }
    return null;
  }

  /** Lets go of all that a hold still has, because its time has come. */
  expire(hold: Parent): void {
    assert(hold.open && hold.expiresAt <= this.#writer.now, 'a hold expires once, and not before its time');
    const record = this.#writer.start(RecordKind.expiry, hold.book);
    record.parent = hold.position;
    record.effectiveAt = this.#writer.now;
    hold.legs.forEach((leg, index) => {
      if (remainingOf(leg) > 0n) addLeg(record, index, leg, 0n, remainingOf(leg), false);
    });
    this.#writer.write();
  }
}

function addLeg(
  record: LogRecord,
  index: number,
  leg: ParentLeg,
  amount: bigint,
  released: bigint,
  turned: boolean,
): void {
  const at = record.legCount++;
  record.leg[at] = index;
  record.debit[at] = turned ? leg.credit : leg.debit;
  record.credit[at] = turned ? leg.debit : leg.credit;
  record.currency[at] = leg.currency;
  record.amount[at] = amount;
  record.released[at] = released;
}
