/**
 * Transactions in memory that can be acted on. Open holds are always here; what is posted or closed is loaded when an
 * action asks for it, and stays until it is evicted.
 */
import { assert } from './assert.js';
import { Expiries } from './expiries.js';
import { Parent } from './parent.js';
import type { LogRecord, Position } from './record.js';
import { isAction, isTransaction } from './record.js';

export class Parents {
  readonly expiries = new Expiries();
  readonly #resident = new Map<Position, Parent>();
  /** Resident and not open, the least recently changed first. */
  readonly #evictable = new Map<Position, Parent>();
  #openCount = 0;

  get openCount(): number {
    return this.#openCount;
  }

  get(position: Position): Parent | undefined {
    return this.#resident.get(position);
  }

  /** A pending transaction appears. */
  open(record: LogRecord): Parent {
    const hold = new Parent(record);
    assert(hold.open && !this.#resident.has(hold.position), 'a hold is opened once');
    this.#resident.set(hold.position, hold);
    this.expiries.add(hold);
    this.#openCount++;
    return hold;
  }

  /** Undoes {@link open}. */
  drop(hold: Parent): void {
    assert(hold.open, 'a hold that is undone is open');
    this.expiries.remove(hold);
    this.#resident.delete(hold.position);
    this.#openCount--;
  }

  /** Folds an action of a resident parent. */
  act(parent: Parent, record: LogRecord): void {
    const wasOpen = parent.open;
    parent.act(record);
    this.#followOpen(parent, wasOpen);
  }

  /** Puts a parent back as it was when `restorer` was taken. */
  undo(parent: Parent, restore: () => void): void {
    const wasOpen = parent.open;
    restore();
    this.#followOpen(parent, wasOpen);
  }

  #followOpen(parent: Parent, wasOpen: boolean): void {
    this.#evictable.delete(parent.position);
    if (!parent.open) this.#evictable.set(parent.position, parent);
    if (wasOpen === parent.open) return;
    if (parent.open) this.expiries.add(parent);
    else this.expiries.remove(parent);
    this.#openCount += parent.open ? 1 : -1;
  }

  /** The record of a transaction followed by its actions. What is resident already is newer and stays. */
  admit(records: readonly LogRecord[]): void {
    const [first, ...actions] = records;
    assert(first !== undefined && isTransaction(first.kind), 'a parent is a transaction');
    if (this.#resident.has(first.position)) return;
    const parent = new Parent(first);
    for (const action of actions) if (isAction(action.kind)) parent.act(action);
    this.#resident.set(parent.position, parent);
    if (!parent.open) {
      this.#evictable.set(parent.position, parent);
      return;
    }
    this.expiries.add(parent);
    this.#openCount++;
  }

  evict(committed: Position, max: number): void {
    let left = max;
    for (const parent of this.#evictable.values()) {
      if (left-- <= 0 || parent.lastChange > committed) return;
      this.#evictable.delete(parent.position);
      this.#resident.delete(parent.position);
    }
  }

  /** Open holds in order of position. */
  openHolds(): Parent[] {
    return [...this.#resident.values()].filter((parent) => parent.open).sort((a, b) => a.position - b.position);
  }
}
