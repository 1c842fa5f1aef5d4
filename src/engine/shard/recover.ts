/**
 * Brings a shard's memory to the end of its log: reads the folded state, the keys of partitions that have no index yet,
 * and the tail of the log. History is not read.
 */
import { randomBytes } from 'node:crypto';
import { assert, InvariantError } from '../../ledger/assert.js';
import type { LedgerSettings } from '../../ledger/command.js';
import { KeyedHash } from '../../ledger/hash.js';
import { ClosedFilter } from '../../ledger/keys/closed-filter.js';
import { Ledger } from '../../ledger/ledger.js';
import type { LogRecord, Position } from '../../ledger/record.js';
import { isAction } from '../../ledger/record.js';
import { MillraceError } from '../../platform/errors.js';
import { ShardMismatchError } from '../../store/errors.js';
import type { ShardStore } from '../../store/shard-store.js';
import { readSlices } from './key-indexer.js';

/** What memory and the log say of the same records differs: the shard must not go on. */
export class DivergenceError extends MillraceError {
  readonly code = 'MR_DIVERGENCE';
}

/**
 * What is in force before the log says anything: nobody's settings, so that the first start writes the real ones down.
 * Numbers of the operator's currencies come from the log alone.
 */
const beforeTheLog = (settings: LedgerSettings): LedgerSettings => ({
  ...settings,
  customCurrencies: [],
  accountsMax: 0,
});

/** @throws ShardMismatchError, SealBrokenError, DivergenceError */
export async function recoverLedger(store: ShardStore, settings: LedgerSettings): Promise<Ledger> {
  try {
    return await readLedger(store, settings);
  } catch (error) {
    // Nothing but what the database holds went into it.
    if (!(error instanceof InvariantError)) throw error;
    throw new DivergenceError(`the log does not fit the folded state: ${error.message}: run millrace verify`, {
      cause: error,
    });
  }
}

async function readLedger(store: ShardStore, settings: LedgerSettings): Promise<Ledger> {
  const hash = new KeyedHash(store.hashKey);
  const ledger = new Ledger({
    keyHash: (book, bytes, offset, length, into) => hash.hash128(book, bytes, offset, length, into),
    partitionRecords: store.partitionRecords,
    settings: beforeTheLog(settings),
    nameKey: randomBytes(16),
  });
  const folded = await store.folded();
  for await (const records of folded.configured) for (const record of records) ledger.loadConfigured(record);
  for await (const books of folded.books) for (const book of books) ledger.loadBook(book);
  ledger.expectAccounts(folded.accountCount);
  for await (const accounts of folded.accounts) for (const account of accounts) ledger.loadAccount(account);
  assert(ledger.accountCount === folded.accountCount, 'there are as many accounts as the highest number says');
  for await (const records of byParent(folded.openHolds)) ledger.loadHold(records);
  await loadKeys(store, ledger, folded.foldedTo);
  ledger.finishLoad(folded.foldedTo, folded.foldedHash, folded.foldedAt);
  for await (const records of folded.tail) ledger.replay(records);
  if (ledger.head !== folded.head || ledger.chainHash !== folded.headHash) {
    throw new DivergenceError(
      `the log ends at position ${folded.head} with hash ${folded.headHash}, memory at ${ledger.head} with ${ledger.chainHash}: run millrace verify`,
    );
  }
  compareCurrencies(ledger, settings);
  return ledger;
}

/** A currency's number is its place in the list, here and in the fronts: what stands there once stays there. */
function compareCurrencies(ledger: Ledger, { customCurrencies }: LedgerSettings): void {
  for (const [index, known] of ledger.currencies.custom.entries()) {
    const given = customCurrencies[index];
    if (given?.code === known.code && given.exponent === known.exponent) continue;
    const inOrder = ledger.currencies.custom.map(({ code, exponent }) => `${code} (exponent ${exponent})`).join(', ');
    throw new ShardMismatchError(
      `currencies.custom: entry ${index} is ${given === undefined ? 'missing' : `${given.code} (exponent ${given.exponent})`}, and the ledger was kept with ${inOrder}, in this order; keep them so, new ones go to the end`,
    );
  }
}

/** Groups a parent's record with the actions that follow it; chunks may end anywhere. */
async function* byParent(chunks: AsyncIterable<readonly LogRecord[]>): AsyncGenerator<readonly LogRecord[]> {
  let group: LogRecord[] = [];
  for await (const records of chunks) {
    for (const record of records) {
      if (!isAction(record.kind) && group.length > 0) {
        yield group;
        group = [];
      }
      group.push(record);
    }
  }
  if (group.length > 0) yield group;
}

/**
 * The keys up to where the tail begins: of partitions that are indexed a filter each, of all others the keys themselves.
 *
 * An owner of a moment ago may still be indexing, so the order of the two looks matters: what is not indexed at the first
 * one is read whole, and what is indexed then has its filter at the second. The other way round, a partition that was
 * indexed in between would be in neither, and its keys would be new again.
 */
async function loadKeys(store: ShardStore, ledger: Ledger, foldedTo: Position): Promise<void> {
  const [row] = await store.sql.query('SELECT min(first_position) AS first FROM log_partition WHERE NOT keys_indexed');
  await loadFilters(store, ledger);
  if (row === undefined || row.first === null) return;
  for await (const keys of store.keysBetween(Number(row.first), foldedTo)) {
    for (const { book, key, position, recordedAt } of keys) ledger.loadKey(book, key, position, recordedAt);
  }
}

/**
 * All that there are: when keys are forgotten is for the ledger's clock to say, not for the database's. One by one: a hundred
 * of them are 370 MB, and twice that on their way.
 */
async function loadFilters(store: ShardStore, ledger: Ledger): Promise<void> {
  const partitions = await store.sql.query('SELECT partition FROM key_filter ORDER BY partition');
  for (const { partition } of partitions) {
    const [row] = await store.sql.query('SELECT bits, by_book FROM key_filter WHERE partition = $1', [
      Number(partition),
    ]);
    // Gone since: an owner of a moment ago has forgotten its keys.
    if (row === undefined) continue;
    const filter = ClosedFilter.fromBytes(row.bits as Uint8Array);
    ledger.keys.addFilter(Number(partition), filter, readSlices(String(row.by_book)));
  }
}
