/** Words that the parts of the HTTP side share. */
import type { ErrorCode } from '../ledger/errors.js';

/**
 * A body after strict reading, the same for JSON and msgpack: numbers are safe integers, objects are Maps without
 * duplicate keys (so no key can be `__proto__` in disguise), depth at most 8.
 */
export type BodyValue = null | boolean | number | string | readonly BodyValue[] | BodyObject;
export type BodyObject = ReadonlyMap<string, BodyValue>;

/** A refusal decided at the edge, before the engine: becomes problem details. */
export class RequestProblem extends Error {
  constructor(
    readonly code: ErrorCode,
    /** What exactly is wrong and what would be right, for a person. */
    readonly detail: string,
    /** JSON pointer into the body, where it is about a field. */
    readonly param: string | null = null,
  ) {
    super(detail);
    this.name = 'RequestProblem';
  }
}

/** Who asks, once the API key is known. */
export interface Principal {
  readonly keyId: string;
  readonly merchant: string;
  readonly environment: 'test' | 'live';
  /** Number of the (merchant, environment) ledger. */
  readonly book: number;
  readonly shard: number;
  readonly scopes: readonly 'force'[];
}
