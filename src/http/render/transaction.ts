import type { PostRequest } from '../../engine/wire/messages.js';
import type { Micros } from '../../ledger/record.js';
import type { RecordView, TransactionView } from '../../ledger/view.js';

/** What a recorded answer says of a fresh posting. */
export interface PostedFacts {
  readonly sequence: number;
  readonly recordedAt: Micros;
  readonly expiresAt: Micros;
}

/** A fresh posting, from what was asked: the same bytes as {@link renderRecord} gives of its record later. */
export function renderPosted(_request: PostRequest, _facts: PostedFacts, _id: string): string {
  throw new Error('not built yet');
}

/**
 * A transaction as of its own record: the body of a 201 and of its replay. Actions show `parent_state`.
 * @param id null for a dry run: nothing was recorded
 * @param parentId the public id of `record.parent`, for actions
 */
export function renderRecord(_record: RecordView, _id: string | null, _parentId: string | null): string {
  throw new Error('not built yet');
}

/** A transaction as it stands now: the body of GET. */
export function renderTransaction(_view: TransactionView, _id: string, _parentId: string | null): string {
  throw new Error('not built yet');
}
