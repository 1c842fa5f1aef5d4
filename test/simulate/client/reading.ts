/**
 * Reads that a front answers from the shard's database: the engine's own reader over the virtual database, called as the
 * routes for statements and for lists call it.
 */
import type { RingClient } from '../../../src/engine/client.js';
import type { Answer, ColdRequest, RequestHead } from '../../../src/engine/wire/messages.js';
import type { ShardReader } from '../../../src/folds/read/shard-reader.js';
import type { ErrorCode } from '../../../src/ledger/errors.js';
import type { AccountView, EntryView } from '../../../src/ledger/view.js';
import type { Answered, DatabaseRead } from '../history.js';

/** How long a list waits for its fold. ms */
const FOLD_WAIT_MS = 1_000;
const PAGES_MAX = 4;

export interface FrontSide {
  readonly client: RingClient;
  readonly reader: ShardReader;
  readonly head: RequestHead;
}

class Refused extends Error {
  constructor(readonly answer: Answered['answer']) {
    super();
  }
}

const refused = (code: ErrorCode): Refused => new Refused({ type: 'refused', code });

/** On the front's thread. */
export async function readDatabase(front: FrontSide, read: DatabaseRead): Promise<Answered['answer']> {
  try {
    return read.type === 'read_statement' ? await readStatement(front, read) : await listAccounts(front, read);
  } catch (error) {
    if (error instanceof Refused) return error.answer;
    if ((error as { code?: string }).code === 'MR_STORE_UNAVAILABLE') return refused('shard_unavailable').answer;
    throw error;
  }
}

function ask({ client, head }: FrontSide, request: ColdRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const code = client.ask(head, request, (answer) => {
      if (answer.type === 'unavailable') reject(new Refused(answer));
      else resolve(answer);
    });
    if (code !== null) reject(refused(code));
  });
}

async function waitFor({ reader, head }: FrontSide, sequence: number): Promise<void> {
  if (sequence > 0 && !(await reader.waitFor(head.book, sequence, FOLD_WAIT_MS))) throw refused('read_behind');
}

async function readStatement(
  front: FrontSide,
  { account, kind, limit, fresh }: Extract<DatabaseRead, { type: 'read_statement' }>,
): Promise<Answered['answer']> {
  const present = await ask(front, { type: 'read_account', account });
  if (present.type !== 'account') throw new Error(`an account is read, and ${present.type} comes back`);
  if (present.account === null) return { type: 'statement', reached: present.sequence, entries: null, complete: true };
  let reached = fresh ? present.sequence : 0;
  await waitFor(front, reached);
  const entries: EntryView[] = [];
  let after: number | null = null;
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = { limit, ...(kind === null ? {} : { kind }), ...(after === null ? {} : { after }) };
    let found = await front.reader.entries(front.head.book, account, query);
    if (found === null) {
      // It is so new that the fold has not come to it.
      reached = present.sequence;
      await waitFor(front, reached);
      found = await front.reader.entries(front.head.book, account, query);
    }
    if (found === null) throw new Error(`lists have reached ${reached} and do not know ${account}`);
    entries.push(...found.data);
    after = found.next;
    if (after === null) return { type: 'statement', reached, entries, complete: true };
  }
  return { type: 'statement', reached, entries, complete: false };
}

async function listAccounts(
  front: FrontSide,
  { prefix, limit, fresh }: Extract<DatabaseRead, { type: 'list_accounts' }>,
): Promise<Answered['answer']> {
  let reached = 0;
  if (fresh) {
    const head = await ask(front, { type: 'read_head' });
    if (head.type !== 'head') throw new Error(`the head is read, and ${head.type} comes back`);
    reached = head.sequence;
  }
  await waitFor(front, reached);
  const accounts: AccountView[] = [];
  let after: string | null = null;
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = { prefix, limit, ...(after === null ? {} : { after }) };
    const { data, next } = await front.reader.accounts(front.head.book, query);
    accounts.push(...data);
    after = next;
    if (after === null) return { type: 'accounts', reached, accounts, complete: true };
  }
  return { type: 'accounts', reached, accounts, complete: false };
}
