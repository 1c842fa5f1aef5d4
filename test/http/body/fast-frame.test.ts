import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePlain, PLAIN_WORDS, Plain, POST_ROUTE, plainSize } from '../../../src/engine/wire/plain-post.js';
import { encodePost } from '../../../src/engine/wire/post.js';
import { readFastFrame } from '../../../src/http/body/fast-msgpack.js';
import { readMsgpack } from '../../../src/http/body/msgpack.js';
import { PlainRequests } from '../../../src/http/body/plain-requests.js';
import { parseIdempotencyKey } from '../../../src/http/parse/headers.js';
import { parsePost } from '../../../src/http/parse/post.js';
import { bufferOf } from '../../../src/http/render/answer-buffer.js';
import { toMsgpack } from '../../../src/http/render/msgpack.js';
import { renderPlainMsgpack } from '../../../src/http/render/plain-msgpack.js';
import { plainAnswerSizeMax } from '../../../src/http/render/plain-post.js';
import { renderPosted } from '../../../src/http/render/transaction.js';
import { readFrame } from '../../../src/http/stream/frame-reader.js';
import type { StreamRequest } from '../../../src/http/stream/protocol.js';
import { IdCodec } from '../../../src/platform/ids/id-codec.js';
import { hash } from '../../engine/wire/arbitrary.js';
import { plainKey, plainRequest } from '../../engine/wire/plain.js';
import { context, facts, packr, place, plainRequests, written } from './postings.js';

const COUNT_MAX = 256;
const ids = new IdCodec(new Uint8Array(16).fill(3));
/** One for all, as it is used: what an earlier frame left must not show. */
const read = new PlainRequests();
const { posts } = read;
const fast = (frame: Uint8Array, above = -1): boolean => readFastFrame(frame, above, COUNT_MAX, context, read);

/** What a request means to the routes. */
const meant = ({ n, method, path, query, key, token, ifMatch, body }: StreamRequest) => ({
  n,
  bytes: body.length,
  to: [method, path, query, token, ifMatch],
  key: parseIdempotencyKey(key ?? ''),
  request: parsePost(readMsgpack(body), context),
});
const meantFast = () =>
  Array.from({ length: read.count }, (_, index) => ({
    n: read.numberOf(index),
    bytes: read.bodyBytesOf(index),
    to: ['POST', '/v1/transactions', '', '', ''],
    key: plainKey(posts, index),
    request: plainRequest(posts, index),
  }));

describe('a frame of postings of the hot shape', () => {
  it('is read as the requests that it is, in any order of their members', () => {
    fc.assert(
      fc.property(plainRequests, (requests) => {
        const frame = packr.pack(requests);
        expect(fast(frame)).toBe(true);
        expect(meantFast()).toEqual(readFrame(frame).map(meant));
      }),
      { numRuns: 500 },
    );
  });

  it('makes the same records, hashes included, and is answered with the same bytes', () => {
    fc.assert(
      fc.property(plainRequests, place, facts, (requests, { shard, book, requestId }, shown) => {
        const frame = packr.pack(requests);
        expect(fast(frame)).toBe(true);
        readFrame(frame).forEach((general, index) => {
          const { key, request } = meant(general);
          const head = { shard, book, key, route: POST_ROUTE, requestId };
          const slow = written(4096, (target, at) => encodePost(head, request, hash, target, at));
          const plain = written(plainSize(posts, index, null), (target, at) =>
            encodePlain({ shard, book }, requestId, null, posts, index, hash, target, at),
          );
          expect(plain).toEqual(slow);

          const { position, sequence, recordedAt } = shown;
          const expiresAt = request.pending ? recordedAt + shown.expiresIn : 0;
          const sizeMax = plainAnswerSizeMax(posts, index);
          const into = bufferOf(sizeMax);
          const end = renderPlainMsgpack(posts, index, ids, 7, position, sequence, recordedAt, expiresAt, into, 0);
          const answer = renderPosted(request, { sequence, recordedAt, expiresAt }, ids.encode(7, position));
          expect(Buffer.from(into.bytes.subarray(0, end))).toEqual(Buffer.from(toMsgpack(answer)));
        });
      }),
      { numRuns: 200 },
    );
  });

  it('has texts that may be copied eight bytes at a time, by float64: none of these is not a number', () => {
    const texts = [Plain.keyStart, Plain.referenceStart, Plain.descriptionStart, Plain.debitStart, Plain.creditStart];
    fc.assert(
      fc.property(plainRequests, (requests) => {
        expect(fast(packr.pack(requests))).toBe(true);
        for (let row = 0; row < posts.count * PLAIN_WORDS; row += PLAIN_WORDS) {
          for (const place of [...texts, Plain.currencyStart]) {
            const start = posts.fields[row + place] ?? 0;
            const length = posts.fields[row + place + 1] ?? 0;
            for (let i = 0; i < length; i += 8) expect(posts.view.getFloat64(start + i, true)).not.toBeNaN();
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is never read otherwise than request by request, whatever bytes are others, and wherever it ends', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    const altered = fc
      .tuple(plainRequests, fc.array(change, { minLength: 1, maxLength: 2 }), fc.boolean())
      .map(([requests, changes, cut]) => {
        const frame = Uint8Array.from(packr.pack(requests));
        if (cut) return frame.slice(0, (changes[0]?.[0] ?? 0) % frame.length);
        for (const [at, byte] of changes) frame[at % frame.length] = byte;
        return frame;
      });
    fc.assert(
      fc.property(altered, (frame) => {
        if (!fast(frame)) return;
        const requests = readFrame(frame);
        expect(meantFast()).toEqual(requests.map(meant));
        expect(requests.every(({ n }, index) => index === 0 || n > (requests[index - 1]?.n ?? 0))).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('is left to the general way where anything in it is rare', () => {
    const body = { legs: [{ debit: 'external/card', credit: 'customer/42', amount: 125, currency: 'EUR' }] };
    const usual = { n: 7, key: 'k', body };
    expect(fast(packr.pack([usual]))).toBe(true);
    expect(fast(packr.pack([{ ...usual, to: 'POST /v1/transactions' }]), 6)).toBe(true);
    for (const rare of [
      { ...usual, n: 0 },
      { ...usual, n: -1 },
      { ...usual, n: 7.5 },
      { ...usual, n: 2n ** 53n },
      { ...usual, key: '' },
      { ...usual, key: ' k' },
      { ...usual, key: 'k ' },
      { ...usual, key: '"k"' },
      { ...usual, key: 'k\\' },
      { ...usual, key: 'ü' },
      { ...usual, key: 'k'.repeat(256) },
      { ...usual, to: 'POST /v1/transactions?a=b' },
      { ...usual, to: 'POST /v1/transactions/batch' },
      { ...usual, to: 'GET /v1/transactions' },
      { ...usual, token: '' },
      { ...usual, if_match: '' },
      { ...usual, body: { ...body, metadata: { a: 'b' } } },
      { ...usual, body: { ...body, dry_run: true } },
      { ...usual, body: null },
      { n: 7, body },
      { n: 7, key: 'k' },
      { key: 'k', body },
      [usual],
    ]) {
      const frame = packr.pack([rare]);
      expect(
        fast(frame),
        JSON.stringify(rare, (_, value) => String(value)),
      ).toBe(false);
      expect(fast(packr.pack([{ ...usual, n: 1 }, rare]))).toBe(false);
    }
    for (const frame of [[], usual, null, [usual, usual], [usual, { ...usual, n: 6 }]]) {
      expect(fast(packr.pack(frame))).toBe(false);
    }
    expect(fast(new Uint8Array(0))).toBe(false);
    expect(fast(Buffer.concat([packr.pack([usual]), Buffer.of(0)]))).toBe(false);
    expect(fast(packr.pack([usual]), 7), 'a number that does not grow').toBe(false);
    const many = packr.pack(Array.from({ length: 3 }, (_, index) => ({ ...usual, n: index + 1 })));
    expect([2, 3].map((credits) => readFastFrame(many, -1, credits, context, read))).toEqual([false, true]);
  });

  it('that lies about its length, or is long for what it has, costs nothing', () => {
    const before = posts.bytes;
    expect(fast(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff))).toBe(false);
    expect(fast(Uint8Array.of(0xdc, 0x00))).toBe(false);
    expect(fast(packr.pack([{ n: 1, key: 'k', body: 'x'.repeat(1_000_000) }]))).toBe(false);
    expect(posts.bytes).toBe(before);
  });
});
