import { pairOf, uniform } from './draw.js';
import { inTurn, merchantsOf, transfer } from './merchant.js';
import { singlesBy } from './singles.js';
import { type RequestWorkload, SINGLES } from './workload.js';

const ACCOUNTS = 125_000;

export const uniformAccounts: RequestWorkload = {
  ...SINGLES,
  name: 'uniform-accounts',
  title: 'transfers between two of a million accounts, uniform; 8 merchants',
  seed: 103,
  merchants: 8,
  accounts: ACCOUNTS,
  source: (context) => {
    const merchant = inTurn(merchantsOf(context));
    return singlesBy(context.run, () => {
      const [from, to] = pairOf(() => 1 + uniform(context.random, ACCOUNTS));
      return { merchant: merchant(), legs: transfer(from, to) };
    });
  },
};
