import { type LoadRequest, numbersOf, one, type RequestSource } from '../load/request.js';
import { uniform } from './draw.js';
import { deposit, inTurn, type Merchant, merchantsOf } from './merchant.js';
import { type RequestWorkload, SINGLES, type SourceContext } from './workload.js';

const ACCOUNTS = 10_000;
const ID = /"id":"(txn_[^"]+)"/;

export const pendingCapture: RequestWorkload = {
  ...SINGLES,
  name: 'pending-capture',
  title: 'money is held, and the whole of it captured as soon as the hold is answered',
  seed: 105,
  merchants: 8,
  accounts: ACCOUNTS,
  source: (context) => new HoldsAndCaptures(context),
};

/** Each is one transaction in the log. */
class HoldsAndCaptures implements RequestSource {
  readonly #merchant: () => Merchant;
  readonly #number: () => string;
  readonly #random: () => number;
  readonly #held: { readonly merchant: Merchant; readonly id: string }[] = [];

  constructor(context: SourceContext) {
    this.#merchant = inTurn(merchantsOf(context));
    this.#number = numbersOf(context.run);
    this.#random = context.random;
  }

  next(): LoadRequest {
    const held = this.#held.pop();
    if (held !== undefined) {
      const text = held.merchant.capture(this.#number(), held.id);
      return { text, wantsBody: false, refusal: null, posted: one };
    }
    const merchant = this.#merchant();
    const legs = deposit(1 + uniform(this.#random, ACCOUNTS));
    return {
      text: merchant.post(this.#number(), legs, ',"pending":true'),
      wantsBody: true,
      refusal: null,
      posted: (body) => {
        const id = ID.exec(body)?.[1];
        if (id !== undefined) this.#held.push({ merchant, id });
        return 1;
      },
    };
  }
}
