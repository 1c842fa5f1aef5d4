/** State to start from, as some fold of the log has it. Told to {@link Ledger} before `finishLoad`. */
import type { Micros, Position } from './record.js';

export interface LoadBook {
  readonly book: number;
  readonly sequence: number;
}

/** In order of `number`: 1, 2, 3, … without a gap. */
export interface LoadAccount {
  readonly number: number;
  readonly book: number;
  readonly name: string;
  /** Number of the currency. */
  readonly currency: number;
  readonly normalBalance: 'credit' | 'debit';
  readonly open: boolean;
  readonly hasMetadata: boolean;
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
  readonly minBalance: bigint | null;
  readonly maxBalance: bigint | null;
  readonly version: number;
  readonly configVersion: number;
  /** Position of the last record that opened, changed, closed or reopened it. */
  readonly configPosition: Position;
  readonly openedAt: Micros;
  /** Position of its accountOpened record. Where it is not known, a repeated opening is compared with the present. */
  readonly openedPosition?: Position;
}
