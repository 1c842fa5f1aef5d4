/**
 * Memory of the state machine by account and by remembered key, with a million of each. Run as a process of its own with
 * --expose-gc; prints one JSON text.
 */
import type { LedgerSettings } from '../src/ledger/command.js';
import { PostCommand } from '../src/ledger/command.js';
import { KeyedHash } from '../src/ledger/hash.js';
import { Ledger } from '../src/ledger/ledger.js';
import type { LogSink } from '../src/ledger/record.js';

export interface MemoryFigures {
  readonly count: number;
  readonly nameCharacters: number;
  /** Bytes each: of the heap and outside of it, after a full collection. */
  readonly account: number;
  readonly key: number;
}

const COUNT = 1_000_000;
const DAY = 86_400_000_000;
const START = 1_700_000_000_000_000;
const SETTINGS: LedgerSettings = {
  customCurrencies: [],
  keyWindow: 7 * DAY,
  keysMax: 10_000_000,
  keysGuaranteed: 10_000,
  accountsMax: 5_000_000,
  openHoldsMax: 1_000_000,
  holdDefault: DAY,
  backdatingMax: null,
};
const NAME_PREFIX = 'external/user/';

const sink: LogSink = { append: () => undefined, mark: () => 0, rewind: () => undefined };
const hash = new KeyedHash(new Uint8Array(16));

function main(): void {
  const ledger = new Ledger({
    keyHash: (...key) => hash.hash128(...key),
    partitionRecords: 1 << 20,
    settings: SETTINGS,
  });
  ledger.apply({ type: 'open_merchant', book: 1, merchant: 'bench', environment: 'test' }, START, sink);
  const command = new PostCommand();
  command.book = 1;
  command.legCount = 1;
  command.currency[0] = 978;
  command.amount[0] = 125n;
  command.names = new Uint8Array(256);
  // Two postings of each kind first: what the code itself takes is not counted.
  post(ledger, command, 0, true, false);
  post(ledger, command, 0, false, true);
  const empty = usedBytes();
  for (let index = 2; index < COUNT + 2; index += 2) post(ledger, command, index, true, false);
  const withAccounts = usedBytes();
  for (let index = 1; index <= COUNT; index++) post(ledger, command, index, false, true);
  const withKeys = usedBytes();
  if (ledger.accountCount < COUNT || ledger.keys.count < COUNT) throw new Error('not all of them are there');
  const figures: MemoryFigures = {
    count: COUNT,
    nameCharacters: nameOf(0).length,
    account: (withAccounts - empty) / COUNT,
    key: (withKeys - withAccounts) / COUNT,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

const nameOf = (index: number): string => NAME_PREFIX + String(index).padStart(7, '0');
const encoder = new TextEncoder();
const keyBytes = new Uint8Array(8);
const keyWords = new Uint32Array(keyBytes.buffer);

/** Between the accounts `index` and the one after it. */
function post(ledger: Ledger, command: PostCommand, index: number, open: boolean, keyed: boolean): void {
  const debit = encoder.encodeInto(nameOf(index), command.names).written;
  const credit = encoder.encodeInto(nameOf(index < COUNT ? index + 1 : 0), command.names.subarray(debit)).written;
  command.debitOffset[0] = 0;
  command.debitLength[0] = debit;
  command.creditOffset[0] = debit;
  command.creditLength[0] = credit;
  command.openAccounts = open;
  command.keyed = keyed;
  if (keyed) {
    keyWords[0] = index;
    hash.hash128(1, keyBytes, 0, keyBytes.length, command.keyHash);
    command.fingerprintLo = index;
  }
  const outcome = ledger.apply(command, START, sink);
  if (outcome.type !== 'recorded' || outcome.code !== null)
    throw new Error(`a posting was not recorded: ${JSON.stringify(outcome)}`);
}

function usedBytes(): number {
  if (gc === undefined) throw new Error('run with --expose-gc');
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

main();
