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

/** No record stands there. */
export const NOWHERE: Position = 0;

/**
 * Where the transaction that the path names stands; 0 for an id of another shard's log and for one that nobody made.
 * These take the same way as another merchant's from there on, so that no answer tells which of them an id is.
 */
export function pathPosition(call: Call): Position {
  const place = call.codecs.ids.decode(call.segment);
  return place !== null && place.logId === call.shard.logId ? place.position : NOWHERE;
}

/** A hold whose time has come is read again after its shard was asked about it, which writes what is due. */
async function presentTransaction(call: Call, position: Position): Promise<TransactionView> {
  const read = () => call.shard.reader.transaction(call.book, position);
  let view = position === NOWHERE ? null : await read();
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
