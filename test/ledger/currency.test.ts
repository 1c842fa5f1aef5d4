import { describe, expect, test } from 'vitest';
import { CurrencyTable, currencyByCode, currencyByNumber, ISO_CURRENCIES } from '../../src/ledger/currency.js';

describe('currencies of ISO 4217', () => {
  test('have three letters, a number of their own and an exponent from 0 to 4', () => {
    for (const { code, number, exponent } of ISO_CURRENCIES) {
      expect(code).toMatch(/^[A-Z]{3}$/);
      expect(number).toBeGreaterThan(0);
      expect(number).toBeLessThan(1000);
      expect([0, 2, 3, 4]).toContain(exponent);
    }
    expect(new Set(ISO_CURRENCIES.map((one) => one.code)).size).toBe(ISO_CURRENCIES.length);
    expect(new Set(ISO_CURRENCIES.map((one) => one.number)).size).toBe(ISO_CURRENCIES.length);
    expect(ISO_CURRENCIES.length).toBeGreaterThan(170);
  });

  test.each([
    ['EUR', 978, 2],
    ['JPY', 392, 0],
    ['KWD', 414, 3],
    ['CLF', 990, 4],
    ['CZK', 203, 2],
    ['USN', 997, 2],
    ['XAU', 959, 0],
  ])('%s is %i with exponent %i', (code, number, exponent) => {
    expect(currencyByCode(code)).toEqual({ code, number, exponent });
    expect(currencyByNumber(number)).toEqual({ code, number, exponent });
  });
});

describe("the operator's currencies", () => {
  test('are numbered from 1001 in the order in which they first came, for good', () => {
    const table = new CurrencyTable([{ code: 'POINTS', exponent: 0 }]);
    table.extend([
      { code: 'BTC', exponent: 8 },
      { code: 'POINTS', exponent: 0 },
    ]);
    expect(table.byCode('POINTS')?.number).toBe(1001);
    expect(table.byNumber(1002)).toEqual({ code: 'BTC', number: 1002, exponent: 8 });
    expect(table.byNumber(1003)).toBeUndefined();
    expect(table.byNumber(978)?.code).toBe('EUR');
  });

  test('never change their exponent or take a code of the standard', () => {
    const table = new CurrencyTable([{ code: 'BTC', exponent: 8 }]);
    expect(() =>
      table.extend([
        { code: 'NEW', exponent: 1 },
        { code: 'BTC', exponent: 6 },
      ]),
    ).toThrow(/keeps it/);
    expect(table.byCode('NEW')).toBeUndefined();
    expect(() => table.extend([{ code: 'EUR', exponent: 2 }])).toThrow(/ISO 4217/);
    expect(() => table.extend([{ code: 'b', exponent: 2 }])).toThrow(/3 to 12/);
    expect(() => table.extend([{ code: 'BIG', exponent: 19 }])).toThrow(/exponent/);
  });
});
