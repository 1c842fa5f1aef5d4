/** What an open-loop generator is told, and what it says after each phase. Crosses a process boundary as JSON. */
import type { RequestTemplate } from '../../src/cli/bench/load.js';

/** Senders that are told apart in the results. */
export interface Group {
  readonly name: string;
  readonly requests: Requests;
  /** Opened at the start, and as many more as are needed when answers are late, up to the most. */
  readonly connections: number;
  readonly connectionsMax: number;
  /** A request that found no connection within this is given up, ms. */
  readonly patienceMs: number;
  /** What was refused or lost is sent again under its key after about a second, this many times. @defaultValue 0 */
  readonly retries?: number;
}

export type Requests =
  /** Taken in turn. */
  | { readonly templates: readonly RequestTemplate[] }
  /** Made as they are sent, by the plan's seed; the keys are of its merchants, in their order. */
  | { readonly workload: string; readonly keys: readonly string[] };

export interface GeneratorPlan {
  readonly host: string;
  readonly port: number;
  readonly groups: readonly Group[];
  readonly seed: number;
}

/** How one group sends during one phase. */
export type Sending =
  /** At intended times, whether or not answers come: Poisson arrivals, requests a second. */
  | { readonly open: number }
  /** A request follows an answer on each of so many connections: what the other side can do at most. */
  | { readonly closed: number };

export interface Phase {
  readonly ms: number;
  /** By group; who is missing is silent. */
  readonly sending: Readonly<Record<string, Sending>>;
  /**
   * How long answers are waited for at the end, ms. What comes later counts as unanswered; open loops go over into the next
   * phase with nothing in flight only if it is long enough.
   */
  readonly settleMs: number;
  /**
   * So many phases of this length that follow one another without a pause, each with a result of its own: a late answer
   * counts for the one that its request was intended in. For open loops. @defaultValue 1
   */
  readonly windows?: number;
}

/** From the intended start of a request to its whole answer, ms. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface GroupResult {
  /** Requests whose intended start was in the phase. */
  readonly intended: number;
  /** Answers by status; retries count each. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Answers 2xx, or as expected, a second while the phase lasted, without its settling. */
  readonly goodput: number;
  /** Transactions answered as posted a second, as `goodput`; also those that an earlier window was to have. */
  readonly postedPerSecond: number;
  /** From the intended start, first attempt or not, to the 2xx, or to a refusal that was to be expected. */
  readonly admitted: Latency;
  /** The same as an HDR histogram of µs, compressed, in base64: what several phases are added up by. */
  readonly histogram: string;
  /** Transactions that were answered as posted, settling included, replays aside. */
  readonly posted: number;
  /** Answers with the outcome of an earlier request. */
  readonly replayed: number;
  /** Answers that were neither 2xx nor a refusal that was to be expected, by status. */
  readonly unexpected: Readonly<Record<string, number>>;
  /** From the start of the attempt to a 429 or 503. */
  readonly refused: Latency;
  /** 429 and 503 without a Retry-After. */
  readonly withoutRetryAfter: number;
  /** Connections that could not be made or were lost with a request under way. */
  readonly errors: number;
  /** Found no connection in time. */
  readonly givenUp: number;
  /** Sent, and not answered when the phase had settled. */
  readonly unanswered: number;
  /** Answers 2xx by tenth of a second from the phase's start, settling included. */
  readonly timeline: readonly number[];
}

export interface PhaseResult {
  /** As it was measured: a generator that has no processor runs late. */
  readonly ms: number;
  readonly groups: Readonly<Record<string, GroupResult>>;
  /** How late requests were sent behind their intended start though a connection was free, p99, ms: the generator's own lag. */
  readonly lagMs: number;
}
