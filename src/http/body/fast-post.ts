import type { PostRequest } from '../../engine/wire/messages.js';
import type { ParseContext } from '../parse/context.js';

/** A single-leg posting in JSON, read straight from its bytes; null whenever anything is unusual: `readJson` and `parsePost` decide then. */
export function readFastPost(_bytes: Uint8Array, _context: ParseContext): PostRequest | null {
  return null;
}
