/**
 * Requests of a front that wait for an answer. Each takes a slot; its number is the slot and, above that, how often the
 * slot was used, so that a second answer to it finds nobody.
 *
 * The count of uses comes round again after some thousands, within the time that an answer may be late. So a request that
 * is given up keeps its slot until its answer comes, which is ignored, or cannot come any more. The worker that took a
 * request bounds how many can be late: it refuses what it has no room for, and a refusal is an answer too.
 *
 * Columns of numbers and of references that are there already: to enter and to leave makes no garbage.
 */
import type { AnswerReceiver } from './wire/messages.js';

const SLOT_BITS = 20;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const USES_MASK = 0xfff;
const FIRST_SLOTS = 1024;

/** In place of who has given up waiting. */
const NOBODY: AnswerReceiver = { recorded: () => undefined, answered: () => undefined };

/** @typeParam Owner what a request is lost with */
export class InFlight<Owner> {
  /** By slot: who waits (null: the slot is free), by what tag, which use of the slot it is, its owner, since when. */
  readonly #receivers: (AnswerReceiver | null)[] = [];
  readonly #owners: (Owner | null)[] = [];
  #tags = new Int32Array(FIRST_SLOTS);
  #uses = new Int32Array(FIRST_SLOTS);
  #since = new Float64Array(FIRST_SLOTS);
  /** A stack of slots that were left. */
  #free = new Int32Array(FIRST_SLOTS);
  #freeCount = 0;
  #givenUp = 0;

  /** Requests that wait: without those that were given up, which are not to keep others out. */
  get count(): number {
    return this.#receivers.length - this.#freeCount - this.#givenUp;
  }

  /** No slot is left. Far from it unless answers stay away for long while others come. */
  get isFull(): boolean {
    return this.#freeCount === 0 && this.#receivers.length > SLOT_MASK;
  }

  /** Where it is not full. @returns the request's number, below 2^32 */
  enter(receiver: AnswerReceiver, tag: number, owner: Owner, nowMs: number): number {
    const slot = this.#freeCount > 0 ? (this.#free[--this.#freeCount] as number) : this.#newSlot(); // below the count
    const use = ((this.#uses[slot] as number) + 1) & USES_MASK; // as long as there are slots
    this.#receivers[slot] = receiver;
    this.#owners[slot] = owner;
    this.#tags[slot] = tag;
    this.#uses[slot] = use;
    this.#since[slot] = nowMs;
    return ((use << SLOT_BITS) | slot) >>> 0;
  }

  /** The slot of a number; −1 where it has left. */
  slotOf(requestId: number): number {
    const slot = requestId & SLOT_MASK;
    if ((this.#receivers[slot] ?? null) === null || this.#uses[slot] !== requestId >>> SLOT_BITS) return -1;
    return slot;
  }

  /** Of a slot that is taken. */
  tagOf(slot: number): number {
    return this.#tags[slot] as number; // as long as there are slots
  }

  /** Leaves the slot taken until the answer comes. @returns who waited, and hears nothing more */
  giveUp(slot: number): AnswerReceiver | null {
    const receiver = this.#receivers[slot] ?? null;
    this.#receivers[slot] = NOBODY;
    this.#since[slot] = Number.POSITIVE_INFINITY; // nobody is impatient any more
    this.#givenUp++;
    return receiver;
  }

  /** Frees a slot that is taken. @returns who waited */
  leave(slot: number): AnswerReceiver | null {
    const receiver = this.#receivers[slot] ?? null;
    if (receiver === NOBODY) this.#givenUp--;
    this.#receivers[slot] = null;
    this.#owners[slot] = null;
    this.#free[this.#freeCount++] = slot;
    return receiver;
  }

  /** Slots of requests with this owner, those that were given up among them. */
  slotsOf(owner: Owner): number[] {
    return this.#slotsWhere((slot) => this.#owners[slot] === owner);
  }

  /** Slots of requests that wait since before `latestMs`. */
  slotsBefore(latestMs: number): number[] {
    return this.#slotsWhere((slot) => (this.#since[slot] ?? 0) < latestMs);
  }

  #slotsWhere(is: (slot: number) => boolean): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < this.#receivers.length; slot++) {
      if (this.#receivers[slot] !== null && is(slot)) slots.push(slot);
    }
    return slots;
  }

  #newSlot(): number {
    const slot = this.#receivers.length;
    if (slot === this.#tags.length) {
      this.#tags = grown(this.#tags, new Int32Array(slot * 2));
      this.#uses = grown(this.#uses, new Int32Array(slot * 2));
      this.#since = grown(this.#since, new Float64Array(slot * 2));
      this.#free = grown(this.#free, new Int32Array(slot * 2));
    }
    return slot;
  }
}

function grown<Column extends Int32Array | Float64Array>(from: Column, into: Column): Column {
  into.set(from);
  return into;
}
