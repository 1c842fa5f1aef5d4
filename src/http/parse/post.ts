import type { PostRequest } from '../../engine/wire/messages.js';
import type { BodyValue } from '../types.js';
import type { ParseContext } from './context.js';

/** The body of POST /v1/transactions. @throws RequestProblem the first problem by the error table, then by place */
export function parsePost(_value: BodyValue, _context: ParseContext): PostRequest {
  throw new Error('not built yet');
}
