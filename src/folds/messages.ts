/** What the thread of the folds and its parent say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { FoldLag } from './runner.js';

export interface FoldThreadData {
  readonly shards: readonly {
    readonly name: string;
    readonly connection:
      | { readonly kind: 'postgres'; readonly url: string }
      | { readonly kind: 'port'; readonly port: MessagePort };
  }[];
  /** Records that a shard's folds may be behind; commits slow down from half of it on. */
  readonly lagRecordsMax: number;
}

export type ToFoldThread =
  | { readonly type: 'poke'; readonly shard: string }
  /** The thread ends by itself when the steps under way have. */
  | { readonly type: 'stop' };

export type FromFoldThread =
  | ({ readonly type: 'lag' } & FoldLag)
  | { readonly type: 'error'; readonly shard: string; readonly message: string; readonly retryInMs: number };
