/**
 * Open holds by the time at which they lapse: a heap in order of (expires_at, position). Holds that are due move from it
 * to a queue in that order, where they can be found by account, because a command that touches an account first
 * writes what is due on it.
 */
import { assert } from './assert.js';
import type { Parent } from './parent.js';
import type { Micros } from './record.js';

const isBefore = (a: Parent, b: Parent): boolean =>
  a.expiresAt < b.expiresAt || (a.expiresAt === b.expiresAt && a.position < b.position);

export class Expiries {
  readonly #heap: Parent[] = [];
  /** Due, in order; from `#dueStart` on. Closed ones among them are passed over. */
  #due: Parent[] = [];
  #dueStart = 0;
  readonly #dueByAccount = new Map<number, Parent[]>();

  add(hold: Parent): void {
    assert(hold.heapIndex === -1 && hold.open, 'an open hold is waited for once');
    hold.heapIndex = this.#heap.length;
    this.#heap.push(hold);
    this.#up(hold.heapIndex);
  }

  /** A hold that has closed. Where it is due already, the queue passes over it. */
  remove(hold: Parent): void {
    const index = hold.heapIndex;
    if (index === -1) return;
    hold.heapIndex = -1;
    const last = this.#heap.pop() as Parent;
    if (last === hold) return;
    this.#place(last, index);
    this.#up(index);
    this.#down(last.heapIndex);
  }

  /** When the first one lapses; 0: there is none. */
  next(): Micros {
    return this.#firstDue()?.expiresAt ?? this.#heap[0]?.expiresAt ?? 0;
  }

  /** Whether anything is due at `now`. */
  anyDue(now: Micros): boolean {
    const next = this.next();
    return next !== 0 && next <= now;
  }

  /** How many holds are due at `now`, at most: some of them may have closed. */
  dueCount(now: Micros): number {
    if (!this.anyDue(now)) return 0;
    this.#advance(now);
    return this.#due.length - this.#dueStart;
  }

  /** The first hold that is due, if any. */
  firstDue(now: Micros): Parent | undefined {
    this.#advance(now);
    return this.#firstDue();
  }

  /** Open holds on an account that are due, in order. */
  dueOn(account: number, now: Micros): readonly Parent[] {
    this.#advance(now);
    return this.#dueByAccount.get(account)?.filter((hold) => hold.open) ?? [];
  }

  #firstDue(): Parent | undefined {
    while (this.#dueStart < this.#due.length && !(this.#due[this.#dueStart] as Parent).open) this.#dueStart++;
    const first = this.#due[this.#dueStart];
    if (first === undefined && this.#due.length > 0) {
      this.#due = [];
      this.#dueStart = 0;
      this.#dueByAccount.clear();
    }
    return first;
  }

  #advance(now: Micros): void {
    for (let first = this.#heap[0]; first !== undefined && first.expiresAt <= now; first = this.#heap[0]) {
      this.remove(first);
      this.#due.push(first);
      for (const { debit, credit } of first.legs) {
        this.#indexDue(debit, first);
        this.#indexDue(credit, first);
      }
    }
  }

  #indexDue(account: number, hold: Parent): void {
    const holds = this.#dueByAccount.get(account);
    if (holds === undefined) this.#dueByAccount.set(account, [hold]);
    else if (holds[holds.length - 1] !== hold) holds.push(hold);
  }

  #place(hold: Parent, index: number): void {
    this.#heap[index] = hold;
    hold.heapIndex = index;
  }

  #up(from: number): void {
    const hold = this.#heap[from] as Parent;
    let index = from;
    while (index > 0) {
      const above = this.#heap[(index - 1) >> 1] as Parent;
      if (!isBefore(hold, above)) break;
      this.#place(above, index);
      index = (index - 1) >> 1;
    }
    this.#place(hold, index);
  }

  #down(from: number): void {
    const hold = this.#heap[from] as Parent;
    let index = from;
    for (;;) {
      const left = this.#heap[index * 2 + 1];
      const right = this.#heap[index * 2 + 2];
      if (left === undefined) break;
      const first = right !== undefined && isBefore(right, left) ? right : left;
      if (!isBefore(first, hold)) break;
      const hole = first.heapIndex;
      this.#place(first, index);
      index = hole;
    }
    this.#place(hold, index);
  }
}
