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
import { IdCodec } from '../../../src/platform/ids/id-codec.js';
import { hash } from '../../engine/wire/arbitrary.js';
import { context, facts, key, members, place, written } from './postings.js';

const ids = new IdCodec(new Uint8Array(16).fill(3));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

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
