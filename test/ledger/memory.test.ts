import { expect, test } from 'vitest';
import { BOOK, keyHash, loadedAccount, newLedger, SECOND, START } from './helpers.js';

const MILLION = 1_000_000;
/** These two count bytes, not time, on machines that may be busy. */
const TIMEOUT_MS = 120_000;
const held = (): number => process.memoryUsage().arrayBuffers;

test(
  'a million accounts with names of 20 bytes take at most 120 bytes each',
  () => {
    const before = held();
    const ledger = newLedger();
    ledger.loadBook({ book: BOOK, sequence: 0 });
    const name = (number: number): string => `customer/${String(number).padStart(7, '0')}/eur`;
    expect(name(1).length).toBe(20);
    ledger.expectAccounts(MILLION);
    for (let number = 1; number <= MILLION; number++) ledger.loadAccount(loadedAccount(number, name(number)));
    ledger.finishLoad(MILLION, 0n, START);
    global.gc?.();
    console.log(
      `account: ${(ledger.accountBytes / MILLION).toFixed(1)} bytes (process: ${((held() - before) / MILLION).toFixed(1)})`,
    );
    expect(ledger.accountBytes / MILLION).toBeLessThanOrEqual(120);
    expect(ledger.account(BOOK, 'customer/0567890/eur')?.number).toBe(567_890);
  },
  TIMEOUT_MS,
);

test(
  'a million remembered keys take at most 40 bytes each, and at any number near it',
  () => {
    const { keys } = newLedger({}, 10 * MILLION);
    keys.setBooks(1);
    const hash = new Int32Array(4);
    const bytes = new Uint8Array(8);
    const words = new Int32Array(bytes.buffer);
    let most = 0;
    for (let position = 1; position <= MILLION; position++) {
      words[0] = position;
      keyHash(BOOK, bytes, hash);
      keys.remember(hash, BOOK, position, START, START + 1000 * SECOND);
      if (position > 100_000 && position % 10_000 === 0) most = Math.max(most, keys.sizeBytes / position);
    }
    console.log(`key: ${(keys.sizeBytes / MILLION).toFixed(1)} bytes, at most ${most.toFixed(1)} on the way there`);
    expect(most).toBeLessThanOrEqual(40);
  },
  TIMEOUT_MS,
);

test('an idle ledger takes next to nothing', () => {
  const ledger = newLedger();
  expect(ledger.accountBytes + ledger.keys.sizeBytes).toBeLessThan(100_000);
});
