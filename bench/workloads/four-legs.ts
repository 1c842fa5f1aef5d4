import { uniform } from './draw.js';
import { deposit, inTurn, merchantsOf } from './merchant.js';
import { singlesBy } from './singles.js';
import { type RequestWorkload, SINGLES } from './workload.js';

const ACCOUNTS = 10_000;
const LEGS = 4;

export const fourLegs: RequestWorkload = {
  ...SINGLES,
  name: 'four-legs',
  title: 'transactions of four legs, to 10,000 accounts of each of 8 merchants, uniform',
  seed: 106,
  merchants: 8,
  accounts: ACCOUNTS,
  source: (context) => {
    const merchant = inTurn(merchantsOf(context));
    const any = (): string => deposit(1 + uniform(context.random, ACCOUNTS));
    return singlesBy(context.run, () => ({
      merchant: merchant(),
      legs: Array.from({ length: LEGS }, any).join(','),
    }));
  },
};
