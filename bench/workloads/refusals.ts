import { accountName } from '../../src/cli/bench/requests.js';
import { type LoadRequest, none, numbersOf, type RequestSource } from '../load/request.js';
import { uniform } from './draw.js';
import { deposit, inTurn, leg, type Merchant, merchantsOf } from './merchant.js';
import { posting } from './singles.js';
import { type RequestWorkload, SINGLES, type SourceContext } from './workload.js';

const ACCOUNTS = 10_000;
const SHARE = 0.01;
const EMPTY = 'bench/empty';
const UNPROCESSABLE = 422;

export const refusals: RequestWorkload = {
  ...SINGLES,
  name: 'refusals',
  title: '1 % of the requests are refused for want of money, and that is remembered',
  seed: 108,
  merchants: 8,
  accounts: ACCOUNTS,
  emptyAccount: EMPTY,
  source: (context) => new Refusals(context),
};

class Refusals implements RequestSource {
  readonly #merchant: () => Merchant;
  readonly #number: () => string;
  readonly #random: () => number;

  constructor(context: SourceContext) {
    this.#merchant = inTurn(merchantsOf(context));
    this.#number = numbersOf(context.run);
    this.#random = context.random;
  }

  next(): LoadRequest {
    const merchant = this.#merchant();
    const account = 1 + uniform(this.#random, ACCOUNTS);
    if (this.#random() >= SHARE) return posting(merchant.post(this.#number(), deposit(account)));
    const text = merchant.post(this.#number(), leg(EMPTY, accountName(account)));
    return { text, wantsBody: false, refusal: UNPROCESSABLE, posted: none };
  }
}
