/** What must be in the log at the end: every transaction that was answered, and no more than were asked for. */
import type { Engine } from '../engine.js';
import { countLog, type FoldLag, verify } from '../log.js';
import { foldsAtRest } from '../rounds.js';
import type { Settings } from './settings.js';

export interface Settlement {
  readonly answered: number;
  readonly dropped: number;
  readonly stored: number;
  readonly refused: number;
  readonly agrees: boolean;
  readonly foldLagMs: number;
  readonly foldLagRecords: number;
  readonly verify: string;
}

/** A verify that time did not allow is no fault. */
export const isSound = ({ agrees, verify }: Pick<Settlement, 'agrees' | 'verify'>): boolean =>
  agrees && (verify === 'clean' || verify.startsWith('not done'));

export class Books {
  #answered = 0;
  #dropped = 0;
  #lag: FoldLag = { records: 0, ms: 0 };

  /** So far, those of the load's answers alone. */
  get answered(): number {
    return this.#answered;
  }

  /** @param dropped transactions that nobody was told of: stored or not */
  add(answered: number, dropped: number): void {
    this.#answered += answered;
    this.#dropped += dropped;
  }

  /** A load has ended: this is how far behind the folds were, should it be the last. */
  loaded(lag: FoldLag): void {
    this.#lag = lag;
  }

  async settle(engine: Engine, settings: Settings): Promise<Settlement> {
    await foldsAtRest(engine, settings.foldWaitMs);
    const { posted, refused } = await countLog(engine);
    return {
      answered: this.#answered,
      dropped: this.#dropped,
      stored: posted,
      refused,
      agrees: this.#answered <= posted && posted <= this.#answered + this.#dropped,
      foldLagMs: this.#lag.ms,
      foldLagRecords: this.#lag.records,
      verify: await verify(engine, settings.verifyMaxMs),
    };
  }
}
