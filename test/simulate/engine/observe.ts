/**
 * What the engine does not show and a run must see: which memory was recovered last, and how often a loaded transaction
 * came too late. Prototypes are changed once and for good: what was compiled for them would be thrown away each time.
 */
import { Ledger } from '../../../src/ledger/ledger.js';
import { Parents } from '../../../src/ledger/parents.js';

let last: Ledger | null = null;
let late = 0;

const { finishLoad } = Ledger.prototype;
Ledger.prototype.finishLoad = function (this: Ledger, ...loaded: Parameters<Ledger['finishLoad']>): void {
  last = this;
  finishLoad.apply(this, loaded);
};

const { admit } = Parents.prototype;
Parents.prototype.admit = function (this: Parents, records: Parameters<Parents['admit']>[0]): void {
  if (this.get(records[0]?.position ?? 0) !== undefined) late++;
  admit.call(this, records);
};

/** The ledger whose loading came last to the point where the tail of the log is replayed. */
export const lastLoaded = (): Ledger | null => last;

/** How many transactions have been loaded, since this was asked last, that were in memory already when they came. */
export function takeLate(): number {
  const count = late;
  late = 0;
  return count;
}
