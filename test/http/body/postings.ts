/** Postings of the hot shape by chance, and the records that are made of them. */
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { expect } from 'vitest';
import { CurrencyTable } from '../../../src/ledger/currency.js';
import { targetOf } from '../../engine/wire/arbitrary.js';

export const packr = new Packr({ useRecords: false, variableMapSize: true });
const currencies = new CurrencyTable([{ code: 'POINTS_OF_12', exponent: 0 }]);
export const context = { currency: (code: string) => currencies.byCode(code)?.number };

const name = fc.stringMatching(/^[a-z0-9:@+_-]{1,20}(\/[A-Z][A-Z0-9._-]{0,9}){0,2}$/);
const text = fc.stringMatching(/^[ !#-[\]-~]{1,80}$/);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Members of a posting; those that are undefined are left out of its JSON. */
export const members = fc
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

/** As clients pack numbers: those beyond 32 bits as integers too. */
export const wide = (value: number): number | bigint => (value > 0xffffffff ? BigInt(value) : value);
export const packable = (body: { readonly legs: readonly { readonly amount: number }[] }) => ({
  ...body,
  legs: body.legs.map((leg) => ({ ...leg, amount: wide(leg.amount) })),
});
export const pack = (body: Parameters<typeof packable>[0]): Uint8Array => packr.pack(packable(body));

const inAnyOrder = (value: object): fc.Arbitrary<object> =>
  fc
    .shuffledSubarray(Object.entries(value), { minLength: Object.keys(value).length })
    .map((entries) => Object.fromEntries(entries.filter(([, member]) => member !== undefined)));

/** With the members of the posting and of its leg in another order; those that are undefined are left out. */
export const shuffled = members.chain((body) =>
  inAnyOrder(body.legs[0] ?? {}).chain((leg) => inAnyOrder({ ...body, legs: [leg] })),
) as typeof members;

export const key = fc.stringMatching(/^[ !#-[\]-~]{1,60}$/);
export const facts = fc.record({
  position: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
  sequence: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
  recordedAt: fc.integer({ min: 0, max: 4_000_000_000_000_000 }),
  expiresIn: fc.integer({ min: 1, max: 31_536_000_000_000 }),
});
export const place = fc.record({ shard: fc.nat(65_535), book: fc.nat(2 ** 32 - 1), requestId: fc.nat(2 ** 32 - 1) });

/** A record as it stands in memory that was used before. */
export function written(
  sizeMax: number,
  write: (target: ReturnType<typeof targetOf>, offset: number) => number,
): Uint8Array {
  const target = targetOf(sizeMax + 16, 0xcd);
  const length = write(target, 8);
  expect(length).toBeLessThanOrEqual(sizeMax);
  expect(target.bytes.subarray(8 + sizeMax).every((byte) => byte === 0xcd)).toBe(true);
  return target.bytes.slice(8, 8 + length);
}

/** Of requests of a frame: they grow, and have bytes of every kind. */
const numbers = (count: number): fc.Arbitrary<number[]> => {
  const odd = [0x7f, 0xff, 0xffff, 0xf07f, 0xffffffff, 0xf07ff07f, 2 ** 33, Number.MAX_SAFE_INTEGER];
  const near = fc.tuple(fc.constantFrom(...odd), fc.integer({ min: 0, max: 40 })).map(([n, less]) => n - less);
  return fc
    .uniqueArray(fc.oneof(near, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })), {
      minLength: count,
      maxLength: count,
    })
    .map((given) => given.sort((a, b) => a - b));
};

const TO = [undefined, undefined, 'POST /v1/transactions'];
/** As a frame takes it and the key is meant: no quotes, no blanks at its ends. */
const frameKey = fc.stringMatching(/^[!#-[\]-~]([ !#-[\]-~]{0,60}[!#-[\]-~])?$/);

/** Requests of a frame, all of them postings of the hot shape, with their members in any order. */
export const plainRequests = fc
  .array(fc.tuple(shuffled, frameKey), { minLength: 1, maxLength: 6 })
  .chain((all) =>
    numbers(all.length).chain((given) =>
      fc.tuple(
        ...all.map(([body, key], index) =>
          fc
            .constantFrom(...TO)
            .chain((to) => inAnyOrder({ n: wide(given[index] ?? 0), to, key, body: packable(body) })),
        ),
      ),
    ),
  ) as fc.Arbitrary<object[]>;
