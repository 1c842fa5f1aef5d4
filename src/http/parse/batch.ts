import type { PostRequest } from '../../engine/wire/messages.js';
import type { BodyValue, RequestProblem } from '../types.js';
import type { ParseContext } from './context.js';

export const BATCH_ITEMS_MAX = 8192;

/** One item of an independent batch: its request, or what is wrong with it (pointers are into the item). */
export type BatchItem =
  | { readonly key: string; readonly request: PostRequest }
  | { readonly key: string; readonly problem: RequestProblem };

export type ParsedBatch =
  | { readonly atomic: false; readonly items: readonly BatchItem[] }
  | { readonly atomic: true; readonly items: readonly PostRequest[]; readonly dryRun: boolean };

/** The body of POST /v1/transactions/batch. @throws RequestProblem where the whole batch is at fault */
export function parseBatch(_value: BodyValue, _context: ParseContext): ParsedBatch {
  throw new Error('not built yet');
}
