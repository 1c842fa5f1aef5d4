/** GET /v1/transactions/{id} */
import type { Position } from '../../ledger/record.js';
import type { TransactionView } from '../../ledger/view.js';
import { createClock } from '../../platform/time.js';
import { parseNoQuery } from '../parse/query.js';
import { renderTransaction } from '../render/transaction.js';
import { RequestProblem } from '../types.js';
import type { Call } from './call.js';
import { askRead, reachToken } from './consistency.js';

const clock = createClock();

/**
 * Where the transaction that the path names stands. An id of another shard's log is as unknown as one that nobody made.
 * @throws RequestProblem `unknown_transaction`
 */
export function pathPosition(call: Call): Position {
  const place = call.codecs.ids.decode(call.segment);
  if (place !== null && place.logId === call.shard.logId) return place.position;
  throw new RequestProblem('unknown_transaction', 'There is no transaction with this id.');
}

/** A hold whose time has come is read again after its shard was asked about it, which writes what is due. */
async function presentTransaction(call: Call, position: Position): Promise<TransactionView> {
  const read = () => call.shard.reader.transaction(call.book, position);
  let view = await read();
  const account = view?.record.legs[0]?.debit;
  if (view !== null && account !== undefined && isDue(view)) {
    await askRead(call, { type: 'read_account', account });
    view = await read();
  }
  if (view === null) throw new RequestProblem('unknown_transaction', 'There is no transaction with this id.');
  return view;
}

function isDue({ record, status }: TransactionView): boolean {
  return (status === 'pending' || status === 'partially_captured') && record.expiresAt <= clock();
}

export async function getTransaction(call: Call): Promise<void> {
  parseNoQuery(call.exchange.query);
  const position = pathPosition(call);
  await reachToken(call);
  const view = await presentTransaction(call, position);
  const { parent } = view.record;
  call.ok(200, renderTransaction(view, call.id(position), parent === 0 ? null : call.id(parent)));
}
