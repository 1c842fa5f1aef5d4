import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bookOf, kindOf, MessageKind, requestIdOf, shardOf } from '../../../src/engine/wire/head.js';
import {
  accountAnswerSize,
  decodeAccountAnswer,
  decodeReadAccount,
  encodeAccountAnswer,
  encodeReadAccount,
  readAccountSize,
} from '../../../src/engine/wire/read-account.js';
import type { AccountView } from '../../../src/ledger/view.js';
import { arbitraryHead, arbitraryName, targetOf } from './arbitrary.js';

const AT = 16;
const amount = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const arbitraryAccount: fc.Arbitrary<AccountView> = fc.record(
  {
    number: fc.nat(2 ** 31 - 1),
    book: fc.nat(2 ** 31 - 1),
    name: arbitraryName,
    currency: fc.constantFrom('EUR', 'KWD', 'POINTS_2026'),
    normalBalance: fc.constantFrom('credit', 'debit'),
    open: fc.boolean(),
    debitsPosted: amount,
    creditsPosted: amount,
    debitsPending: amount,
    creditsPending: amount,
    minBalance: fc.option(amount),
    maxBalance: fc.option(amount),
    version: fc.maxSafeNat(),
    configVersion: fc.nat(2 ** 32 - 1),
    configPosition: fc.maxSafeNat(),
    openedAt: fc.maxSafeNat(),
    metadata: fc.constantFrom(null, undefined),
    sequence: fc.maxSafeNat(),
  },
  { noNullPrototype: true },
);

describe('a read of an account', () => {
  it('comes as it was sent, and fills what was claimed for it', () => {
    fc.assert(
      fc.property(arbitraryHead, arbitraryName, (from, account) => {
        const head = { ...from, key: null };
        const target = targetOf(512, 0xee);
        const length = encodeReadAccount(head, account, target, AT);
        expect(length).toBe(readAccountSize(account));
        expect(kindOf(target.view, AT)).toBe(MessageKind.readAccount);
        expect([requestIdOf(target.view, AT), shardOf(target.view, AT), bookOf(target.view, AT)]).toEqual([
          head.requestId,
          head.shard,
          head.book,
        ]);
        const read = decodeReadAccount(target.bytes, target.view, AT, length);
        expect(read).toStrictEqual({ type: 'read_account', account });
      }),
    );
  });

  it('is answered with the account as it was seen', () => {
    fc.assert(
      fc.property(arbitraryAccount, fc.nat(2 ** 32 - 1), fc.maxSafeNat(), (account, requestId, sequence) => {
        const target = targetOf(512, 0xee);
        const length = encodeAccountAnswer(target, AT, requestId, account, sequence);
        expect(length).toBe(accountAnswerSize(account));
        expect(requestIdOf(target.view, AT)).toBe(requestId);
        const answer = decodeAccountAnswer(target.bytes, target.view, AT, length);
        expect(answer).toStrictEqual({ type: 'account', account, sequence });
      }),
    );
  });
});
