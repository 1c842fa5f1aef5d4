import { expect, test } from 'vitest';
import type { LoadAccount } from '../../src/ledger/load.js';
import { BOOK, keyHash, newLedger, SECOND, START } from './helpers.js';

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
    const account = (number: number): LoadAccount => ({
      number,
      book: BOOK,
      name: `customer/${String(number).padStart(7, '0')}/eur`,
      currency: 978,
      normalBalance: 'credit',
      open: true,
      hasMetadata: false,
      debitsPosted: 0n,
      creditsPosted: 0n,
      debitsPending: 0n,
      creditsPending: 0n,
      minBalance: 0n,
      maxBalance: null,
      version: 0,
      configVersion: 1,
      configPosition: number,
      openedAt: START,
    });
    expect(account(1).name.length).toBe(20);
    for (let number = 1; number <= MILLION; number++) ledger.loadAccount(account(number));
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
