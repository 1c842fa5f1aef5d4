/** Sees which memory a worker recovered last: a shard does not show its ledger, and a run must look at it in the end. */
import { Ledger } from '../../../src/ledger/ledger.js';
import type { Loop } from '../time/loop.js';

export function observeLedgers(loop: Loop): { readonly of: (thread: object) => Ledger | undefined; stop(): void } {
  const seen = new WeakMap<object, Ledger>();
  const { finishLoad } = Ledger.prototype;
  Ledger.prototype.finishLoad = function (this: Ledger, ...loaded: Parameters<Ledger['finishLoad']>): void {
    seen.set(loop.current, this);
    finishLoad.apply(this, loaded);
  };
  return {
    of: (thread) => seen.get(thread),
    stop: () => {
      Ledger.prototype.finishLoad = finishLoad;
    },
  };
}
