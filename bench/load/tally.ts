/** What one group's phase has come to. */
import type { Histogram } from 'hdr-histogram-js';
import { histogramText, newHistogram, record } from '../figures/latency.js';
import type { Answer } from './connection.js';
import type { GroupResult, Latency } from './plan.js';
import type { LoadRequest } from './request.js';

const TENTH_MS = 100;

export const latencyOf = (from: Histogram): Latency => ({
  count: from.totalCount,
  p50: from.getValueAtPercentile(50) / 1000,
  p90: from.getValueAtPercentile(90) / 1000,
  p99: from.getValueAtPercentile(99) / 1000,
  p999: from.getValueAtPercentile(99.9) / 1000,
  max: from.maxValue / 1000,
});

export class Tally {
  intended = 0;
  errors = 0;
  givenUp = 0;
  unanswered = 0;
  /** Requests that are neither answered nor given up. */
  owed = 0;
  #withoutRetryAfter = 0;
  #posted = 0;
  #replayed = 0;
  #end = Number.POSITIVE_INFINITY;
  #postedInTime = 0;
  readonly #admitted = newHistogram();
  readonly #refused = newHistogram();
  readonly #statuses = new Map<number, number>();
  readonly #unexpected = new Map<number, number>();
  readonly #timeline: number[] = [];

  constructor(readonly beganMs: number) {}

  /** @returns the transactions that it has posted */
  answered(request: LoadRequest, answer: Answer, nowMs: number, intendedMs: number, sentMs: number): number {
    const { status } = answer;
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    if (status < 300 || status === request.refusal) {
      record(this.#admitted, nowMs - intendedMs);
      const tenth = Math.floor((nowMs - this.beganMs) / TENTH_MS);
      while (this.#timeline.length <= tenth) this.#timeline.push(0);
      this.#timeline[tenth] = (this.#timeline[tenth] ?? 0) + 1;
      if (answer.replayed) {
        this.#replayed++;
        return 0;
      }
      const posted = status < 300 ? request.posted(answer.body) : 0;
      this.#posted += posted;
      return posted;
    }
    this.#unexpected.set(status, (this.#unexpected.get(status) ?? 0) + 1);
    if (status !== 429 && status !== 503) return 0;
    record(this.#refused, nowMs - sentMs);
    if (!answer.retryAfter) this.#withoutRetryAfter++;
    return 0;
  }

  /** No more is intended: what is answered from now on is not of the phase's rate. */
  stop(nowMs: number): void {
    this.#end = nowMs;
  }

  /** Transactions that were posted while the phase lasted, also by requests of the one before it. */
  came(posted: number, nowMs: number): void {
    if (nowMs <= this.#end) this.#postedInTime += posted;
  }

  result(ms: number): GroupResult {
    const within = this.#timeline.slice(0, Math.floor(ms / TENTH_MS));
    return {
      intended: this.intended,
      statuses: Object.fromEntries(this.#statuses),
      posted: this.#posted,
      replayed: this.#replayed,
      unexpected: Object.fromEntries(this.#unexpected),
      postedPerSecond: this.#postedInTime / (ms / 1000),
      goodput: within.reduce((sum, count) => sum + count, 0) / ((within.length * TENTH_MS) / 1000 || 1),
      admitted: latencyOf(this.#admitted),
      histogram: histogramText(this.#admitted),
      refused: latencyOf(this.#refused),
      withoutRetryAfter: this.#withoutRetryAfter,
      errors: this.errors,
      givenUp: this.givenUp,
      unanswered: this.unanswered,
      timeline: this.#timeline,
    };
  }
}
