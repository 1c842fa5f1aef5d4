/**
 * Virtual time: one queue of events in order of their time, and threads to which events belong. Nothing waits: time goes
 * on to the next event at once. All code between two events runs to its end, promises included, before the next one, so
 * a run depends on nothing but its seed.
 */
import type { Random } from '../random.js';

/** Something of its own event loop: a worker, a front, the database. Killed, nothing of it ever runs again. */
export class Thread {
  alive = true;
  /** Its events wait until then: a long collection of garbage, or a stopped process. */
  stoppedUntil = 0;
  /** No immediate of this thread comes before this: they keep their order. */
  immediatesUntil = 0;

  constructor(
    readonly name: string,
    readonly machine: Machine,
  ) {}
}

/** Threads of one process share its clocks. */
export class Machine {
  /** Wall clock less true time, µs. */
  clockOffset = 0;
}

export interface Scheduled {
  at: number;
  order: number;
  readonly thread: Thread;
  run: (() => void) | null;
}

/** Runs what promises have to do, also on behalf of `process.nextTick`. Node's own, and its only synchronous way. */
const runMicrotasks = (process as unknown as { readonly _tickCallback: () => void })._tickCallback;

/** When runs begin, µs since 1970: 2030-01-01. */
export const EPOCH = 1_893_456_000_000_000;

/** µs: a run that lasts longer than this hangs. */
const TIME_MAX = 40 * 86_400_000_000;

export class Loop {
  /** True time, µs since the run began. */
  now = 0;
  events = 0;
  readonly world = new Thread('world', new Machine());
  current: Thread = this.world;
  readonly #heap: Scheduled[] = [];
  readonly #random: Random;
  #order = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** µs since 1970. */
  get trueTime(): number {
    return EPOCH + this.now;
  }

  /** @param delay µs */
  after(delay: number, thread: Thread, run: () => void): Scheduled {
    const event: Scheduled = { at: this.now + Math.max(0, delay), order: this.#order++, thread, run };
    this.#push(event);
    return event;
  }

  /** On the present thread's next turn. */
  immediate(run: () => void): Scheduled {
    const thread = this.current;
    thread.immediatesUntil = Math.max(thread.immediatesUntil, this.now + this.#random.between(1, 20));
    return this.after(thread.immediatesUntil - this.now, thread, run);
  }

  cancel(event: Scheduled): void {
    event.run = null;
  }

  /** @returns false when nothing is left to happen */
  step(): boolean {
    const event = this.#pop();
    if (event === undefined) return false;
    const { thread, run } = event;
    if (run === null || !thread.alive) return true;
    if (event.at > this.now) this.now = event.at;
    if (thread.stoppedUntil > this.now) {
      event.at = thread.stoppedUntil;
      this.#push(event);
      return true;
    }
    if (this.now > TIME_MAX) throw new Error('the run does not come to an end');
    this.current = thread;
    this.events++;
    run();
    runMicrotasks();
    this.current = this.world;
    return true;
  }

  /** Waits, for code that runs as a promise on the present thread. */
  sleep(delay: number): Promise<void> {
    const thread = this.current;
    return new Promise((resolve) => this.after(delay, thread, resolve));
  }

  #push(event: Scheduled): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Scheduled;
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  #pop(): Scheduled | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Scheduled, heap[child] as Scheduled)) child++;
      if (!isBefore(heap[child] as Scheduled, last)) break;
      heap[at] = heap[child] as Scheduled;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

const isBefore = (a: Scheduled, b: Scheduled): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
