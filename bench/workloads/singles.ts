/** A source of postings alone in their requests, which is what most workloads are. */
import { type LoadRequest, numbersOf, one, type RequestSource } from '../load/request.js';
import type { Merchant } from './merchant.js';

export const posting = (text: string): LoadRequest => ({ text, wantsBody: false, refusal: null, posted: one });

/** @param choose whose it is, and its legs */
export function singlesBy(
  run: string,
  choose: () => { readonly merchant: Merchant; readonly legs: string },
): RequestSource {
  const number = numbersOf(run);
  return {
    next: () => {
      const { merchant, legs } = choose();
      return posting(merchant.post(number(), legs));
    },
  };
}
