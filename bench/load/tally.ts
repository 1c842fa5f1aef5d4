/** What one group's phase has come to. */
import { build, type Histogram } from 'hdr-histogram-js';
import type { GroupResult, Latency } from './plan.js';

const TENTH_MS = 100;
const MICROS_MAX = 120_000_000;

const histogram = (): Histogram =>
  build({ lowestDiscernibleValue: 1, highestTrackableValue: MICROS_MAX, numberOfSignificantValueDigits: 3 });

export const record = (into: Histogram, ms: number): void =>
  into.recordValue(Math.min(MICROS_MAX, Math.max(1, Math.round(ms * 1000))));

export const latencyOf = (from: Histogram): Latency => ({
  count: from.totalCount,
  p50: from.getValueAtPercentile(50) / 1000,
  p99: from.getValueAtPercentile(99) / 1000,
  p999: from.getValueAtPercentile(99.9) / 1000,
  max: from.maxValue / 1000,
});

export const newHistogram = histogram;

export class Tally {
  intended = 0;
  errors = 0;
  givenUp = 0;
  unanswered = 0;
  #withoutRetryAfter = 0;
  readonly #admitted = histogram();
  readonly #refused = histogram();
  readonly #statuses = new Map<number, number>();
  readonly #timeline: number[] = [];

  constructor(readonly beganMs: number) {}

  answered(status: number, retryAfter: boolean, nowMs: number, intendedMs: number, sentMs: number): void {
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    if (status < 300) {
      record(this.#admitted, nowMs - intendedMs);
      const tenth = Math.floor((nowMs - this.beganMs) / TENTH_MS);
      while (this.#timeline.length <= tenth) this.#timeline.push(0);
      this.#timeline[tenth] = (this.#timeline[tenth] ?? 0) + 1;
    } else if (status === 429 || status === 503) {
      record(this.#refused, nowMs - sentMs);
      if (!retryAfter) this.#withoutRetryAfter++;
    }
  }

  result(ms: number): GroupResult {
    const within = this.#timeline.slice(0, Math.floor(ms / TENTH_MS));
    return {
      intended: this.intended,
      statuses: Object.fromEntries(this.#statuses),
      goodput: within.reduce((sum, count) => sum + count, 0) / ((within.length * TENTH_MS) / 1000 || 1),
      admitted: latencyOf(this.#admitted),
      refused: latencyOf(this.#refused),
      withoutRetryAfter: this.#withoutRetryAfter,
      errors: this.errors,
      givenUp: this.givenUp,
      unanswered: this.unanswered,
      timeline: this.#timeline,
    };
  }
}
