/** New shards on both kinds of database, with a history of several merchants. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LogRecord } from '../../../src/ledger/record.js';
import { createPgliteStore } from '../../../src/store/pglite/store.js';
import { createPostgresStore } from '../../../src/store/postgres/store.js';
import type { ShardStore } from '../../../src/store/shard-store.js';
import { fill, posting, texts } from '../../store/records.js';
import { startTestPostgres } from '../../support/postgres.js';

export interface Places {
  /** Opens the shard of this number, which is new at first. */
  open(number: number): ShardStore;
  /** Of a shard on a server. */
  url(number: number): Promise<string>;
  stop(): Promise<void>;
}

const options = { name: 'shard-0', slots: [[0, 16383]] as const, partitionRecords: 100 };

export async function postgresPlaces(): Promise<Places> {
  const server = await startTestPostgres();
  const urls: string[] = [];
  for (let number = 0; number < 4; number++) urls.push(await server.createDatabase());
  const urlOf = (number: number): string => urls[number] ?? '';
  return {
    open: (number) =>
      createPostgresStore({
        ...options,
        url: urlOf(number),
        commitDeadlineMs: 5_000,
        durability: { acceptLoss: false },
        connectionsMax: 2,
      }),
    url: (number) => Promise.resolve(urlOf(number)),
    stop: () => server.stop(),
  };
}

export async function pglitePlaces(): Promise<Places> {
  const folder = mkdtempSync('/tmp/mr-tamper-');
  return {
    open: (number) => createPgliteStore({ ...options, folder: join(folder, String(number)) }),
    url: () => Promise.reject(new Error('a folder has no URL')),
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Merchants take turns in an order of no pattern; one of them has more rows than a leaf. */
export const record = (position: number): LogRecord =>
  posting(position, (made) => {
    made.book = position % 3 === 0 ? 2 + (position % 7) : 1;
    made.texts = texts(`key-${position}`, `ref ${position}`, null, position % 5 === 0 ? '{"order":"A-1"}' : null);
  });

export const records = (first: number, last: number): LogRecord[] =>
  Array.from({ length: last - first + 1 }, (_, index) => record(first + index));

/** Batches of these sizes, one behind the other from `first` on. */
export async function commitBatches(store: ShardStore, first: number, sizes: readonly number[]): Promise<void> {
  let at = first;
  for (const size of sizes) {
    const result = await store.commit(fill(store.encoder(), records(at, at + size - 1), BigInt(at)));
    if (result.type !== 'committed') throw new Error(`a batch was not committed: ${result.type}`);
    at += size;
  }
}
