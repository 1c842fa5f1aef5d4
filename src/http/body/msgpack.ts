import type { BodyValue } from '../types.js';

/**
 * Reads one msgpack document strictly.
 * @throws RequestProblem `malformed_body`, `unknown_field` or `invalid_field`
 */
export function readMsgpack(_bytes: Uint8Array): BodyValue {
  throw new Error('not built yet');
}
