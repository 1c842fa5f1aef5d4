/** The idempotency key of a request that writes, and the query that it does not have: looked at once its body is read. */
import { parseIdempotencyKey } from '../parse/headers.js';
import { parseNoQuery } from '../parse/query.js';
import { RequestProblem } from '../types.js';
import type { Call } from './call.js';

/**
 * @returns the bare key; null for a dry run
 * @throws RequestProblem `invalid_query`, `key_missing`, `key_invalid`, `key_not_allowed`
 */
export function requestKey(call: Call, dryRun: boolean): string | null {
  if (!dryRun) {
    // Nothing is the usual case, and nothing to parse.
    if (call.exchange.query !== '') parseNoQuery(call.exchange.query);
    return parseIdempotencyKey(call.exchange.headers.idempotencyKey);
  }
  refuseKey(call, 'A dry run takes no Idempotency-Key.');
  return null;
}

/** @throws RequestProblem `invalid_query`; `key_not_allowed` where the header was sent */
export function refuseKey(call: Call, detail: string): void {
  parseNoQuery(call.exchange.query);
  if (call.exchange.headers.idempotencyKeySent) throw new RequestProblem('key_not_allowed', detail);
}
