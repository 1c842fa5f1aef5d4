/** State to start from, as some fold of the log has it. Told to {@link Ledger} before `finishLoad`. */
import type { AccountConfig } from './accounts.js';
import type { ByteSlice } from './record.js';

export interface LoadBook {
  readonly book: number;
  readonly sequence: number;
}

/**
 * In order of `number`: 1, 2, 3, … without a gap. A start loads millions, so whoever reads them may fill the same object
 * again and again, and nothing in it has to be made for each: its counters are a typed array, its name stands in bytes.
 */
export interface LoadAccount extends Omit<AccountConfig, 'name'> {
  readonly number: number;
  /** ASCII. */
  readonly name: ByteSlice;
  /** Four, in the order of `Counter`. */
  readonly counters: BigInt64Array;
  readonly version: number;
}
