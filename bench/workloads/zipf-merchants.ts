import { uniform, Zipf } from './draw.js';
import { at, deposit, merchantsOf } from './merchant.js';
import { singlesBy } from './singles.js';
import { type RequestWorkload, SINGLES } from './workload.js';

const ACCOUNTS = 10;

export const zipfMerchants: RequestWorkload = {
  ...SINGLES,
  name: 'zipf-merchants',
  title: '10,000 merchants by Zipf (exponent 1), each with 10 accounts, uniform',
  seed: 102,
  merchants: 10_000,
  accounts: ACCOUNTS,
  source: (context) => {
    const merchants = merchantsOf(context);
    const ranks = new Zipf(merchants.length, 1, context.random);
    return singlesBy(context.run, () => ({
      merchant: at(merchants, ranks.next()),
      legs: deposit(1 + uniform(context.random, ACCOUNTS)),
    }));
  },
};
