/** GET /v1/accounts/{name}/entries: the statement, in the order of the log. */
import type { EntryPage } from '../../folds/read/queries.js';
import type { EntryView } from '../../ledger/view.js';
import { parseAccountSegment } from '../parse/name.js';
import { type EntriesQuery, parseEntriesQuery } from '../parse/query.js';
import { renderEntry } from '../render/account.js';
import { presentAccount, unknownAccount } from './account.js';
import type { Call } from './call.js';
import { tokenSequence, waitForFold } from './consistency.js';
import { answerList, openCursor } from './list.js';

const LIST = 'entries';

export async function listEntries(call: Call): Promise<void> {
  const query = parseEntriesQuery(call.exchange.query);
  const name = parseAccountSegment(call.segment);
  const { limit, cursor, ...given } = query;
  const filters = { name, ...given };
  const after = openCursor(call, LIST, filters, cursor);
  const account = await presentAccount(call, name);
  const wanted = tokenSequence(call);
  if (wanted > 0) await waitForFold(call, wanted);
  const read = (): Promise<EntryPage | null> =>
    call.shard.reader.entries(call.book, name, {
      limit,
      ...(given.kind === null ? {} : { kind: given.kind }),
      ...(after === undefined ? {} : { after: Number(after) }),
    });
  let page = await read();
  if (page === null) {
    // The account is there, as was just seen: it is so new that the fold has not come to it.
    await waitForFold(call, account.sequence);
    page = await read();
  }
  if (page === null) throw unknownAccount(name);
  const { data, next } = withinSpan(page, query);
  const items = data.map((entry) => {
    const { position, parent } = entry.record;
    return renderEntry(entry, account, call.id(position), parent === 0 ? null : call.id(parent));
  });
  answerList(call, LIST, filters, items, next);
}

/** Entries come in order of their time, so one at or after `to` ends the list. */
function withinSpan(page: EntryPage, { from, to }: EntriesQuery): { data: readonly EntryView[]; next: number | null } {
  const ended = to !== null && page.data.some(({ record }) => record.recordedAt >= to);
  const data = page.data.filter(
    ({ record }) => (from === null || record.recordedAt >= from) && (to === null || record.recordedAt < to),
  );
  return { data, next: ended ? null : page.next };
}
