import { pairOf, Zipf } from './draw.js';
import { at, merchantsOf, transfer } from './merchant.js';
import { singlesBy } from './singles.js';
import { type RequestWorkload, SINGLES } from './workload.js';

/** All accounts are of one ledger, so one shard does all of it. */
function zipfOver(accounts: number): Pick<RequestWorkload, 'merchants' | 'accounts' | 'source'> {
  return {
    merchants: 1,
    accounts,
    source: (context) => {
      const merchant = at(merchantsOf(context), 0);
      const ranks = new Zipf(accounts, 1, context.random);
      return singlesBy(context.run, () => {
        const [from, to] = pairOf(() => 1 + ranks.next());
        return { merchant, legs: transfer(from, to) };
      });
    },
  };
}

/** What balances in SQL are measured by: as many accounts as a busy second of a mid-sized merchant touches. */
export const zipfAccounts: RequestWorkload = {
  ...SINGLES,
  ...zipfOver(10_000),
  name: 'zipf-accounts',
  title: 'transfers between two of 10,000 accounts of one merchant by Zipf (exponent 1)',
  seed: 115,
};

/** The shape of SoftwareMill's tb-perf. */
export const tbPerf: RequestWorkload = {
  ...SINGLES,
  ...zipfOver(100_000),
  name: 'tb-perf',
  title: 'transfers between two of 100,000 accounts of one merchant by Zipf (exponent 1)',
  seed: 104,
};
