/**
 * What the engine does not show and a run must see: which memory was recovered last, and how often a load outlived the
 * commands that waited for it. Prototypes are changed once and for good: what was compiled for them would be thrown away each time.
 */
import { ParkedCommands } from '../../../src/engine/shard/parked-commands.js';
import { Ledger } from '../../../src/ledger/ledger.js';

let last: Ledger | null = null;
let outlived = 0;

const { finishLoad } = Ledger.prototype;
Ledger.prototype.finishLoad = function (this: Ledger, ...loaded: Parameters<Ledger['finishLoad']>): void {
  last = this;
  finishLoad.apply(this, loaded);
};

const { refuseAll } = ParkedCommands.prototype;
ParkedCommands.prototype.refuseAll = function (this: ParkedCommands): void {
  if (!this.idle) outlived++;
  refuseAll.call(this);
};

/** The ledger whose loading came last to the point where the tail of the log is replayed. */
export const lastLoaded = (): Ledger | null => last;

/** How often, since this was asked last, commands were refused while something was loaded for them. */
export function takeOutlived(): number {
  const count = outlived;
  outlived = 0;
  return count;
}
