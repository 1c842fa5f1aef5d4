/** Keeps the folds of one shard close behind its log. */
import type { Sql } from '../store/sql.js';

export interface FoldLag {
  readonly shard: string;
  readonly position: number;
  readonly head: number;
  readonly lagRecords: number;
  /** Age of the first record that is not folded; 0 where all are. */
  readonly lagMs: number;
}

export interface FoldRunnerOptions {
  readonly shard: string;
  readonly sql: Sql;
  /** Records a step. @defaultValue 50_000 */
  readonly stepRecordsMax?: number;
  /** Longest pause while nothing comes. @defaultValue 1_000 */
  readonly idlePauseMsMax?: number;
  /** After every step, and when the log's end is seen. */
  readonly onLag?: (lag: FoldLag) => void;
  readonly onError?: (error: Error, retryInMs: number) => void;
}

export class FoldRunner {
  constructor(readonly options: FoldRunnerOptions) {}
  start(): void {
    throw new Error('not written yet');
  }
  /** Something was committed: look now. */
  poke(): void {
    throw new Error('not written yet');
  }
  /** Resolves when the step under way has ended. */
  stop(): Promise<void> {
    throw new Error('not written yet');
  }
}
