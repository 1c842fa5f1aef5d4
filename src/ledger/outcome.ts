/** What `apply` answers. One instance is reused; read it before the next call. */
import type { ErrorCode } from './errors.js';
import type { Position } from './record.js';

export type Outcome =
  /** Appended to the log: a success (`code` null) or a remembered refusal. The answer waits for its commit. */
  | {
      readonly type: 'recorded';
      readonly code: ErrorCode | null;
      /** The record that answers: the transaction, the action, the refusal, the batch head, the (last) account. */
      readonly position: Position;
      readonly sequence: number;
      readonly recordedAt: number;
      /** Of a refusal: JSON text of `{ param?, ...facts }`; of an action: `{ parent_state }`. */
      readonly details: string | null;
      /** For a batch: how many records follow its head. */
      readonly count: number;
    }
  /** Decided, nothing appended: an answer that is not remembered, or a dry run (`code` null: it would be posted). */
  | {
      readonly type: 'answered';
      readonly code: ErrorCode | null;
      readonly details: string | null;
      /** A dry run's record, as it would stand in the log; a copy. Its accounts are in `names`. */
      readonly preview: Preview | null;
    }
  /** The key has an outcome: the record at `position` (fingerprint and key text are compared where it is read). */
  | { readonly type: 'replay'; readonly position: Position }
  /** Not resident: load the records of each (an action's transaction, or records of accounts), admit them, and apply the same command again. */
  | { readonly type: 'load_parent'; readonly positions: readonly Position[] }
  /** Not resident: look this key up in closed partitions, say so by `admitKey`, and apply the same command again. */
  | { readonly type: 'load_key' };

/** What a dry run would have recorded. */
export interface Preview {
  readonly records: readonly import('./view.js').RecordView[];
}
