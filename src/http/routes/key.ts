/** The idempotency key of a request that writes. */
import { parseIdempotencyKey } from '../parse/headers.js';
import { RequestProblem } from '../types.js';
import type { Call } from './call.js';

/**
 * @returns the bare key; null for a dry run
 * @throws RequestProblem `key_missing`, `key_invalid`, `key_not_allowed`
 */
export function requestKey(call: Call, dryRun: boolean): string | null {
  const header = call.exchange.headers.idempotencyKey;
  if (!dryRun) return parseIdempotencyKey(header);
  refuseKey(call, 'A dry run takes no Idempotency-Key.');
  return null;
}

/** @throws RequestProblem `key_not_allowed` where the header was sent */
export function refuseKey(call: Call, detail: string): void {
  if (call.exchange.headers.idempotencyKeySent) throw new RequestProblem('key_not_allowed', detail);
}
