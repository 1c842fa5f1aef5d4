/** Requests of every shape, for property tests. */
import fc from 'fast-check';
import type { NumberedHead, RingTarget } from '../../../src/engine/wire/head.js';
import type { LegRequest, PostRequest } from '../../../src/engine/wire/messages.js';
import type { AccountSettings, AmountTest, Condition, PostCommand, PostExtras } from '../../../src/ledger/command.js';
import { KeyedHash } from '../../../src/ledger/hash.js';
import type { Texts } from '../../../src/ledger/record.js';
import type { AccountView } from '../../../src/ledger/view.js';

export const hash = new KeyedHash(Uint8Array.from({ length: 16 }, (_, index) => index));

/** In shared memory, as rings are, filled with what could have been there before. */
export function targetOf(sizeBytes: number, fill: number): RingTarget {
  const shared = new SharedArrayBuffer(sizeBytes);
  const bytes = new Uint8Array(shared).fill(fill);
  return { bytes, view: new DataView(shared) };
}

export const plainPost: PostRequest = {
  legs: [{ debit: 'external/card', credit: 'customer/42', amount: 5, currency: 978, currencyCode: 'EUR' }],
  pending: false,
  expiresIn: 0,
  effectiveAt: 0,
  openAccounts: false,
  dryRun: false,
  reference: null,
  description: null,
  metadata: null,
  extras: null,
};

/** With numbers as large as they become. */
export const someAccount: AccountView = {
  number: 1,
  book: 3,
  name: 'customer/42',
  currency: 'EUR',
  normalBalance: 'credit',
  open: true,
  debitsPosted: 0n,
  creditsPosted: 2n ** 63n - 1n,
  debitsPending: 1n,
  creditsPending: 0n,
  minBalance: -(2n ** 63n),
  maxBalance: null,
  version: 4,
  configVersion: 1,
  configPosition: 2 ** 40,
  openedAt: 1,
  metadata: undefined,
  sequence: 9,
};

/** Four COPY fields back to strings. */
export function textsOf({ bytes, offset, length }: Texts): (string | null)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const texts: (string | null)[] = [];
  let at = offset;
  while (at < offset + length) {
    const size = view.getInt32(at);
    at += 4;
    texts.push(size === -1 ? null : Buffer.from(bytes.slice(at, at + Math.max(size, 0))).toString());
    at += Math.max(size, 0);
  }
  return texts;
}

export function legsOf(command: PostCommand) {
  const name = (offset = 0, length = 0): string => Buffer.from(command.names.slice(offset, offset + length)).toString();
  return Array.from({ length: command.legCount }, (_, leg) => ({
    debit: name(command.debitOffset[leg], command.debitLength[leg]),
    credit: name(command.creditOffset[leg], command.creditLength[leg]),
    amount: command.amount[leg],
    currency: command.currency[leg],
  }));
}

const NAME_CHARACTERS = [...'ABCXYZabcxyz019._:/@+-'];
export const arbitraryName = fc.string({ unit: fc.constantFrom(...NAME_CHARACTERS), minLength: 1, maxLength: 128 });
const arbitraryKey = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 255, size: 'max' });
const arbitraryText = fc.option(
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 300, size: 'max' }),
    fc.string({ unit: 'grapheme-ascii', maxLength: 80, size: 'max' }),
  ),
);
export const arbitraryAmount = fc.oneof(
  fc.bigInt(1n, 2n ** 63n - 1n),
  fc
    .maxSafeNat()
    .map((amount) => amount + 1 || 1)
    .filter(Number.isSafeInteger),
  fc.constantFrom(1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2n ** 53n, 2n ** 63n - 1n),
);
const arbitraryInt64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);

const arbitraryLeg: fc.Arbitrary<LegRequest> = fc.record({
  debit: arbitraryName,
  credit: arbitraryName,
  amount: arbitraryAmount,
  currency: fc.integer({ min: 0, max: 65_535 }),
  currencyCode: fc.constant('EUR'),
});

const arbitraryTest: fc.Arbitrary<AmountTest> = fc.record(
  { eq: arbitraryInt64, gt: arbitraryInt64, gte: arbitraryInt64, lt: arbitraryInt64, lte: arbitraryInt64 },
  { requiredKeys: [] },
);
const arbitraryCondition: fc.Arbitrary<Condition> = fc.record(
  {
    account: arbitraryName,
    posted: arbitraryTest,
    pending_in: arbitraryTest,
    pending_out: arbitraryTest,
    available: arbitraryTest,
    version: fc.maxSafeNat(),
    config_version: fc.maxSafeNat(),
  },
  { requiredKeys: ['account'] },
);
export const arbitrarySettings: fc.Arbitrary<AccountSettings> = fc.record(
  {
    normal_balance: fc.constantFrom('credit', 'debit'),
    min_balance: fc.option(arbitraryInt64),
    max_balance: fc.option(arbitraryInt64),
    metadata: fc.json(),
  },
  { requiredKeys: [] },
);
const arbitraryExtras: fc.Arbitrary<PostExtras> = fc.record(
  {
    if: fc.uniqueArray(arbitraryCondition, { maxLength: 4, selector: ({ account }) => account }),
    open: fc.dictionary(arbitraryName, arbitrarySettings, { maxKeys: 4, noNullPrototype: true }),
  },
  { requiredKeys: [] },
);

export const arbitraryPost: fc.Arbitrary<PostRequest> = fc.record({
  legs: fc.array(arbitraryLeg, { minLength: 1, maxLength: 64 }),
  pending: fc.boolean(),
  expiresIn: fc.maxSafeNat(),
  effectiveAt: fc.maxSafeNat(),
  openAccounts: fc.boolean(),
  dryRun: fc.boolean(),
  reference: arbitraryText,
  description: arbitraryText,
  metadata: fc.option(fc.json()),
  extras: fc.option(arbitraryExtras),
});

export const arbitraryHead: fc.Arbitrary<NumberedHead> = fc.record({
  shard: fc.nat(65_535),
  book: fc.nat(2 ** 31 - 1),
  key: fc.option(arbitraryKey),
  route: fc.constantFrom('POST /v1/transactions', 'POST /v1/transactions/{id}/capture 1234'),
  requestId: fc.nat(2 ** 32 - 1),
});
