/** Postings of the hot shape as the objects that the strict way makes of them. */
import type { PostRequest } from '../../../src/engine/wire/messages.js';
import { PLAIN_WORDS, Plain, PlainFlag, type PlainPosts } from '../../../src/engine/wire/plain-post.js';

type Field = keyof typeof Plain;

/** What stands in the body at one of the starts, whose length stands behind it; null at −1. */
function textAt(posts: PlainPosts, index: number, start: Field): string | null {
  const at = numberAt(posts, index, start);
  if (at < 0) return null;
  const length = posts.fields[index * PLAIN_WORDS + Plain[start] + 1] ?? 0;
  return new TextDecoder('utf-8', { fatal: true }).decode(posts.bytes.slice(at, at + length));
}

const numberAt = (posts: PlainPosts, index: number, field: Field): number =>
  posts.fields[index * PLAIN_WORDS + Plain[field]] ?? 0;

export const plainKey = (posts: PlainPosts, index: number): string => textAt(posts, index, 'keyStart') ?? '';

export function plainRequest(posts: PlainPosts, index: number): PostRequest {
  const flags = numberAt(posts, index, 'flags');
  const amount = (numberAt(posts, index, 'amountLow') >>> 0) + numberAt(posts, index, 'amountHigh') * 2 ** 32;
  const digits = textAt(posts, index, 'amountStart');
  if (digits !== '' && digits !== String(amount)) throw new Error('the digits are not those of the amount');
  return {
    legs: [
      {
        debit: textAt(posts, index, 'debitStart') ?? '',
        credit: textAt(posts, index, 'creditStart') ?? '',
        amount,
        currency: numberAt(posts, index, 'currency'),
        currencyCode: textAt(posts, index, 'currencyStart') ?? '',
      },
    ],
    pending: (flags & PlainFlag.pending) !== 0,
    expiresIn: numberAt(posts, index, 'expiresIn') * 1_000_000,
    effectiveAt: 0,
    openAccounts: (flags & PlainFlag.openAccounts) !== 0,
    dryRun: false,
    reference: textAt(posts, index, 'referenceStart'),
    description: textAt(posts, index, 'descriptionStart'),
    metadata: null,
    extras: null,
  };
}
