/**
 * What a starting owner reads: the folded state, and the log from there on; never history. Everything is read in
 * slices by key, so memory is bounded by two of them. Accounts and keys are many: one object serves for all of a slice, since
 * what outlives its turn costs the collector more than all the rest of loading it.
 */
import type { LoadAccount } from '../ledger/load.js';
import type { LogRecord, Position } from '../ledger/record.js';
import { COPY_HEADER, COPY_TRAILER, LOG_COLUMN_LIST } from './copy/columns.js';
import { CopyReader, decodeRecords, recordGroups } from './copy/decode.js';
import { SealBrokenError } from './errors.js';
import { readRanges } from './read-ahead.js';
import { SealCheck } from './seal/check.js';
import { genesisOf } from './seal/seal.js';
import type { SealedSlice } from './seal/stored.js';
import { batchAt, readSealed } from './seal/stored.js';
import type { Session } from './session.js';
import type { ShardRow } from './shard-row.js';
import type { FoldedBook, FoldedState, RememberedKey } from './shard-store.js';

const HOLDS_A_SLICE = 512;
const ROWS_A_SLICE = 10_000;
const KEYS_A_SLICE = 50_000;
const EMPTY_COPY_BYTES = COPY_HEADER.length + COPY_TRAILER.length;

/** A transaction that the owner's own actions follow; refusals that name it do not change it. */
const IS_ACTION = 'kind BETWEEN 3 AND 7';

/**
 * @param shard whose seals the tail is compared with, at least the last one
 * @param session sees one and the same state until the last generator is read
 * @param done runs when the tail has been read, or reading has failed
 * @throws SealBrokenError, also while the tail is read
 */
export async function readFolded(session: Session, shard: ShardRow, done: () => Promise<void>): Promise<FoldedState> {
  const [fold] = await session.query(`SELECT position FROM fold WHERE name = 'balances'`);
  const foldedTo = Number(fold?.position ?? 0);
  const at = await batchEndingAt(session, foldedTo, shard.logId);
  const { last: head, hash: headHash } = await lastBatch(session);
  if (foldedTo === head) await checkLastSeal(session, shard, head);
  const [record] = await session.query('SELECT recorded_at FROM log WHERE position = $1', [foldedTo]);
  const [account] = await session.query('SELECT max(number) AS last FROM account');
  const accountCount = Number(account?.last ?? 0);
  return {
    foldedTo,
    foldedHash: at.hash,
    foldedAt: Number(record?.recorded_at ?? 0),
    head,
    headHash,
    books: readBooks(session),
    accountCount,
    accounts: readAccounts(session, accountCount),
    openHolds: readHolds(session, foldedTo),
    configured: readConfigured(session, foldedTo),
    tail: readTail(session, new SealCheck(shard.hashKey, at.digest, foldedTo, { marks: false }), foldedTo, head, done),
  };
}

/** The end of the committed log, by the batches' own word. */
export async function lastBatch(
  session: Pick<Session, 'query'>,
): Promise<{ readonly last: Position; readonly hash: bigint; readonly digest: Buffer | null }> {
  const [row] = await session.query('SELECT last, hash, digest FROM batch ORDER BY prev DESC LIMIT 1');
  if (row === undefined) return { last: 0, hash: 0n, digest: null };
  return { last: Number(row.last), hash: row.hash as bigint, digest: Buffer.from(row.digest as Uint8Array) };
}

async function batchEndingAt(
  session: Session,
  position: Position,
  logId: number,
): Promise<{ readonly hash: bigint; readonly digest: Buffer }> {
  if (position === 0) return { hash: 0n, digest: genesisOf(logId) };
  const batch = await batchAt(session, position);
  if (batch?.last !== position) {
    throw new SealBrokenError(`the fold has come to position ${position}, where no batch ends: run millrace verify`);
  }
  return batch;
}

/** Where the tail is empty: what comes next is chained to this batch. */
async function checkLastSeal(session: Session, { logId, hashKey }: ShardRow, head: Position): Promise<void> {
  if (head === 0) return;
  const prev = (await batchAt(session, head))?.prev ?? 0;
  const { digest } = await batchEndingAt(session, prev, logId);
  const seals = new SealCheck(hashKey, digest, prev, { marks: false });
  for await (const slice of readSealed(session, prev, head, 1)) compare(seals, slice);
}

function compare(seals: SealCheck, slice: SealedSlice): void {
  const fault = seals.check(slice);
  if (fault !== null) throw new SealBrokenError(`position ${fault.position}: ${fault.message}: run millrace verify`);
}

async function* readBooks(session: Session): AsyncGenerator<readonly FoldedBook[]> {
  for (let after: number | null = null; ; ) {
    const rows = await session.query(
      `SELECT book, merchant, environment, sequence FROM book WHERE $1::int4 IS NULL OR book > $1
        ORDER BY book LIMIT ${ROWS_A_SLICE}`,
      [after],
    );
    if (rows.length === 0) return;
    yield rows.map((row) => ({
      book: Number(row.book),
      merchant: String(row.merchant),
      environment: row.environment === 'live' ? 'live' : 'test',
      sequence: Number(row.sequence),
    }));
    after = Number(rows.at(-1)?.book);
  }
}

/**
 * What nearly all accounts have is told by a null: to send a number costs the server three times what a null does. An
 * account that was never changed has config_version 1 and the position of its opening.
 */
const ACCOUNT_COLUMNS = `number, book, currency, opened_at, opened_position,
  NULLIF(config_version, 1), NULLIF(config_position, opened_position), NULLIF(version, 0),
  NULLIF(debits_posted, 0), NULLIF(credits_posted, 0), NULLIF(debits_pending, 0), NULLIF(credits_pending, 0),
  NULLIF(min_balance, 0), NULLIF(min_balance IS NULL, false), max_balance,
  NULLIF(NOT open, false), NULLIF(has_metadata, false), NULLIF(normal_balance = 'debit', false), name`;

/** Numbers have no gaps, so slices are known beforehand. */
async function* readAccounts(session: Session, count: number): AsyncGenerator<Iterable<LoadAccount>> {
  const slices = readRanges(1, count, ROWS_A_SLICE, (from, upTo) =>
    session.copyOut(
      `SELECT ${ACCOUNT_COLUMNS} FROM account WHERE number >= ${from} AND number <= ${upTo} ORDER BY number`,
    ),
  );
  for await (const bytes of slices) {
    // Where numbers have gaps of this size the ledger says so; the highest one may be any.
    if (bytes.length === EMPTY_COPY_BYTES) return;
    yield decodeAccounts(bytes);
  }
}

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

function* decodeAccounts(bytes: Buffer): Generator<LoadAccount> {
  const reader = new CopyReader(bytes);
  const name = { bytes, offset: 0, length: 0 };
  const counters = new BigInt64Array(4);
  const account: Mutable<LoadAccount> = {
    number: 0,
    book: 0,
    name,
    currency: 0,
    normalBalance: 'credit',
    open: true,
    hasMetadata: false,
    minBalance: 0n,
    maxBalance: null,
    configVersion: 1,
    configPosition: 0,
    openedAt: 0,
    openedPosition: 0,
    counters,
    version: 0,
  };
  while (reader.next()) {
    account.number = reader.int();
    account.book = reader.int();
    account.currency = reader.short();
    account.openedAt = reader.micros(0);
    account.openedPosition = reader.wide();
    account.configVersion = reader.wide() || 1;
    account.configPosition = reader.wide() || account.openedPosition;
    account.version = reader.wide();
    for (let counter = 0; counter < 4; counter++) reader.bigintInto(counters, counter);
    const min = reader.bigint() ?? 0n;
    account.minBalance = reader.boolean() ? null : min;
    account.maxBalance = reader.bigint();
    account.open = !reader.boolean();
    account.hasMetadata = reader.boolean();
    account.normalBalance = reader.boolean() ? 'debit' : 'credit';
    name.length = reader.length();
    name.offset = reader.at;
    reader.at += name.length;
    yield account;
  }
}

async function* readHolds(session: Session, foldedTo: Position): AsyncGenerator<readonly LogRecord[]> {
  for (let after = 0; ; ) {
    const rows = await session.query(
      `SELECT position FROM hold WHERE position > $1 ORDER BY position LIMIT ${HOLDS_A_SLICE}`,
      [after],
    );
    if (rows.length === 0) break;
    const positions = rows.map((row) => Number(row.position));
    yield await readParents(session, positions, foldedTo);
    after = positions.at(-1) ?? after;
  }
  // Only a store without snapshots can see this: what was read before and after would not fit together.
  const [fold] = await session.query(`SELECT position FROM fold WHERE name = 'balances'`);
  if (Number(fold?.position ?? 0) !== foldedTo) throw new Error('the fold moved while its state was read: start again');
}

/** Records of these transactions, each followed by its actions up to `upTo`, in order of position. */
export async function readParents(
  session: Pick<Session, 'copyOut'>,
  positions: readonly Position[],
  upTo: Position,
): Promise<readonly LogRecord[]> {
  if (positions.length === 0) return [];
  const list = positions.join(', ');
  const first = positions.reduce((least, position) => Math.min(least, position));
  const bytes = await session.copyOut(
    `SELECT ${LOG_COLUMN_LIST} FROM (
       SELECT position AS of, * FROM log WHERE position IN (${list}) AND position <= ${upTo}
       UNION ALL
       SELECT parent, * FROM log WHERE parent IN (${list}) AND ${IS_ACTION} AND position > ${first} AND position <= ${upTo}
     ) l ORDER BY l.of, l.position`,
  );
  return decodeRecords(bytes);
}

async function* readConfigured(session: Session, foldedTo: Position): AsyncGenerator<readonly LogRecord[]> {
  const records = decodeRecords(
    await session.copyOut(
      `SELECT ${LOG_COLUMN_LIST} FROM log WHERE kind = 16 AND position <= ${foldedTo} ORDER BY position`,
    ),
  );
  if (records.length > 0) yield records;
}

async function* readTail(
  session: Session,
  seals: SealCheck,
  foldedTo: Position,
  head: Position,
  done: () => Promise<void>,
): AsyncGenerator<readonly LogRecord[]> {
  try {
    for await (const slice of readSealed(session, foldedTo, head)) {
      compare(seals, slice);
      yield* recordGroups(slice.bytes);
    }
  } finally {
    await done();
  }
}

/** Keys of the log from `from` up to `upTo`, in order. */
export async function* readKeys(
  session: Session,
  from: Position,
  upTo: Position,
  done: () => Promise<void>,
): AsyncGenerator<Iterable<RememberedKey>> {
  try {
    const slices = readRanges(from, upTo, KEYS_A_SLICE, (first, last) =>
      session.copyOut(
        `SELECT position, recorded_at, book, key FROM log
          WHERE position >= ${first} AND position <= ${last} AND key IS NOT NULL ORDER BY position`,
      ),
    );
    for await (const bytes of slices) yield decodeKeys(bytes);
  } finally {
    await done();
  }
}

function* decodeKeys(bytes: Buffer): Generator<RememberedKey> {
  const reader = new CopyReader(bytes);
  const key = { bytes, offset: 0, length: 0 };
  const remembered: Mutable<RememberedKey> = { book: 0, position: 0, recordedAt: 0, key };
  while (reader.next()) {
    remembered.position = reader.wide();
    remembered.recordedAt = reader.micros(0);
    remembered.book = reader.int();
    key.length = reader.length();
    key.offset = reader.at;
    reader.at += key.length;
    yield remembered;
  }
}
