/**
 * Tells a database that stands still (stopped, its machine gone) from one that is slow. A connection to either looks the
 * same from here, and no bound on how long a read may take would fit both: so where a read has taken a while, the database
 * is asked for a sign of life on a connection of its own. If none comes, whatever waits for it is refused, and so is all
 * that comes, until it answers again.
 */
import { StoreUnavailableError } from '../errors.js';

export interface StandstillOptions {
  /** Asks for a sign of life. Rejections are none, but no standstill either: who reads learns of those himself. */
  readonly ask: () => Promise<unknown>;
  /** After so much of a read it is asked, ms. */
  readonly afterMs: number;
  /** Within this it has to answer, ms. */
  readonly withinMs: number;
}

/** How often reads are looked at while there are any, and how long a database that stands still is left alone. */
const LOOK_MS = 250;

/** A piece of work that can be cut off. */
interface Waiting {
  readonly since: number;
  readonly cut: (error: Error) => void;
}

export class Standstill {
  readonly #options: StandstillOptions;
  /** In the order of their beginnings. */
  readonly #waiting = new Set<Waiting>();
  #still = false;
  #asking = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: StandstillOptions) {
    this.#options = options;
  }

  /**
   * Does some work on the database.
   * @param work is given a signal that is aborted at a standstill: what it has under way is to be given up then
   * @throws StoreUnavailableError at a standstill, within `afterMs` + `withinMs` and a little
   */
  async guard<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#still) throw standsStill();
    const controller = new AbortController();
    let waiting: Waiting | null = null;
    const given = new Promise<never>((_, reject) => {
      waiting = {
        since: performance.now(),
        cut: (error) => {
          reject(error);
          controller.abort();
        },
      };
      this.#waiting.add(waiting);
    });
    this.#lookLater();
    const done = work(controller.signal);
    try {
      return await Promise.race([done, given]);
    } finally {
      if (waiting !== null) this.#waiting.delete(waiting);
      // Given up, it fails for itself, and nobody is there to hear of it.
      if (controller.signal.aborted) done.catch(() => undefined);
    }
  }

  #lookLater(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#look();
    }, LOOK_MS);
    this.#timer.unref();
  }

  #look(): void {
    const [oldest] = this.#waiting;
    if (oldest === undefined && !this.#still) return;
    const isLate = oldest !== undefined && performance.now() - oldest.since >= this.#options.afterMs;
    if ((isLate || this.#still) && !this.#asking) void this.#askForLife();
    this.#lookLater();
  }

  async #askForLife(): Promise<void> {
    this.#asking = true;
    let answered = false;
    const late = setTimeout(() => {
      // An answer that has come while this thread was busy is heard first.
      setImmediate(() => {
        if (!answered) this.#cutAll();
      });
    }, this.#options.withinMs);
    late.unref();
    try {
      await this.#options.ask();
      this.#still = false;
    } catch {
      // Nothing was learnt; the next look asks again.
    } finally {
      answered = true;
      clearTimeout(late);
      this.#asking = false;
    }
  }

  #cutAll(): void {
    this.#still = true;
    for (const { cut } of [...this.#waiting]) cut(standsStill());
  }
}

const standsStill = (): Error => new StoreUnavailableError('the database stands still');
