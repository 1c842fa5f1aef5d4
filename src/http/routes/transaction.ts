/** GET /v1/transactions/{id} */
import type { Position } from '../../ledger/record.js';
import { parseNoQuery } from '../parse/query.js';
import { renderTransaction } from '../render/transaction.js';
import { RequestProblem } from '../types.js';
import type { Call } from './call.js';
import { reachToken } from './consistency.js';

/**
 * Where the transaction that the path names stands. An id of another shard's log is as unknown as one that nobody made.
 * @throws RequestProblem `unknown_transaction`
 */
export function pathPosition(call: Call): Position {
  const place = call.codecs.ids.decode(call.segment);
  if (place !== null && place.logId === call.shard.logId) return place.position;
  throw new RequestProblem('unknown_transaction', 'There is no transaction with this id.');
}

export async function getTransaction(call: Call): Promise<void> {
  parseNoQuery(call.exchange.query);
  const position = pathPosition(call);
  await reachToken(call);
  const view = await call.shard.reader.transaction(call.book, position);
  if (view === null) throw new RequestProblem('unknown_transaction', 'There is no transaction with this id.');
  const { parent } = view.record;
  call.ok(200, renderTransaction(view, call.id(position), parent === 0 ? null : call.id(parent)));
}
