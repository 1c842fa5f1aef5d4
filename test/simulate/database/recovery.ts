/** What a starting owner reads, as of one moment: a snapshot, however long the reading takes. */
import type { LoadAccount } from '../../../src/ledger/load.js';
import type { ByteSlice, LogRecord } from '../../../src/ledger/record.js';
import { StoreUnavailableError } from '../../../src/store/errors.js';
import type { FoldedState, RememberedKey } from '../../../src/store/shard-store.js';
import type { LogRow } from '../history.js';
import type { FoldedAccountRow } from './fold.js';
import type { Backend, Server } from './server.js';

const RECORDS_A_SLICE = 256;

export function foldedState(server: Server, backend: Backend): FoldedState {
  const { log, fold, trace } = server;
  const { position: foldedTo } = fold;
  const { head, headHash } = log;
  const at = log.batchEndingAt(foldedTo);
  if (foldedTo === 0 && head > 0) trace.mark('recovery without a fold');
  if (foldedTo > 0 && foldedTo < head) trace.mark('recovery from a fold and a tail');
  if (foldedTo > 0 && foldedTo === head) trace.mark('recovery from a fold alone');
  const books = [...fold.books]
    .sort(([a], [b]) => a - b)
    .map(([book, { merchant, environment, sequence }]) => ({ book, merchant, environment, sequence }));
  const accounts = fold.accounts.map(loadAccount);
  const holds = log.withActions([...fold.holds.keys()], foldedTo);
  const configured = fold.configured.map((position) => log.records[position - 1] as LogRecord); // the fold has read them
  const tail = log.records.slice(foldedTo, head);
  const read = <T>(values: readonly T[], slice: number) => slices(server, backend, values, slice);
  return {
    foldedTo,
    foldedHash: at?.hash ?? 0n,
    foldedAt: log.row(foldedTo)?.recordedAt ?? 0,
    head,
    headHash,
    books: read(books, 2),
    accountCount: accounts.length,
    accounts: read(accounts, 16),
    openHolds: read(holds, 5),
    configured: read(configured, 4),
    tail: tailOf(server, read(tail, RECORDS_A_SLICE)),
  };
}

const sliceOf = (bytes: Uint8Array): ByteSlice => ({ bytes, offset: 0, length: bytes.length });

/** As it is now: the fold goes on while it is read. */
function loadAccount({ name, ...account }: FoldedAccountRow): LoadAccount {
  const { debitsPosted, creditsPosted, debitsPending, creditsPending } = account;
  return {
    ...account,
    name: sliceOf(Buffer.from(name, 'latin1')),
    counters: BigInt64Array.of(debitsPosted, creditsPosted, debitsPending, creditsPending),
  };
}

/** Asked for in the turn in which all before it was loaded. */
async function* tailOf<T>(server: Server, records: AsyncIterable<T>): AsyncGenerator<T> {
  server.noteMemory();
  yield* records;
}

/** In as many trips as it takes; the connection may be lost at any of them. */
async function* slices<T>(
  { loop, weather, random, trace }: Server,
  backend: Backend,
  values: readonly T[],
  size: number,
): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < values.length; from += size) {
    await loop.sleep(random.between(20, 200));
    if (!backend.alive || weather.isDown || random.chance(weather.callLost)) {
      trace.mark('recovery lost its connection');
      throw new StoreUnavailableError('the connection was lost');
    }
    yield values.slice(from, from + size);
  }
}

/** Keys of these positions, both included. */
export function keysBetween({ log }: Server, from: number, upTo: number): RememberedKey[][] {
  const keys = log.rows
    .slice(Math.max(0, from - 1), upTo)
    .filter((row): row is LogRow & { readonly key: string } => row.key !== null)
    .map(({ book, key, position, recordedAt }) => ({ book, key: sliceOf(Buffer.from(key)), position, recordedAt }));
  return keys.length === 0 ? [] : [keys];
}
