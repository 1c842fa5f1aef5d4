import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlainPosts } from '../../../src/engine/wire/plain-post.js';
import { readFastPost } from '../../../src/http/body/fast-post.js';
import { readJson } from '../../../src/http/body/json.js';
import { parsePost } from '../../../src/http/parse/post.js';
import { RequestProblem } from '../../../src/http/types.js';
import { plainRequest } from '../../engine/wire/plain.js';

const context = { currency: (code: string) => (({ EUR: 978, JPY: 392 }) as Readonly<Record<string, number>>)[code] };
const strict = (body: Uint8Array): unknown => parsePost(readJson(body), context);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** One for all, as it is used: what an earlier body left must not show. */
const posts = new PlainPosts();
const fast = (body: Uint8Array) => (readFastPost(body, context, posts) ? plainRequest(posts, 0) : null);

const README_BODY = utf8(
  `{ "legs": [{ "debit": "external/card", "credit": "customer/42/wallet", "amount": 12500, "currency": "EUR" }],
  "open_accounts": true, "reference": "order-1001" }`,
);

/** An object as JSON text with its fields in a random order and random white space. */
const shuffled = (fields: Readonly<Record<string, string>>): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.shuffledSubarray(Object.entries(fields), { minLength: Object.keys(fields).length }),
      fc.constantFrom('', ' ', '\n\t'),
    )
    .map(
      ([members, space]) =>
        `{${space}${members.map(([key, value]) => `"${key}"${space}:${space}${value}`).join(`${space},${space}`)}${space}}`,
    );

const usual = fc
  .tuple(
    fc.stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9]{1,8}){0,2}$/),
    fc.integer({ min: 1, max: 999_999_999_999_999 }),
    fc.subarray(['open_accounts', 'reference', 'description', 'pending'] as const),
  )
  .chain(([name, amount, options]) =>
    shuffled({ debit: `"x/${name}"`, credit: `"y/${name}"`, amount: String(amount), currency: '"EUR"' }).chain(
      (leg) => {
        const all = {
          open_accounts: 'true',
          reference: `"ref ${name}"`,
          description: '"A plain text."',
          pending: 'true',
        };
        return shuffled({ legs: `[${leg}]`, ...Object.fromEntries(options.map((option) => [option, all[option]])) });
      },
    ),
  );

describe('the hot shape of a posting', () => {
  it('is taken in the form that the README shows', () => {
    expect(fast(README_BODY)).toEqual(strict(README_BODY));
  });

  it('is taken in any order of fields, and equals what the strict way gives', () => {
    fc.assert(
      fc.property(usual, (text) => {
        const request = fast(utf8(text));
        expect(request).not.toBeNull();
        expect({ ...request }).toEqual({ ...(strict(utf8(text)) as object) });
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['a fraction', '"amount": 1.5'],
    ['an exponent', '"amount": 1e3'],
    ['zero', '"amount": 0'],
    ['a leading zero', '"amount": 012'],
    ['a string', '"amount": "12500"'],
    ['more than fifteen digits', '"amount": 9007199254740993'],
    ['nothing', '"amount": '],
    ['a second amount', '"amount": 1, "amount": 1'],
  ])('leaves an amount that is %s to the strict way', (_, amount) => {
    expect(fast(utf8(`{"legs":[{"debit":"a","credit":"b",${amount},"currency":"EUR"}]}`))).toBeNull();
  });

  it.each(['', '/a', 'a/', 'a//b', '.', '..', 'a/../b', 'a b', 'é', 'a\\u0062', 'x'.repeat(129)])(
    'leaves the name %j to the strict way',
    (name) => {
      expect(fast(utf8(`{"legs":[{"debit":"${name}","credit":"b","amount":1,"currency":"EUR"}]}`))).toBeNull();
    },
  );
});

describe('any body', () => {
  it('that is read fast is read the same strictly', () => {
    const words = [
      '{',
      '}',
      '[',
      ']',
      '"',
      ',',
      ':',
      '\\',
      '0',
      '9',
      '.',
      '-',
      'e',
      '\0',
      '\x7f',
      '/',
      ' ',
      '\n',
      't',
    ].map((c) => c.charCodeAt(0));
    const mutation = fc.record({
      at: fc.nat(),
      byte: fc.oneof(fc.constantFrom(...words), fc.nat(255)),
      how: fc.constantFrom('set', 'insert', 'remove'),
    });
    let taken = 0;
    fc.assert(
      fc.property(
        fc.oneof(usual.map(utf8), fc.constant(README_BODY)),
        fc.array(mutation, { maxLength: 3 }),
        fc.nat(9),
        (seed, mutations, cut) => {
          const body = [...seed];
          for (const { at, byte, how } of mutations) {
            const place = at % (body.length + 1);
            if (how === 'set') body[Math.min(place, body.length - 1)] = byte;
            else if (how === 'insert') body.splice(place, 0, byte);
            else body.splice(place, 1);
          }
          if (cut === 0) body.length = mutations.length * 7;
          const bytes = new Uint8Array(body);
          const request = fast(bytes);
          if (request === null) return;
          taken++;
          expect({ ...request }).toEqual({ ...(strict(bytes) as object) });
        },
      ),
      { numRuns: 5000 },
    );
    // Sometimes: mutations inside texts and amounts leave the body usual.
    expect(taken).toBeGreaterThan(500);
  });

  it('is never a crash, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(fast(bytes)).toBeNull();
        try {
          strict(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RequestProblem);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
