import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlainPosts } from '../../../src/engine/wire/plain-post.js';
import { readFastBatch } from '../../../src/http/body/fast-post.js';
import { readJson } from '../../../src/http/body/json.js';
import { BATCH_ITEMS_MAX, parseBatch } from '../../../src/http/parse/batch.js';
import { plainKey, plainRequest } from '../../engine/wire/plain.js';

const context = { currency: (code: string) => (({ EUR: 978, JPY: 392 }) as Readonly<Record<string, number>>)[code] };
const strict = (body: Uint8Array): unknown => parseBatch(readJson(body), context);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** One for all, as it is used: what an earlier body left must not show. */
const posts = new PlainPosts();
function fast(body: Uint8Array) {
  if (!readFastBatch(body, context, posts)) return null;
  return Array.from({ length: posts.count }, (_, i) => ({ key: plainKey(posts, i), request: plainRequest(posts, i) }));
}
const fastOf = (text: string) => fast(utf8(text));

const LEGS = '"legs":[{"debit":"a","credit":"b","amount":1,"currency":"EUR"}]';
const item = (key: string, more = ''): string => `{"idempotency_key":"${key}",${LEGS}${more}}`;

const inOrder = (members: readonly string[], order: readonly number[], space: string): string =>
  `{${space}${order.flatMap((i) => members[i] ?? []).join(`${space},${space}`)}${space}}`;

/** An item but for its key, with its fields in a random order and random white space. */
const usualItem = fc
  .record({
    name: fc.stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9]{1,8}){0,2}$/),
    amount: fc.integer({ min: 1, max: 999_999_999_999_999 }),
    currency: fc.constantFrom('EUR', 'JPY'),
    options: fc.subarray(['"open_accounts":true', '"reference":"a reference"', '"description":"A plain text."']),
    pending: fc.constantFrom([], ['"pending":true'], ['"pending":false'], ['"pending":true', '"expires_in":60']),
    space: fc.constantFrom('', ' ', '\n\t'),
    legOrder: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
    order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }),
  })
  .map(({ name, amount, currency, options, pending, space, legOrder, order }) => (key: string): string => {
    const sides = [`"debit":"x/${name}"`, `"credit":"y/${name}"`];
    const leg = inOrder([...sides, `"amount":${amount}`, `"currency":"${currency}"`], legOrder, space);
    return inOrder([`"idempotency_key" : "${key}"`, `"legs": [${leg}]`, ...options, ...pending], order, space);
  });

const usual = fc
  .tuple(
    fc.uniqueArray(fc.stringMatching(/^[ !#-[\]-~]{1,20}$/), { minLength: 5, maxLength: 5 }),
    fc.array(usualItem, { minLength: 1, maxLength: 5 }),
  )
  .map(([keys, items]) => `{"transactions": [${items.map((of, i) => of(keys[i] ?? '')).join(' ,')}] }`);

/** Of one program: every item has its fields in the same order with the same space between. */
const alike = fc
  .tuple(usualItem, fc.uniqueArray(fc.stringMatching(/^[ !#-[\]-~]{1,20}$/), { minLength: 1, maxLength: 5 }))
  .map(([of, keys]) => `{"transactions":[${keys.map(of).join()}]}`);

describe('an independent batch of the hot shape', () => {
  it('is taken in any order of fields, and equals what the strict way gives', () => {
    fc.assert(
      fc.property(fc.oneof(usual, alike), (text) => {
        const items = fast(utf8(text));
        expect(items).not.toBeNull();
        expect({ atomic: false, items }).toEqual(strict(utf8(text)));
      }),
      { numRuns: 300 },
    );
  });

  it('that is read fast after any change of its bytes is read the same strictly', () => {
    const bytesOfNote = utf8('{}[]",:\\09.-e\0\x7f/ \nté');
    const mutation = fc.record({
      at: fc.nat(),
      byte: fc.oneof(fc.constantFrom(...bytesOfNote), fc.nat(255)),
      how: fc.constantFrom('set', 'insert', 'remove'),
    });
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(usual, alike), fc.array(mutation, { maxLength: 3 }), (seed, mutations) => {
        const body = [...utf8(seed)];
        for (const { at, byte, how } of mutations) {
          const place = at % (body.length + 1);
          if (how === 'set') body[Math.min(place, body.length - 1)] = byte;
          else if (how === 'insert') body.splice(place, 0, byte);
          else body.splice(place, 1);
        }
        const bytes = new Uint8Array(body);
        const items = fast(bytes);
        if (items === null) return;
        taken++;
        expect({ atomic: false, items }).toEqual(strict(bytes));
      }),
      { numRuns: 2000 },
    );
    // Sometimes: mutations inside texts and amounts leave the body usual.
    expect(taken).toBeGreaterThan(200);
  });

  it('does not leave fields of one item to the next', () => {
    const text = `{"transactions":[${item('1', ',"open_accounts":true,"pending":true,"expires_in":5,"reference":"r","description":"d"')},${item('2')}]}`;
    expect({ atomic: false, items: fastOf(text) }).toEqual(strict(utf8(text)));
  });

  it('has as many items as a batch may have, and no more', () => {
    const items = Array.from({ length: BATCH_ITEMS_MAX }, (_, i) => item(`k${i}`));
    expect(fastOf(`{"transactions":[${items.join()}]}`)).toHaveLength(BATCH_ITEMS_MAX);
    expect(fastOf(`{"transactions":[${[...items, item('last')].join()}]}`)).toBeNull();
  });

  it.each([
    ['no items', '{"transactions":[]}'],
    ['a key twice', `{"transactions":[${item('1')},${item('1')}]}`],
    [
      'a key twice among many',
      `{"transactions":[${Array.from({ length: 300 }, (_, i) => item(`k${i % 299}`)).join()}]}`,
    ],
    ['an item without a key', `{"transactions":[{${LEGS}}]}`],
    ['an empty key', `{"transactions":[${item('')}]}`],
    ['a key of 256 characters', `{"transactions":[${item('k'.repeat(256))}]}`],
    ['a key with an escape', `{"transactions":[${item('a\\u0062')}]}`],
    ['a key beyond ASCII', `{"transactions":[${item('é')}]}`],
    ['two keys in one item', `{"transactions":[${item('1', ',"idempotency_key":"2"')}]}`],
    ['a dry run', `{"transactions":[${item('1', ',"dry_run":true')}]}`],
    ['metadata', `{"transactions":[${item('1', ',"metadata":{}')}]}`],
    ['an item that is none', `{"transactions":[${item('1')},1]}`],
    ['atomic', `{"transactions":[${item('1')}],"atomic":false}`],
    ['atomic before', `{"atomic":true,"transactions":[${item('1')}]}`],
    ['items twice', `{"transactions":[${item('1')}],"transactions":[${item('2')}]}`],
    ['a comma too many', `{"transactions":[${item('1')},]}`],
    ['something after it', `{"transactions":[${item('1')}]}}`],
    ['an unknown currency', `{"transactions":[${item('1').replace('EUR', 'XXX')}]}`],
    ['one account twice', `{"transactions":[${item('1').replace('"b"', '"a"')}]}`],
    ['nothing', ''],
  ])('is left to the strict way with %s', (_, text) => {
    expect(fastOf(text)).toBeNull();
  });
});
