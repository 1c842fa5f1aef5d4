/**
 * How long one posting takes in the state machine alone: single-leg, keyed, 100,000 accounts chosen at random, records
 * thrown away. Compile with tsc, then run with node.
 */
import { PostCommand } from '../src/ledger/command.js';
import { KeyedHash } from '../src/ledger/hash.js';
import { Ledger } from '../src/ledger/ledger.js';
import type { LogSink } from '../src/ledger/record.js';
import { NO_TEXTS } from '../src/ledger/record.js';

const ACCOUNTS = 100_000;
const POSTINGS = 1_000_000;
const START = 1_700_000_000_000_000;
const DAY = 86_400_000_000;

const sink: LogSink = { append() {}, mark: () => 0, rewind() {} };
const hash = new KeyedHash(new Uint8Array(16));
const ledger = new Ledger({
  keyHash: (...key) => hash.hash128(...key),
  partitionRecords: 4_000_000,
  settings: {
    customCurrencies: [],
    keyWindow: 7 * DAY,
    keysMax: 10_000_000,
    keysGuaranteed: 1000,
    accountsMax: 10_000_000,
    openHoldsMax: 1_000_000,
    holdDefault: DAY,
    backdatingMax: null,
  },
});
ledger.apply({ type: 'open_merchant', book: 1, merchant: 'bench', environment: 'test' }, START, sink);

const encoder = new TextEncoder();
const names = Array.from({ length: ACCOUNTS }, (_, index) => encoder.encode(`external/user/${index}/wallet`));
const command = new PostCommand();
command.book = 1;
command.texts = NO_TEXTS;
command.legCount = 1;
command.currency[0] = 978;
command.amount[0] = 125n;
command.names = new Uint8Array(256);
const keyBytes = new Uint8Array(16);
const keyWords = new Int32Array(keyBytes.buffer);

let seed = 1;
const random = (below: number): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
  return ((seed >>> 8) / 16_777_216) * below || 0;
};

function fill(debit: Uint8Array, credit: Uint8Array, serial: number): void {
  command.names.set(debit, 0);
  command.names.set(credit, debit.length);
  command.debitOffset[0] = 0;
  command.debitLength[0] = debit.length;
  command.creditOffset[0] = debit.length;
  command.creditLength[0] = credit.length;
  keyWords[0] = serial;
  hash.hash128(1, keyBytes, 0, 16, command.keyHash);
}

const at = (index: number): Uint8Array => names[index] as Uint8Array;
/** CPU time of this process in ns: on a shared machine it says more than the clock on the wall. */
function cpuOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

command.openAccounts = true;
const opening = cpuOf(() => {
  for (let index = 0; index < ACCOUNTS; index += 2) {
    fill(at(index), at(index + 1), index);
    ledger.apply(command, START, sink);
  }
});
console.log(`open two accounts and post: ${(opening / (ACCOUNTS / 2)).toFixed(0)} ns`);

command.openAccounts = false;
command.keyed = true;
/** `spread` accounts are in play: few of them stay in the processor's cache, as hot accounts do. */
function round(spread: number, serial: number): void {
  const each = (visit: (index: number) => void): number =>
    cpuOf(() => {
      for (let index = 0; index < POSTINGS; index++) {
        const debit = Math.floor(random(spread));
        fill(at(debit), at((debit + 1) % spread), index + serial);
        visit(index);
      }
    });
  const filling = each(() => {});
  const whole = each((index) => {
    const outcome = ledger.apply(command, START + index, sink);
    if (outcome.type !== 'recorded') throw new Error(JSON.stringify(outcome));
  });
  const apply = (whole - filling) / POSTINGS;
  console.log(
    `${spread} accounts: apply ${apply.toFixed(0)} ns, filling the command ${(filling / POSTINGS).toFixed(0)} ns`,
  );
}
[1000, 1000, ACCOUNTS, ACCOUNTS].forEach((spread, index) => {
  round(spread, (index + 1) * POSTINGS);
});
