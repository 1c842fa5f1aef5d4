/** GET /v1/accounts: by name. */
import { parseAccountsQuery } from '../parse/query.js';
import { renderAccount } from '../render/account.js';
import { withMetadata } from './account.js';
import type { Call } from './call.js';
import { reachTokenInFold } from './consistency.js';
import { answerList, openCursor } from './list.js';

const LIST = 'accounts';

export async function listAccounts(call: Call): Promise<void> {
  const { limit, cursor, prefix } = parseAccountsQuery(call.exchange.query);
  const after = openCursor(call, LIST, { prefix }, cursor);
  await reachTokenInFold(call);
  const page = await call.shard.reader.accounts(call.book, {
    limit,
    ...(prefix === null ? {} : { prefix }),
    ...(after === undefined ? {} : { after: String(after) }),
  });
  const views = await Promise.all(page.data.map((view) => withMetadata(call, view)));
  answerList(call, LIST, { prefix }, views.map(renderAccount), page.next);
}
