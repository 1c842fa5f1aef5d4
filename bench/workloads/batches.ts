import { occurrences } from '../../src/cli/bench/autocannon.js';
import { POSTED_IN_BATCH } from '../../src/cli/bench/requests.js';
import { numbersOf } from '../load/request.js';
import { uniform } from './draw.js';
import { deposit, inTurn, item, merchantsOf } from './merchant.js';
import type { RequestWorkload } from './workload.js';

const ACCOUNTS = 10_000;

/** @param connections and @param rates fit for requests of that size */
function batchesOf(
  items: number,
  seed: number,
  connections: readonly number[],
  rates: readonly number[],
): RequestWorkload {
  return {
    kind: 'requests',
    emptyAccount: null,
    name: `batches-${items}`,
    title: `${items.toLocaleString('en')} independent transactions a request`,
    seed,
    merchants: 8,
    accounts: ACCOUNTS,
    transactionsPerRequest: items,
    connections,
    rates,
    source: (context) => {
      const merchant = inTurn(merchantsOf(context));
      const number = numbersOf(context.run);
      const posted = (body: string): number => occurrences(body, POSTED_IN_BATCH);
      return {
        next: () => {
          const key = number();
          const all = Array.from({ length: items }, (_, index) =>
            item(key, index, deposit(1 + uniform(context.random, ACCOUNTS))),
          );
          return { text: merchant().batch(all), wantsBody: true, refusal: null, posted };
        },
      };
    },
  };
}

export const batches10 = batchesOf(10, 110, [1, 8, 32, 128], [500, 2_000]);
export const batches200 = batchesOf(200, 111, [1, 8, 32, 64], [100, 400]);
export const batches8192 = batchesOf(8192, 112, [1, 2, 4, 8], [5]);
