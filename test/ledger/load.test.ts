import { describe, expect, test } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.js';
import { BOOK, loadedAccount, newLedger, START } from './helpers.js';

const OTHER = BOOK + 1;
const COUNT = 3000;

/** Accounts of two books in turn; every name is in both. */
function loaded(expected: number | null): Ledger {
  const ledger = newLedger();
  for (const book of [BOOK, OTHER]) ledger.loadBook({ book, sequence: 0 });
  if (expected !== null) ledger.expectAccounts(expected);
  for (let number = 1; number <= COUNT; number++) {
    const name = `customer/${Math.ceil(number / 2)}`;
    const counters = BigInt64Array.of(0n, BigInt(number), 0n, 2n ** 62n);
    ledger.loadAccount(loadedAccount(number, name, { book: number % 2 === 1 ? BOOK : OTHER, counters }));
  }
  ledger.finishLoad(COUNT, 0n, START);
  return ledger;
}

describe('accounts that a start reads', () => {
  test.each([
    ['nobody said how many come', null],
    ['as many come as was said', COUNT],
    ['more come than was said', 100],
  ])('are found by their names, each in its book, with their balances, where %s', (_, expected) => {
    const ledger = loaded(expected);
    for (let number = 1; number <= COUNT; number++) {
      const view = ledger.account(number % 2 === 1 ? BOOK : OTHER, `customer/${Math.ceil(number / 2)}`);
      expect(view).toMatchObject({ number, creditsPosted: BigInt(number), creditsPending: 2n ** 62n });
    }
    expect(ledger.account(BOOK, `customer/${COUNT / 2 + 1}`)).toBeNull();
  });

  test('are the same state whether it was said how many come or not', () => {
    expect(loaded(COUNT).digest()).toBe(loaded(null).digest());
  });

  test.each([2, 128, 129, 500])('are refused where account %i has a name that was read before', (twin) => {
    const ledger = newLedger();
    ledger.loadBook({ book: BOOK, sequence: 0 });
    expect(() => {
      for (let number = 1; number <= twin; number++) {
        ledger.loadAccount(loadedAccount(number, number === twin ? 'a/1' : `a/${number}`));
      }
      ledger.finishLoad(twin, 0n, START);
    }).toThrow('an account is opened once');
  });

  test('are refused where a name is not ASCII', () => {
    const ledger = newLedger();
    ledger.loadBook({ book: BOOK, sequence: 0 });
    expect(() => {
      ledger.loadAccount(loadedAccount(1, 'kundé/1'));
    }).toThrow('ASCII');
  });

  test('are refused where one is missing', () => {
    const ledger = newLedger();
    ledger.loadBook({ book: BOOK, sequence: 0 });
    ledger.loadAccount(loadedAccount(1, 'a'));
    expect(() => {
      ledger.loadAccount(loadedAccount(3, 'c'));
    }).toThrow('without a gap');
  });
});
