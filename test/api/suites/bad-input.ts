/** Bad input gets a clear 4xx and changes nothing. */

import { connect } from 'node:net';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { raw, request } from '../../http/support/raw.js';
import type { ApiAnswer } from '../../support/api.js';
import { accountPath, expectProblem, freshKey, leg, type Merchant } from '../support/merchant.js';
import type { World } from '../support/world.js';

const packr = new Packr({ useRecords: false });
const MIB = 1024 * 1024;
const GOOD = { legs: [leg('external/x', 'a', 5)], open_accounts: true };
const CLOSE_MAX_MS = 12_000;

/** Whatever is sent by `send`, the ledger is afterwards as it was before. */
async function changesNothing(m: Merchant, send: () => Promise<void>): Promise<void> {
  await m.fund('a', 100);
  const before = [await m.list('/v1/accounts'), await m.list('/v1/transactions')];
  await send();
  expect([await m.list('/v1/accounts'), await m.list('/v1/transactions')]).toEqual(before);
}

const withJson = (m: Merchant, body: string | Uint8Array): Promise<ApiAnswer> =>
  m.bytes('POST', '/v1/transactions', body, { 'Content-Type': 'application/json', 'Idempotency-Key': freshKey() });
const withMsgpack = (m: Merchant, body: Uint8Array): Promise<ApiAnswer> =>
  m.bytes('POST', '/v1/transactions', body, { 'Content-Type': 'application/msgpack', 'Idempotency-Key': freshKey() });

/** The good body with more text at its end or in its place. */
const good = JSON.stringify(GOOD);
const plus = (member: string): string => `${good.slice(0, -1)},${member}}`;

const JSON_FAULTS: readonly (readonly [
  name: string,
  body: string | Uint8Array,
  code: string,
  param: string | undefined,
])[] = [
  ['nothing at all', ' ', 'malformed_body', undefined],
  ['half a document', good.slice(0, 40), 'malformed_body', undefined],
  ['two documents', good + good, 'malformed_body', undefined],
  ['a trailing comma', `${good.slice(0, -1)},}`, 'malformed_body', undefined],
  ['a comment', `/* x */${good}`, 'malformed_body', undefined],
  ['single quotes', good.replaceAll('"', "'"), 'malformed_body', undefined],
  ['a byte order mark', `\ufeff${good}`, 'malformed_body', undefined],
  [
    'bytes that are not UTF-8',
    Buffer.concat([Buffer.from(plus('"reference":"').slice(0, -1)), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    'malformed_body',
    undefined,
  ],
  ['an array', '[]', 'invalid_field', ''],
  ['a string', '"x"', 'invalid_field', ''],
  ['null', 'null', 'invalid_field', ''],
  ['a field twice', plus('"open_accounts":true'), 'malformed_body', '/open_accounts'],
  ['a field twice by an escape', plus('"open\\u005faccounts":true'), 'malformed_body', '/open_accounts'],
  ['a field twice in a leg', good.replace('"amount":5', '"amount":5,"amount":5'), 'malformed_body', '/legs/0/amount'],
  ['an unknown field', plus('"colour":"red"'), 'unknown_field', '/colour'],
  ['an unknown field in a leg', good.replace('"amount"', '"fee":1,"amount"'), 'unknown_field', '/legs/0/fee'],
  ['__proto__', plus('"__proto__":{"pending":true}'), 'unknown_field', '/__proto__'],
  ['__proto__ in metadata', plus('"metadata":{"__proto__":1}'), 'unknown_field', '/metadata/__proto__'],
  ['constructor', plus('"constructor":{}'), 'unknown_field', '/constructor'],
  ['no legs', '{"open_accounts":true}', 'missing_field', '/legs'],
  [
    'a leg without currency',
    '{"legs":[{"debit":"external/x","credit":"a","amount":1}],"open_accounts":true}',
    'missing_field',
    '/legs/0/currency',
  ],
  ['legs that are an object', '{"legs":{"0":{}},"open_accounts":true}', 'invalid_field', '/legs'],
  ['a leg that is null', '{"legs":[null],"open_accounts":true}', 'invalid_field', '/legs/0'],
  ['a name that is a number', good.replace('"a"', '1'), 'invalid_field', '/legs/0/credit'],
  ['pending as text', plus('"pending":"true"'), 'invalid_field', '/pending'],
  ['a lone high surrogate', plus('"reference":"\\ud800"'), 'invalid_field', '/reference'],
  ['a lone low surrogate', plus('"reference":"x\\udc00y"'), 'invalid_field', '/reference'],
  ['surrogates the wrong way round', plus('"description":"\\udc00\\ud800"'), 'invalid_field', '/description'],
  ['NUL', plus('"reference":"a\\u0000b"'), 'invalid_field', '/reference'],
  ['NUL in a key of metadata', plus('"metadata":{"a\\u0000":1}'), 'invalid_field', undefined],
  ['a raw control character', plus('"reference":"a\nb"'), 'malformed_body', undefined],
  ['a rounded number in metadata', plus('"metadata":{"n":9007199254740993}'), 'invalid_field', '/metadata/n'],
  ['a fraction in metadata', plus('"metadata":{"n":0.1}'), 'invalid_field', '/metadata/n'],
  ['nine levels', plus(`"metadata":${'{"a":'.repeat(8)}1${'}'.repeat(8)}`), 'malformed_body', undefined],
  ['a hundred thousand levels', '['.repeat(100_000), 'malformed_body', undefined],
  [
    'too many members',
    plus(`"metadata":{${Array.from({ length: 1100 }, (_, i) => `"${i}":1`).join(',')}}`),
    'malformed_body',
    undefined,
  ],
];

const head = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const packed = packr.pack(GOOD);
const MSGPACK_FAULTS: readonly (readonly [name: string, body: Uint8Array, code: string])[] = [
  ['cut short', packed.subarray(0, packed.length - 3), 'malformed_body'],
  ['with a byte more', Buffer.concat([packed, head(0xc0)]), 'malformed_body'],
  ['a map that says it is enormous', head(0xdf, 0xff, 0xff, 0xff, 0xff), 'malformed_body'],
  ['an array that says it is enormous', head(0xdd, 0x7f, 0xff, 0xff, 0xff), 'malformed_body'],
  ['a string that says it is enormous', head(0xdb, 0xff, 0xff, 0xff, 0xff, 0x61), 'malformed_body'],
  ['a hundred thousand arrays in each other', new Uint8Array(100_000).fill(0x91), 'malformed_body'],
  ['an extension', head(0x81, 0xa1, 0x61, 0xd4, 0x01, 0x00), 'malformed_body'],
  ['a time', packr.pack({ ...GOOD, effective_at: new Date() }), 'malformed_body'],
  ['a record', new Packr({ useRecords: true }).pack(GOOD), 'malformed_body'],
  ['binary data', packr.pack({ ...GOOD, reference: Buffer.from('abc') }), 'malformed_body'],
  ['0xc1', head(0xc1), 'malformed_body'],
  ['a key twice', head(0x82, 0xa1, 0x61, 0x01, 0xa1, 0x61, 0x01), 'malformed_body'],
  ['a key that is a number', head(0x81, 0x01, 0x01), 'malformed_body'],
  ['a float', packr.pack({ ...GOOD, expires_in: 0.5, pending: true }), 'invalid_field'],
  ['NaN', head(0x81, 0xa1, 0x61, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0), 'invalid_field'],
  ['a string that is not UTF-8', head(0x81, 0xa1, 0xff, 0x01), 'malformed_body'],
  ['NUL in a string', packr.pack({ ...GOOD, reference: 'a\0b' }), 'invalid_field'],
];

/** Bytes over a socket until the server ends it; nothing else is sent. */
function untilClosed(port: number, text: string): Promise<{ readonly text: string; readonly tookMs: number }> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.setTimeout(2 * CLOSE_MAX_MS, () => {
      socket.destroy();
      reject(new Error('the connection was left open'));
    });
    socket.on('close', () => resolve({ text: answer, tookMs: performance.now() - started }));
  });
}

export function badInputPromises(world: World): void {
  describe('a bad body', () => {
    it.each(JSON_FAULTS)('of JSON is refused: %s', async (_name, body, code, param) => {
      const m = await world.merchant();
      await changesNothing(m, async () => {
        const answer = await withJson(m, body);
        expectProblem(answer, 400, code, param);
        expect(answer.body).toMatchObject({ outcome: 'none', final: false, retryable: false });
      });
    });

    it.each(MSGPACK_FAULTS)('of msgpack is refused: %s', async (_name, body, code) => {
      const m = await world.merchant();
      await changesNothing(m, async () => expectProblem(await withMsgpack(m, body), 400, code));
    });

    it('of eight levels is taken, and metadata keeps what looks dangerous', async () => {
      const m = await world.merchant();
      const metadata = JSON.parse('{"constructor":{"prototype":"x"},"toString":1,"":"empty","a/b~c":[[[[[1]]]]]}');
      const { status, text, body } = await m.transfer('external/x', 'a', 1, { metadata });
      expect(status, text).toBe(201);
      expect((await m.body(`/v1/transactions/${body.id}`)).metadata).toEqual(metadata);
    });

    it('over 1 MiB is refused for a single request, and over 8 MiB for a batch', async () => {
      const m = await world.merchant();
      await changesNothing(m, async () => {
        const padded = (bytes: number): string => good + ' '.repeat(bytes - good.length);
        const announce = (path: string, bytes: number) =>
          raw(
            world.engine.port,
            request(
              `POST ${path}`,
              [
                `Authorization: Bearer ${m.apiKey}`,
                'Content-Type: application/json',
                `Idempotency-Key: ${freshKey()}`,
                `Content-Length: ${bytes}`,
              ],
              '{',
            ),
            { answers: 1 },
          );
        for (const [path, bytes] of [
          ['/v1/transactions', MIB + 1],
          ['/v1/accounts', 50 * MIB],
          ['/v1/transactions/batch', 8 * MIB + 1],
          ['/v1/accounts/batch', 8 * MIB + 1],
        ] as const) {
          const answer = await announce(path, bytes);
          expect(answer.statuses, answer.text).toEqual([413]);
          expect(answer.text).toContain('"code":"body_too_large"');
          world.problems.checkBody(JSON.parse(answer.text.slice(answer.text.indexOf('{'))));
        }
        expectProblem(await m.post('/v1/transactions/batch', padded(2 * MIB), { key: null }), 400, 'missing_field');
      });
      expect((await withJson(m, good + ' '.repeat(MIB - good.length))).status).toBe(201);
    });
  });

  describe('a bad frame', () => {
    const auth = (m: Merchant): string[] => [
      `Authorization: Bearer ${m.apiKey}`,
      'Content-Type: application/json',
      `Idempotency-Key: ${freshKey()}`,
    ];
    const hiddenPost = (m: Merchant): string =>
      request('POST /v1/transactions', [...auth(m), `Content-Length: ${good.length}`], good);

    it.each([
      ['two Content-Length that differ', (hidden: string) => ['Content-Length: 0', `Content-Length: ${hidden.length}`]],
      ['two Content-Length that agree', () => ['Content-Length: 2', 'Content-Length: 2']],
      ['an empty Content-Length', () => ['Content-Length:']],
      ['an empty Content-Length first', (hidden: string) => ['Content-Length:', `Content-Length: ${hidden.length}`]],
      ['a signed Content-Length', () => ['Content-Length: +2']],
      ['a list of Content-Length', () => ['Content-Length: 2, 2']],
      ['Content-Length and Transfer-Encoding', () => ['Content-Length: 2', 'Transfer-Encoding: chunked']],
      ['identity, chunked', () => ['Transfer-Encoding: identity, chunked']],
      ['two Host', () => ['Host: other', 'Content-Length: 0']],
    ])('is refused, closed, and what hides behind it never runs: %s', async (_name, headers) => {
      const m = await world.merchant();
      await changesNothing(m, async () => {
        const hidden = hiddenPost(m);
        const answer = await raw(
          world.engine.port,
          request('POST /v1/transactions', [...auth(m), ...headers(hidden)], hidden),
        );
        expect(answer.closed).toBe(true);
        expect(answer.tookMs).toBeLessThan(CLOSE_MAX_MS);
        // The native server may end such a connection without a word.
        expect([[], [400]]).toContainEqual(answer.statuses);
      });
    });

    it('says what is wrong with it in a problem, where the server can still speak', async () => {
      const m = await world.merchant();
      await changesNothing(m, async () => {
        for (const [code, lines, body] of [
          ['request_framing', ['Authorization: Bearer other', 'Content-Length: 2'], '{}'],
          ['length_required', ['Transfer-Encoding: chunked'], '2\r\n{}\r\n0\r\n\r\n'],
        ] as const) {
          const { text } = await raw(
            world.engine.port,
            request('POST /v1/transactions', [...auth(m), ...lines], body),
            { answers: 1 },
          );
          expect(text).toContain(`"code":"${code}"`);
          world.problems.checkBody(JSON.parse(text.slice(text.indexOf('{'))));
        }
        expectProblemText(
          world,
          await raw(world.engine.port, request('GET /v1/accounts', [...auth(m), 'Content-Length: 2'], '{}'), {
            answers: 1,
          }),
          'request_framing',
        );
      });
    });

    it('of too many or too large headers is 431', async () => {
      const m = await world.merchant();
      const { statuses } = await raw(
        world.engine.port,
        request('GET /v1/accounts', [...auth(m), `X-Large: ${'x'.repeat(9_000)}`]),
        { answers: 1 },
      );
      expect(statuses).toEqual([431]);
    });

    it('that never ends is closed within 12 s: half a head, half a body, nothing', async () => {
      const m = await world.merchant();
      await changesNothing(m, async () => {
        const { port } = world.engine;
        const whole = hiddenPost(m);
        const ends = await Promise.all([
          untilClosed(port, ''),
          untilClosed(port, whole.slice(0, 40)),
          untilClosed(port, whole.slice(0, -1)),
          untilClosed(port, whole.slice(0, whole.indexOf('\r\n\r\n') + 4)),
        ]);
        for (const { text, tookMs } of ends) {
          expect(tookMs).toBeLessThan(CLOSE_MAX_MS);
          expect(text).toMatch(/^($|HTTP\/1\.1 408 )/);
          if (text.includes('"code"')) world.problems.checkBody(JSON.parse(text.slice(text.indexOf('{'))));
        }
      });
    });

    it('does not stop the engine, and the next good request is served', async () => {
      const m = await world.merchant();
      for (const garbage of [
        '\0\0\0\0',
        'GET\r\n\r\n',
        'x'.repeat(20_000),
        'GET / HTTP/9.9\r\n\r\n',
        'POST /v1/transactions HTTP/1.1\r\n: x\r\n\r\n',
        '\x16\x03\x01\x02\x00',
      ]) {
        await raw(world.engine.port, garbage, { answers: 1, timeoutMs: 200 });
      }
      expect((await m.transfer('external/x', 'a', 1)).status).toBe(201);
    });
  });

  describe('a bad header', () => {
    it('is refused: a repeated one, an If-Match that is no version', async () => {
      const m = await world.merchant();
      await m.open('a');
      expect((await m.patch(accountPath('a'), { min_balance: 1 }, { headers: { 'If-Match': 'W/"1"' } })).status).toBe(
        400,
      );
      expect((await m.account('a')).config_version).toBe(1);
    });
  });
}

function expectProblemText(world: World, { text }: { readonly text: string }, code: string): void {
  const problem = JSON.parse(text.slice(text.indexOf('{')));
  expect(problem.code).toBe(code);
  world.problems.checkBody(problem);
}
