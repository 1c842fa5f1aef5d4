/**
 * What a starting owner reads: the folded state, and the log from there on; never history. Everything is read in
 * slices by key, so memory is bounded by a slice. Accounts and keys are many: one object serves for all of a slice, since
 * what outlives its turn costs the collector more than all the rest of loading it.
 */
import type { LogRecord, Position } from '../ledger/record.js';
import { LOG_COLUMN_LIST } from './copy/columns.js';
import { CopyReader, decodeRecords } from './copy/decode.js';
import { SealBrokenError } from './errors.js';
import { SealCheck } from './seal/check.js';
import { genesisOf } from './seal/seal.js';
import type { SealedSlice } from './seal/stored.js';
import { batchAt, readSealed } from './seal/stored.js';
import type { Session } from './session.js';
import type { ShardRow } from './shard-row.js';
import type { FoldedAccount, FoldedBook, FoldedState, RememberedKey } from './shard-store.js';

/** Records may have 64 legs and 4 KiB of metadata each. */
const RECORDS_A_SLICE = 4096;
const HOLDS_A_SLICE = 512;
const ROWS_A_SLICE = 10_000;
const KEYS_A_SLICE = 50_000;

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
  return {
    foldedTo,
    foldedHash: at.hash,
    foldedAt: Number(record?.recorded_at ?? 0),
    head,
    headHash,
    books: readBooks(session),
    accounts: readAccounts(session),
    openHolds: readHolds(session, foldedTo),
    configured: readConfigured(session, foldedTo),
    tail: readTail(session, new SealCheck(shard.hashKey, at.digest, foldedTo), foldedTo, head, done),
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
  const seals = new SealCheck(hashKey, digest, prev);
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

async function* readAccounts(session: Session): AsyncGenerator<Iterable<FoldedAccount>> {
  for (let after = 0, last = 0; ; after = last) {
    const accounts = decodeAccounts(
      await session.copyOut(
        `SELECT number, book, currency, config_version, config_position, opened_position, version, debits_posted, credits_posted,
                debits_pending, credits_pending, min_balance, max_balance, opened_at, open, has_metadata,
                normal_balance = 'debit', name
           FROM account WHERE number > ${after} ORDER BY number LIMIT ${ROWS_A_SLICE}`,
      ),
      (number) => {
        last = number;
      },
    );
    yield accounts;
    if (last === after) return;
  }
}

/** @param seen is told each number, in order */
function* decodeAccounts(bytes: Buffer, seen: (number: number) => void): Generator<FoldedAccount> {
  const reader = new CopyReader(bytes);
  const account: { -readonly [Field in keyof FoldedAccount]: FoldedAccount[Field] } = {
    number: 0,
    book: 0,
    currency: 0,
    configVersion: 0,
    configPosition: 0,
    openedPosition: 0,
    version: 0,
    debitsPosted: 0n,
    creditsPosted: 0n,
    debitsPending: 0n,
    creditsPending: 0n,
    minBalance: null,
    maxBalance: null,
    openedAt: 0,
    open: true,
    hasMetadata: false,
    normalBalance: 'credit',
    name: '',
  };
  while (reader.next()) {
    account.number = reader.int();
    account.book = reader.int();
    account.currency = reader.short();
    account.configVersion = reader.wide();
    account.configPosition = reader.wide();
    account.openedPosition = reader.wide();
    account.version = reader.wide();
    account.debitsPosted = reader.bigint() ?? 0n;
    account.creditsPosted = reader.bigint() ?? 0n;
    account.debitsPending = reader.bigint() ?? 0n;
    account.creditsPending = reader.bigint() ?? 0n;
    account.minBalance = reader.bigint();
    account.maxBalance = reader.bigint();
    account.openedAt = reader.micros(0);
    account.open = reader.boolean();
    account.hasMetadata = reader.boolean();
    account.normalBalance = reader.boolean() ? 'debit' : 'credit';
    account.name = reader.text() ?? '';
    seen(account.number);
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
  const reused: LogRecord[] = [];
  try {
    for await (const slice of readSealed(session, foldedTo, head, RECORDS_A_SLICE)) {
      compare(seals, slice);
      yield decodeRecords(slice.bytes, reused);
    }
  } finally {
    await done();
  }
}

/** Keys of the log from `from` on, to its end as it is now, in order. */
export async function* readKeys(
  session: Session,
  from: Position,
  done: () => Promise<void>,
): AsyncGenerator<Iterable<RememberedKey>> {
  try {
    const { last: head } = await lastBatch(session);
    for (let after = from - 1; after < head; after += KEYS_A_SLICE) {
      const upTo = Math.min(after + KEYS_A_SLICE, head);
      yield decodeKeys(
        await session.copyOut(
          `SELECT position, recorded_at, book, key FROM log
            WHERE position > ${after} AND position <= ${upTo} AND key IS NOT NULL ORDER BY position`,
        ),
      );
    }
  } finally {
    await done();
  }
}

function* decodeKeys(bytes: Buffer): Generator<RememberedKey> {
  const reader = new CopyReader(bytes);
  // By length: a view of its own for each of millions of keys costs more than copying them.
  const keys: Uint8Array[] = [];
  const remembered: { -readonly [Field in keyof RememberedKey]: RememberedKey[Field] } = {
    book: 0,
    position: 0,
    recordedAt: 0,
    key: new Uint8Array(0),
  };
  while (reader.next()) {
    remembered.position = reader.wide();
    remembered.recordedAt = reader.micros(0);
    remembered.book = reader.int();
    const length = reader.length();
    keys[length] ??= new Uint8Array(length);
    const key = keys[length];
    for (let index = 0; index < length; index++) key[index] = bytes[reader.at + index] as number;
    remembered.key = key;
    reader.at += length;
    yield remembered;
  }
}
