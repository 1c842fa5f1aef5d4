import { none, type RequestSource } from '../load/request.js';
import { uniform } from './draw.js';
import { inTurn, merchantsOf } from './merchant.js';
import { type RequestWorkload, SINGLES, type SourceContext } from './workload.js';

const ACCOUNTS = 10_000;

export const balances: RequestWorkload = {
  ...SINGLES,
  name: 'balances',
  title: 'reads of balances alone',
  seed: 114,
  merchants: 8,
  accounts: ACCOUNTS,
  source,
};

function source(context: SourceContext): RequestSource {
  const merchant = inTurn(merchantsOf(context));
  const account = (): number => 1 + uniform(context.random, ACCOUNTS);
  return {
    next: () => ({ text: merchant().balance(account()), wantsBody: false, refusal: null, posted: none }),
  };
}
