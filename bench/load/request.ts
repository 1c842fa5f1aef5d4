/** One request of a generator: what is sent, and what to expect. */
import { NUMBER_LENGTH } from '../../src/cli/bench/load.js';

export interface LoadRequest {
  /** Head and body. */
  readonly text: string;
  readonly wantsBody: boolean;
  /** The status of a refusal that is as good an answer as a 2xx; null: there is none. */
  readonly refusal: number | null;
  /** Transactions that a 2xx which is no replay has posted. @param body empty where it is not wanted */
  posted(body: string): number;
}

export interface RequestSource {
  next(): LoadRequest;
}

export const one = (): number => 1;
export const none = (): number => 0;

/** Numbers that idempotency keys are made of: the run, then a count; {@link NUMBER_LENGTH} characters. */
export function numbersOf(run: string): () => string {
  let count = 0;
  return () => run + String(count++).padStart(NUMBER_LENGTH - run.length, '0');
}
