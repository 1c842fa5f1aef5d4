import fc from 'fast-check';
import { Packr, unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { readFrame } from '../../../src/http/stream/frame-reader.js';
import { FrameWriter } from '../../../src/http/stream/frame-writer.js';
import { FrameFault } from '../../../src/http/stream/protocol.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });
const read = (value: unknown) => readFrame(packr.pack(value));

const numbers = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const wide = (n: number): number | bigint => (n > 0xffffffff ? BigInt(n) : n);
const printable = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
});
const bodies = fc.jsonValue({ maxDepth: 6 });

describe('frames of requests', () => {
  it('are read as they were written, bodies as the bytes that they are', () => {
    const requests = fc.array(
      fc.record({ n: numbers, key: printable, token: printable, if_match: printable, body: bodies }),
    );
    fc.assert(
      fc.property(requests, (wanted) => {
        const got = read(wanted.map((request) => ({ ...request, n: wide(request.n) })));
        expect(
          got.map(({ n, key, token, ifMatch, body }) => ({ n, key, token, if_match: ifMatch, body: unpack(body) })),
        ).toEqual(wanted.map((request) => ({ ...request, body: unpack(packr.pack(request.body)) as unknown })));
      }),
    );
  });

  it('go to POST /v1/transactions unless they say otherwise', () => {
    expect(read([{ n: 1 }])).toMatchObject([{ method: 'POST', path: '/v1/transactions', query: '', key: null }]);
    expect(read([{ n: 1, to: 'GET /v1/accounts?prefix=a&limit=2' }])).toMatchObject([
      { method: 'GET', path: '/v1/accounts', query: 'prefix=a&limit=2' },
    ]);
  });

  it.each([
    ['a map', { n: 1 }],
    ['a list in place of a request', [[1]]],
    ['a request without a number', [{ key: 'a' }]],
    ['a negative number', [{ n: -1 }]],
    ['a number that is a fraction', [{ n: 1.5 }]],
    ['a number beyond 2^53−1', [{ n: 2n ** 53n }]],
    ['a number that is a text', [{ n: '1' }]],
    ['an unknown member', [{ n: 1, path: '/v1/transactions' }]],
    ['a key with a line break', [{ n: 1, key: 'a\nb' }]],
    ['a key beyond ASCII', [{ n: 1, key: 'schlüssel' }]],
    ['a blank at the end of a key', [{ n: 1, key: 'a ' }]],
    ['a route without a method', [{ n: 1, to: '/v1/transactions' }]],
    ['a method that no route has', [{ n: 1, to: 'DELETE /v1/transactions' }]],
    ['a path with a fragment', [{ n: 1, to: 'GET /v1/accounts#a' }]],
    ['a path with a blank', [{ n: 1, to: 'GET /v1/accounts/a b' }]],
  ])('are refused whole: %s', (_what, frame) => {
    expect(() => read(frame)).toThrow(FrameFault);
  });

  it('are refused with a member twice, an extension, or bytes behind the end', () => {
    const twice = Buffer.from([0x91, 0x82, 0xa1, 0x6e, 1, 0xa1, 0x6e, 2]);
    expect(() => readFrame(twice)).toThrow(/twice/);
    expect(() => readFrame(Buffer.from([0x91, 0x82, 0xa1, 0x6e, 1, 0xa4, ...Buffer.from('body'), 0xd4, 1, 1]))).toThrow(
      /0xd4/,
    );
    expect(() => readFrame(Buffer.concat([packr.pack([{ n: 1 }]), Buffer.of(0)]))).toThrow(/behind/);
    expect(() => readFrame(Buffer.from([0x91, 0x81, 0xdb, 0, 0, 0, 1, 0x6e, 1]))).toThrow(/short strings/);
  });

  it('never do anything but be read or refused, whatever the bytes', () => {
    const frame = packr.pack([
      { n: 1, key: 'k', to: 'POST /v1/accounts', body: { a: [1, 'x', null, { b: 70000 }] } },
      { n: 2 },
    ]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(frame.length - 1), fc.nat(255)), { maxLength: 4 }),
        fc.nat(frame.length),
        (changes, length) => {
          const bytes = Uint8Array.from(frame);
          for (const [at, byte] of changes) bytes[at] = byte;
          try {
            readFrame(bytes.subarray(0, length));
          } catch (error) {
            expect(error).toBeInstanceOf(FrameFault);
          }
        },
      ),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          readFrame(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameFault);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('that lie about their lengths cost nothing', () => {
    const lies = [
      [0xdd, 0xff, 0xff, 0xff, 0xff],
      [0x91, 0xdf, 0xff, 0xff, 0xff, 0xff],
      [0x91, 0x81, 0xa4, ...Buffer.from('body'), 0xdd, 0xff, 0xff, 0xff, 0xff],
      [0x91, 0x81, 0xa4, ...Buffer.from('body'), 0xdf, 0xff, 0xff, 0xff, 0xff],
      [0x91, 0x81, 0xa4, ...Buffer.from('body'), 0xdb, 0xff, 0xff, 0xff, 0xff],
      [0x91, 0x81, 0xa4, ...Buffer.from('body'), ...Array.from({ length: 1_000_000 }, () => 0x91)],
    ];
    const before = performance.now();
    for (const lie of lies) expect(() => readFrame(Uint8Array.from(lie))).toThrow(FrameFault);
    expect(performance.now() - before).toBeLessThan(2_000);
  });
});

describe('frames of answers', () => {
  it('keep no buffer that a large answer once needed', () => {
    const writer = new FrameWriter();
    const facts = { n: 1, status: 200, replayed: false, retryAfter: 0 };
    const body = packr.pack('x'.repeat(3_000_000));
    writer.add(facts, body);
    expect(unpack(writer.take(1, ''))).toMatchObject({ answers: [{ n: 1, body: 'x'.repeat(3_000_000) }] });
    expect(writer.into.bytes.length).toBeLessThan(1 << 20);
    writer.add(facts, packr.pack('y'));
    expect(unpack(writer.take(1, ''))).toMatchObject({ answers: [{ n: 1, body: 'y' }] });
  });

  it('hold all answers since the last frame, in their order, whatever their sizes', () => {
    const writer = new FrameWriter();
    const answers = fc.array(
      fc.record({
        n: numbers,
        status: fc.constantFrom(200, 201, 409, 503),
        replayed: fc.boolean(),
        retryAfter: fc.nat(1000),
        body: fc.record({ text: fc.string({ maxLength: 3000 }) }),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(
        answers,
        fc.nat(100_000),
        fc.constantFrom('', 'c1.short', `c1.${'x'.repeat(200)}`),
        (wanted, credits, token) => {
          for (const { body, ...facts } of wanted) writer.add(facts, packr.pack(body));
          const frame = new Packr({ useRecords: false, int64AsType: 'number' }).unpack(
            writer.take(credits, token),
          ) as object;
          expect(frame).toEqual({
            credits,
            ...(token === '' ? {} : { token }),
            answers: wanted.map(({ n, status, replayed, retryAfter, body }) => ({
              n,
              status,
              ...(replayed ? { replayed } : {}),
              ...(retryAfter > 0 ? { retry_after: retryAfter } : {}),
              body,
            })),
          });
          expect(writer.count).toBe(0);
        },
      ),
    );
  });
});
