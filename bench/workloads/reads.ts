import { type LoadRequest, none, numbersOf, type RequestSource } from '../load/request.js';
import { uniform } from './draw.js';
import { deposit, inTurn, type Merchant, merchantsOf } from './merchant.js';
import { posting } from './singles.js';
import { type RequestWorkload, SINGLES, type SourceContext } from './workload.js';

const ACCOUNTS = 10_000;

export const reads: RequestWorkload = {
  ...SINGLES,
  name: 'reads',
  title: 'postings and reads of balances in turn',
  seed: 109,
  merchants: 8,
  accounts: ACCOUNTS,
  source: (context) => new PostsAndReads(context),
};

class PostsAndReads implements RequestSource {
  readonly #merchant: () => Merchant;
  readonly #number: () => string;
  readonly #random: () => number;
  #reads = false;

  constructor(context: SourceContext) {
    this.#merchant = inTurn(merchantsOf(context));
    this.#number = numbersOf(context.run);
    this.#random = context.random;
  }

  next(): LoadRequest {
    const merchant = this.#merchant();
    const account = 1 + uniform(this.#random, ACCOUNTS);
    this.#reads = !this.#reads;
    if (!this.#reads) return posting(merchant.post(this.#number(), deposit(account)));
    return { text: merchant.balance(account), wantsBody: false, refusal: null, posted: none };
  }
}
