import { pairOf, Zipf } from './draw.js';
import { at, merchantsOf, transfer } from './merchant.js';
import { singlesBy } from './singles.js';
import { type RequestWorkload, SINGLES } from './workload.js';

const ACCOUNTS = 100_000;

/** The shape of SoftwareMill's tb-perf. All accounts are of one ledger, so one shard does all of it. */
export const tbPerf: RequestWorkload = {
  ...SINGLES,
  name: 'tb-perf',
  title: 'transfers between two of 100,000 accounts of one merchant by Zipf (exponent 1)',
  seed: 104,
  merchants: 1,
  accounts: ACCOUNTS,
  source: (context) => {
    const merchant = at(merchantsOf(context), 0);
    const ranks = new Zipf(ACCOUNTS, 1, context.random);
    return singlesBy(context.run, () => {
      const [from, to] = pairOf(() => 1 + ranks.next());
      return { merchant, legs: transfer(from, to) };
    });
  },
};
