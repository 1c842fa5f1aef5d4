/**
 * How long the folds of a shard rest between their steps.
 *
 * The larger a step the cheaper each record, and a database that folds has the less time for commits. So short steps, which
 * records of few accounts make, rest for fifty times what they took, but only until balances would be two seconds old:
 * what is committed as a step begins waits for it, for the rest and for the next step. Where a step takes more than half
 * as long as its records took to come, which records of very many accounts make it, balances as fresh would cost a fifth of
 * two processors: then steps rest for ten times what they took, and for no more than twenty seconds. Nobody gains by a
 * rest beyond the moment at which there is enough for the largest step: it makes no step cheaper, and a start has to read
 * what is not folded. So where that much has come, folding has most of the database.
 */
const CHEAP_REST_SHARE = 50;
/** How old balances become where that is cheap. */
const FRESH_MS = 1_900;
/** Of the time in which its records came, a step. */
const DEAR_SHARE = 0.5;
/** How long a dear step after a short rest is remembered: those after a long one are cheaper, and cannot tell. */
const DEAR_FOR_MS = 30_000;
const DEAR_REST_SHARE = 10;
const DEAR_REST_MS_MAX = 20_000;
const CATCH_UP_REST_SHARE = 0.25;

/** What a step has left. */
export interface Backlog {
  /** Records that are not folded. */
  readonly records: number;
  /** The last record there is. */
  readonly head: number;
}

export class StepPace {
  readonly #stepRecordsMax: number;
  #last: { readonly head: number; readonly startedAt: number; readonly endedAt: number } | null = null;
  #dearUntil = 0;

  constructor(stepRecordsMax: number) {
    this.#stepRecordsMax = stepRecordsMax;
  }

  /** @returns ms from the end of a step to the beginning of the next, none where it is 0 or less; times are of one clock, ms */
  restMs(startedAt: number, endedAt: number, { records, head }: Backlog): number {
    const tookMs = endedAt - startedAt;
    const last = this.#last;
    this.#last = { head, startedAt, endedAt };
    // Of the first step nobody knows how long its records took to come.
    const cameInMs = last === null ? Number.POSITIVE_INFINITY : startedAt - last.startedAt;
    const perMs = last === null ? 0 : (head - last.head) / (endedAt - last.endedAt);
    const sparing = this.#isDear(tookMs, cameInMs, endedAt)
      ? Math.min(tookMs * DEAR_REST_SHARE, DEAR_REST_MS_MAX)
      : Math.min(tookMs * CHEAP_REST_SHARE, FRESH_MS - 2 * tookMs);
    const missing = Math.max(this.#stepRecordsMax - records, 0);
    const untilFullMs = missing === 0 ? 0 : missing / perMs;
    return Math.min(sparing, Math.max(untilFullMs, tookMs * CATCH_UP_REST_SHARE));
  }

  #isDear(tookMs: number, cameInMs: number, now: number): boolean {
    const isDear = tookMs > cameInMs * DEAR_SHARE;
    if (isDear && cameInMs <= 2 * FRESH_MS) this.#dearUntil = now + DEAR_FOR_MS;
    return isDear || now < this.#dearUntil;
  }
}
