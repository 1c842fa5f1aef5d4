/** Sees which memory was recovered last: a shard does not show its ledger, and a run must look at it in the end. */
import { Ledger } from '../../../src/ledger/ledger.js';

let last: Ledger | null = null;

const { finishLoad } = Ledger.prototype;
// Once and for good: whoever changes a prototype between runs has all that was compiled for it compiled again.
Ledger.prototype.finishLoad = function (this: Ledger, ...loaded: Parameters<Ledger['finishLoad']>): void {
  last = this;
  finishLoad.apply(this, loaded);
};

/** The ledger whose loading came last to the point where the tail of the log is replayed. */
export const lastLoaded = (): Ledger | null => last;
