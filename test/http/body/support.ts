import type { BodyValue } from '../../../src/http/types.js';
import { RequestProblem } from '../../../src/http/types.js';

/** Maps as objects, so that values can be compared with those of JSON.parse. */
export function plain(value: BodyValue): unknown {
  if (value instanceof Map)
    return Object.fromEntries(
      [...(value as ReadonlyMap<string, BodyValue>)].map(([key, member]) => [key, plain(member)]),
    );
  if (Array.isArray(value)) return (value as readonly BodyValue[]).map(plain);
  return value;
}

/** The problem that a call is refused with; fails where it is not refused. */
export function problemOf(call: () => unknown): RequestProblem {
  try {
    call();
  } catch (error) {
    if (error instanceof RequestProblem) return error;
    throw error;
  }
  throw new Error('not refused');
}
