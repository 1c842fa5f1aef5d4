/** GET /v1/transactions: newest first. */

import type { TransactionFilter } from '../../folds/read/queries.js';
import { parseTransactionsQuery } from '../parse/query.js';
import { renderTransaction } from '../render/transaction.js';
import type { Call } from './call.js';
import { reachTokenInFold } from './consistency.js';
import { answerList, openCursor } from './list.js';

const LIST = 'transactions';

export async function listTransactions(call: Call): Promise<void> {
  const { limit, cursor, ...given } = parseTransactionsQuery(call.exchange.query);
  const before = openCursor(call, LIST, given, cursor);
  await reachTokenInFold(call);
  const filter: TransactionFilter = {
    ...(given.account === null ? {} : { account: given.account }),
    ...(given.reference === null ? {} : { reference: given.reference }),
    ...(given.status === null ? {} : { status: given.status }),
    ...(given.metadata === null ? {} : { metadata: given.metadata }),
    ...(given.from === null ? {} : { from: given.from }),
    ...(given.to === null ? {} : { to: given.to }),
  };
  const page = await call.shard.reader.transactions(call.book, {
    filter,
    limit,
    ...(before === undefined ? {} : { before: Number(before) }),
  });
  const items = page.data.map((view) => {
    const { position, parent } = view.record;
    return renderTransaction(view, call.id(position), parent === 0 ? null : call.id(parent));
  });
  answerList(call, LIST, given, items, page.next);
}
