/** A transaction that actions may act on, with its state: a fold of its own record and of its actions. */
import { assert } from './assert.js';
import { INT64_MAX } from './int64.js';
import type { LogRecord, Micros, Position } from './record.js';
import { isAction, RecordKind } from './record.js';
import type { LegState, TransactionStatus } from './view.js';

export interface ParentLeg {
  readonly debit: number;
  readonly credit: number;
  readonly currency: number;
  /** As posted or first held. */
  readonly amount: bigint;
  /** All that was ever held: `amount` and its increments; 0 where it was posted at once. */
  held: bigint;
  captured: bigint;
  released: bigint;
  reversed: bigint;
}

export const remainingOf = (leg: ParentLeg): bigint => leg.held - leg.captured - leg.released;

export class Parent {
  readonly position: Position;
  readonly book: number;
  readonly sequence: number;
  readonly kind: RecordKind;
  readonly recordedAt: Micros;
  readonly effectiveAt: Micros;
  readonly expiresAt: Micros;
  readonly legs: ParentLeg[] = [];
  /** Kind of the last action that let go of something. */
  lastRelease: RecordKind | 0 = 0;
  /** Position of its own record or of its last action. */
  lastChange: Position;
  /** Sum of the rests is above zero. */
  open: boolean;
  /** Place in the heap of expiries, −1 where it is not there. */
  heapIndex = -1;

  constructor(record: LogRecord) {
    this.position = record.position;
    this.book = record.book;
    this.sequence = record.sequence;
    this.kind = record.kind;
    this.recordedAt = record.recordedAt;
    this.effectiveAt = record.effectiveAt;
    this.expiresAt = record.expiresAt;
    this.lastChange = record.position;
    this.open = record.kind === RecordKind.pending;
    for (let leg = 0; leg < record.legCount; leg++) {
      const amount = record.amount[leg] as bigint;
      this.legs.push({
        debit: record.debit[leg] as number,
        credit: record.credit[leg] as number,
        currency: record.currency[leg] as number,
        amount,
        held: this.open ? amount : 0n,
        captured: 0n,
        released: 0n,
        reversed: 0n,
      });
    }
  }

  /** Folds one of its actions. */
  act(record: LogRecord): void {
    assert(record.parent === this.position && isAction(record.kind), 'an action names its parent');
    for (let i = 0; i < record.legCount; i++) {
      const leg = this.legs[record.leg[i] as number];
      assert(leg !== undefined, 'an action names legs of its parent');
      const amount = record.amount[i] as bigint;
      const released = record.released[i] as bigint;
      if (record.kind === RecordKind.increment) leg.held += amount;
      else if (record.kind === RecordKind.reversal) leg.reversed += amount;
      else {
        leg.captured += amount;
        leg.released += released;
        if (released > 0n) this.lastRelease = record.kind;
      }
      assert(remainingOf(leg) >= 0n && leg.held <= INT64_MAX, 'nothing beyond what is held is captured or released');
      assert(leg.reversed <= this.#reversibleMost(leg), 'nothing beyond what was posted is reversed');
    }
    this.lastChange = record.position;
    this.open = this.legs.some((leg) => remainingOf(leg) > 0n);
  }

  #reversibleMost(leg: ParentLeg): bigint {
    return this.kind === RecordKind.posted ? leg.amount : leg.captured;
  }

  /** What of a leg is posted and not yet reversed. */
  reversible(leg: ParentLeg): bigint {
    return this.#reversibleMost(leg) - leg.reversed;
  }

  get status(): TransactionStatus {
    if (this.kind !== RecordKind.pending) return 'posted';
    const captured = this.legs.some((leg) => leg.captured > 0n);
    if (this.open) return captured ? 'partially_captured' : 'pending';
    if (captured) return 'captured';
    return this.lastRelease === RecordKind.expiry ? 'expired' : 'voided';
  }

  legStates(): LegState[] {
    return this.legs.map((leg) => ({
      captured: leg.captured,
      remaining: remainingOf(leg),
      released: leg.released,
      reversed: leg.reversed,
    }));
  }

  /** Puts the state back as it is now. */
  restorer(): () => void {
    const { lastRelease, lastChange, open } = this;
    const legs = this.legs.map((leg) => ({ ...leg }));
    return () => {
      legs.forEach((leg, index) => {
        this.legs[index] = leg;
      });
      this.lastRelease = lastRelease;
      this.lastChange = lastChange;
      this.open = open;
    };
  }
}
