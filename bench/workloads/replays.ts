import { type LoadRequest, numbersOf, type RequestSource } from '../load/request.js';
import { uniform } from './draw.js';
import { deposit, inTurn, type Merchant, merchantsOf } from './merchant.js';
import { posting } from './singles.js';
import { type RequestWorkload, SINGLES, type SourceContext } from './workload.js';

const ACCOUNTS = 10_000;
const SHARE = 0.05;
/** As many requests ago as a client's retry might be: most are answered by then, and some are not. */
const AGO = 1024;

export const replays: RequestWorkload = {
  ...SINGLES,
  name: 'replays',
  title: '5 % of the requests are sent a second time under their key',
  seed: 107,
  merchants: 8,
  accounts: ACCOUNTS,
  source: (context) => new Replays(context),
};

class Replays implements RequestSource {
  readonly #merchant: () => Merchant;
  readonly #number: () => string;
  readonly #random: () => number;
  readonly #sent: LoadRequest[] = [];
  #count = 0;

  constructor(context: SourceContext) {
    this.#merchant = inTurn(merchantsOf(context));
    this.#number = numbersOf(context.run);
    this.#random = context.random;
  }

  next(): LoadRequest {
    const place = this.#count % AGO;
    const earlier = this.#sent[place];
    if (earlier !== undefined && this.#random() < SHARE) {
      this.#count++;
      return earlier;
    }
    const request = posting(this.#merchant().post(this.#number(), deposit(1 + uniform(this.#random, ACCOUNTS))));
    this.#sent[place] = request;
    this.#count++;
    return request;
  }
}
