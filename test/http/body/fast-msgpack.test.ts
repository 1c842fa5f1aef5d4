import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePlain, PlainPosts, POST_ROUTE, plainSize } from '../../../src/engine/wire/plain-post.js';
import { encodePost } from '../../../src/engine/wire/post.js';
import { readFastMsgpack } from '../../../src/http/body/fast-msgpack.js';
import { readMsgpack } from '../../../src/http/body/msgpack.js';
import { parsePost } from '../../../src/http/parse/post.js';
import { answerBuffer } from '../../../src/http/render/answer-buffer.js';
import { toMsgpack } from '../../../src/http/render/msgpack.js';
import { renderPlainMsgpack } from '../../../src/http/render/plain-msgpack.js';
import { plainAnswersSizeMax } from '../../../src/http/render/plain-post.js';
import { renderPosted } from '../../../src/http/render/transaction.js';
import { IdCodec } from '../../../src/platform/ids/id-codec.js';
import { hash } from '../../engine/wire/arbitrary.js';
import { plainRequest } from '../../engine/wire/plain.js';
import { context, facts, key, pack, packr, place, shuffled, written } from './postings.js';

const ids = new IdCodec(new Uint8Array(16).fill(3));
/** One for all, as it is used: what an earlier body left must not show. */
const posts = new PlainPosts();

const strict = (bytes: Uint8Array) => parsePost(readMsgpack(bytes), context);

describe('a posting of the hot shape in msgpack', () => {
  it('is the same record, hashes included, as the strict way makes, in any order of its fields', () => {
    fc.assert(
      fc.property(shuffled, key, place, (body, requestKey, { shard, book, requestId }) => {
        const bytes = pack(body);
        expect(readFastMsgpack(bytes, context, posts)).toBe(true);
        const request = strict(bytes);
        expect(plainRequest(posts, 0)).toEqual(request);
        const head = { shard, book, key: requestKey, route: POST_ROUTE, requestId };
        const slow = written(4096, (target, at) => encodePost(head, request, hash, target, at));
        const fast = written(plainSize(posts, 0, requestKey), (target, at) =>
          encodePlain({ shard, book }, requestId, requestKey, posts, 0, hash, target, at),
        );
        expect(fast).toEqual(slow);
      }),
      { numRuns: 500 },
    );
  });

  it('is answered with the same bytes as the strict way answers', () => {
    fc.assert(
      fc.property(shuffled, facts, (body, { position, sequence, recordedAt, expiresIn }) => {
        const bytes = pack(body);
        expect(readFastMsgpack(bytes, context, posts)).toBe(true);
        const request = strict(bytes);
        const expiresAt = request.pending ? recordedAt + expiresIn : 0;
        const into = answerBuffer(plainAnswersSizeMax(posts));
        const end = renderPlainMsgpack(posts, 0, ids, 7, position, sequence, recordedAt, expiresAt, into, 0);
        expect(end).toBeLessThanOrEqual(plainAnswersSizeMax(posts));
        const expected = toMsgpack(renderPosted(request, { sequence, recordedAt, expiresAt }, ids.encode(7, position)));
        expect(Buffer.from(into.bytes.subarray(0, end))).toEqual(Buffer.from(expected));
      }),
      { numRuns: 500 },
    );
  });

  it('is never read otherwise than the strict way reads it, whatever byte is another, and wherever it ends', () => {
    const altered = fc.tuple(shuffled.map(pack), fc.nat(), fc.nat(255), fc.boolean()).map(([bytes, at, byte, cut]) => {
      const place = at % bytes.length;
      if (cut) return bytes.slice(0, place);
      const other = bytes.slice();
      other[place] = byte;
      return other;
    });
    fc.assert(
      fc.property(altered, (bytes) => {
        if (!readFastMsgpack(bytes, context, posts)) return;
        expect(plainRequest(posts, 0)).toEqual(strict(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  it('is left to the strict way where it has something that is rare', () => {
    const usual = {
      legs: [{ debit: 'external/card', credit: 'customer/42', amount: 125, currency: 'EUR' }],
      reference: 'order',
    };
    const [leg] = usual.legs;
    expect(readFastMsgpack(pack(usual), context, posts)).toBe(true);
    for (const rare of [
      { ...usual, metadata: { a: 'b' } },
      { ...usual, open_accounts: false },
      { ...usual, reference: 'ü' },
      { ...usual, reference: '' },
      { ...usual, expires_in: 60 },
      { ...usual, legs: [leg, leg] },
      { ...usual, legs: [{ ...leg, amount: '125' }] },
      { ...usual, legs: [{ ...leg, amount: 0 }] },
      { ...usual, legs: [{ ...leg, amount: 1.5 }] },
      { ...usual, legs: [{ ...leg, amount: 2n ** 53n }] },
      { ...usual, legs: [{ ...leg, credit: 'external/card' }] },
      { ...usual, legs: [{ ...leg, credit: '.hidden' }] },
      { ...usual, legs: [{ ...leg, currency: 'XXY' }] },
      { ...usual, legs: [] },
      [usual],
      null,
    ]) {
      expect(
        readFastMsgpack(packr.pack(rare), context, posts),
        JSON.stringify(rare, (_, v) => String(v)),
      ).toBe(false);
    }
    expect(readFastMsgpack(new Uint8Array(0), context, posts)).toBe(false);
  });
});
