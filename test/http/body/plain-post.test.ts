import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePlain, PlainPosts, POST_ROUTE, plainSize } from '../../../src/engine/wire/plain-post.js';
import { encodePost } from '../../../src/engine/wire/post.js';
import { readFastBatch, readFastPost } from '../../../src/http/body/fast-post.js';
import { readJson } from '../../../src/http/body/json.js';
import { type BatchItem, parseBatch } from '../../../src/http/parse/batch.js';
import { parsePost } from '../../../src/http/parse/post.js';
import { answerBuffer } from '../../../src/http/render/answer-buffer.js';
import { plainAnswersSizeMax, renderPlain } from '../../../src/http/render/plain-post.js';
import { renderPosted } from '../../../src/http/render/transaction.js';
import { CurrencyTable } from '../../../src/ledger/currency.js';
import { IdCodec } from '../../../src/platform/ids/id-codec.js';
import { hash, targetOf } from '../../engine/wire/arbitrary.js';

const currencies = new CurrencyTable([{ code: 'POINTS_OF_12', exponent: 0 }]);
const context = { currency: (code: string) => currencies.byCode(code)?.number };
const ids = new IdCodec(new Uint8Array(16).fill(3));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const name = fc.stringMatching(/^[a-z0-9:@+_-]{1,20}(\/[A-Z][A-Z0-9._-]{0,9}){0,2}$/);
const text = fc.stringMatching(/^[ !#-[\]-~]{1,80}$/);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Members of a posting; those that are undefined are left out of its JSON. */
const members = fc
  .record({
    debit: name.map((end) => `from/${end}`),
    credit: fc.oneof(name, fc.constant('x'.repeat(128))),
    amount: fc.oneof(fc.integer({ min: 1, max: 2 ** 31 }), fc.integer({ min: 1, max: 999_999_999_999_999 })),
    currency: fc.constantFrom('EUR', 'ALL', 'JPY', 'POINTS_OF_12'),
    reference: maybe(text),
    description: maybe(fc.oneof(text, fc.constant(''))),
    open_accounts: maybe(fc.constant(true)),
    hold: fc.constantFrom({}, { pending: false }, { pending: true }, { pending: true, expires_in: 31_536_000 }),
  })
  .map(({ debit, credit, amount, currency, hold, ...rest }) => ({
    legs: [{ debit, credit, amount, currency }],
    ...rest,
    ...hold,
  }));

const key = fc.stringMatching(/^[ !#-[\]-~]{1,60}$/);
const facts = fc.record({
  position: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
  sequence: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
  recordedAt: fc.integer({ min: 0, max: 4_000_000_000_000_000 }),
  expiresIn: fc.integer({ min: 1, max: 31_536_000_000_000 }),
});
const place = fc.record({ shard: fc.nat(65_535), book: fc.nat(2 ** 32 - 1), requestId: fc.nat(2 ** 32 - 1) });

/** A record as it stands in memory that was used before. */
function written(sizeMax: number, write: (target: ReturnType<typeof targetOf>, offset: number) => number): Uint8Array {
  const target = targetOf(sizeMax + 16, 0xcd);
  const length = write(target, 8);
  expect(length).toBeLessThanOrEqual(sizeMax);
  expect(target.bytes.subarray(8 + sizeMax).every((byte) => byte === 0xcd)).toBe(true);
  return target.bytes.slice(8, 8 + length);
}

describe('a posting of the hot shape', () => {
  const posts = new PlainPosts();

  it('is the same record, hashes included, as the strict way makes', () => {
    fc.assert(
      fc.property(members, key, place, (body, requestKey, { shard, book, requestId }) => {
        const bytes = utf8(JSON.stringify(body));
        expect(readFastPost(bytes, context, posts)).toBe(true);
        const request = parsePost(readJson(bytes), context);
        const head = { shard, book, key: requestKey, route: POST_ROUTE, requestId };
        const strict = written(4096, (target, at) => encodePost(head, request, hash, target, at));
        const fast = written(plainSize(posts, 0, requestKey), (target, at) =>
          encodePlain({ shard, book }, requestId, requestKey, posts, 0, hash, target, at),
        );
        expect(fast).toEqual(strict);
      }),
      { numRuns: 500 },
    );
  });

  it('is answered with the same bytes as the strict way answers, however its leg is spelled', () => {
    const space = fc.constantFrom('', ' ');
    const order = fc.constantFrom('debit', 'credit', 'amount', 'currency');
    fc.assert(
      fc.property(members, facts, space, order, (plain, { position, sequence, recordedAt, expiresIn }, pad, last) => {
        const legs = plain.legs.map((leg) => {
          const entries = Object.entries(leg);
          return Object.fromEntries([...entries.filter(([k]) => k !== last), ...entries.filter(([k]) => k === last)]);
        });
        const bytes = utf8(JSON.stringify({ ...plain, legs }, null, pad));
        expect(readFastPost(bytes, context, posts)).toBe(true);
        const request = parsePost(readJson(bytes), context);
        const expiresAt = request.pending ? recordedAt + expiresIn : 0;
        const into = answerBuffer(plainAnswersSizeMax(posts));
        const end = renderPlain(posts, 0, ids, 7, position, sequence, recordedAt, expiresAt, into, 0);
        expect(end).toBeLessThanOrEqual(plainAnswersSizeMax(posts));
        const expected = renderPosted(request, { sequence, recordedAt, expiresAt }, ids.encode(7, position));
        expect(new TextDecoder().decode(into.bytes.subarray(0, end))).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same record as an item of a batch, with the key in its body', () => {
    const items = fc.uniqueArray(fc.tuple(key, members), { selector: ([own]) => own, minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(items, place, (all, { shard, book, requestId }) => {
        const transactions = all.map(([idempotency_key, body]) => ({ idempotency_key, ...body }));
        const bytes = utf8(JSON.stringify({ transactions }));
        expect(readFastBatch(bytes, context, posts)).toBe(true);
        const parsed = parseBatch(readJson(bytes), context).items as readonly BatchItem[];
        expect(posts.count).toBe(parsed.length);
        parsed.forEach((item, index) => {
          if ('problem' in item) throw item.problem;
          const head = { shard, book, key: item.key, route: POST_ROUTE, requestId };
          const strict = written(4096, (target, at) => encodePost(head, item.request, hash, target, at));
          const fast = written(plainSize(posts, index, null), (target, at) =>
            encodePlain({ shard, book }, requestId, null, posts, index, hash, target, at),
          );
          expect(fast).toEqual(strict);
        });
      }),
      { numRuns: 200 },
    );
  });
});
