/**
 * Pages of lists. A cursor says where the next page begins; it opens for the same list with the same filters only, and
 * is as good after writes as before them.
 */
import { renderList } from '../render/list.js';
import { RequestProblem } from '../types.js';
import type { Call } from './call.js';

/** Names a list with its filters. */
function cursorKind(call: Call, list: string, filters: unknown): string {
  return `${list} ${call.book} ${JSON.stringify(filters)}`;
}

/**
 * Where the page begins: what the page before gave as its `next`; undefined for the first page.
 * @throws RequestProblem `invalid_cursor`, `restored`
 */
export function openCursor(
  call: Call,
  list: string,
  filters: unknown,
  cursor: string | null,
): string | number | undefined {
  if (cursor === null) return undefined;
  const values = call.codecs.sealer.openCursor(cursorKind(call, list, filters), cursor);
  if (values === 'invalid')
    throw new RequestProblem('invalid_cursor', 'The cursor was not made by this list with these filters.');
  const [incarnation, next] = values;
  if (incarnation !== call.shard.incarnation) {
    throw new RequestProblem('restored', 'The cursor is from before the ledger was restored.');
  }
  return next;
}

export function answerList(
  call: Call,
  list: string,
  filters: unknown,
  items: readonly string[],
  next: string | number | null,
): void {
  const { sealer } = call.codecs;
  const cursor =
    next === null ? null : sealer.sealCursor(cursorKind(call, list, filters), [call.shard.incarnation, next]);
  call.ok(200, renderList(items, cursor));
}
