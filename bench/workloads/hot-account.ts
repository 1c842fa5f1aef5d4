import { at, deposit, merchantsOf } from './merchant.js';
import { singlesBy } from './singles.js';
import { type RequestWorkload, SINGLES } from './workload.js';

export const hotAccount: RequestWorkload = {
  ...SINGLES,
  name: 'hot-account',
  title: 'one merchant, and every transaction moves money to the same account of it',
  seed: 101,
  merchants: 1,
  accounts: 1,
  source: (context) => {
    const merchant = at(merchantsOf(context), 0);
    const legs = deposit(1);
    return singlesBy(context.run, () => ({ merchant, legs }));
  },
};
