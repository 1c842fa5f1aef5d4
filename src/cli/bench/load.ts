/** What all load generators share: what they are told, and what they say afterwards. */

/** One request, cut where its number stands: `pieces.join(number)` is all of it, head and body. */
export interface RequestTemplate {
  /** At least two. Every number is {@link NUMBER_LENGTH} characters, so Content-Length is right for each. */
  readonly pieces: readonly string[];
}

export interface LoadPlan {
  /** Of the server, such as http://127.0.0.1:8080. */
  readonly url: string;
  /** Taken in turn. */
  readonly templates: readonly RequestTemplate[];
  /** Transactions in each request. */
  readonly transactionsPerRequest: number;
  /** What is counted in the body of an answer: transactions that were posted. null: each 2xx is one request's worth. */
  readonly countInBody: string | null;
  readonly connections: number;
  /** Seconds. */
  readonly durationS: number;
  /** {@link RUN_LENGTH} characters, never used before on this engine: keys begin with it. */
  readonly run: string;
}

/** Milliseconds. */
export interface Latencies {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface LoadResult {
  readonly driver: DriverName;
  /** From the first request to the last answer that was counted. */
  readonly seconds: number;
  /** Answers. */
  readonly answers: number;
  /** Answers that are not 2xx. */
  readonly non2xx: number;
  /** Requests that were sent and got no answer before the run ended, at most. */
  readonly unanswered: number;
  /** Connections refused or lost, and requests that timed out. */
  readonly errors: number;
  /** Transactions that were answered as posted. */
  readonly posted: number;
  readonly latency: Latencies;
}

/** Of generators that send requests over HTTP. */
export type HttpDriverName = 'wrk' | 'autocannon';
export type DriverName = HttpDriverName | 'stream';

export interface LoadDriver {
  readonly name: HttpDriverName;
  run(plan: LoadPlan): Promise<LoadResult>;
}

export const RUN_LENGTH = 6;
export const NUMBER_LENGTH = 16;

/** Transactions a second. */
export const tps = (result: LoadResult): number => (result.seconds > 0 ? result.posted / result.seconds : 0);
