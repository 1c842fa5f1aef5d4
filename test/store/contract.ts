/** What every store promises; run against each of them. */
import { expect, it } from 'vitest';
import type { LoadAccount } from '../../src/ledger/load.js';
import { type ByteSlice, LogRecord, RecordKind } from '../../src/ledger/record.js';
import { DatabaseNewerError, ShardHeldError, ShardMismatchError } from '../../src/store/errors.js';
import type { ShardStore } from '../../src/store/shard-store.js';
import { collect, fill, opening, plain, posting, TIME, texts } from './records.js';

export interface Place {
  /** A store on one and the same new database each time. */
  open(options?: { readonly slots?: readonly (readonly [number, number])[] }): ShardStore;
}

const PARTITION_RECORDS = 100;
export const STORE_OPTIONS = { name: 'shard-0', slots: [[0, 8191]] as const, partitionRecords: PARTITION_RECORDS };

const between = (first: number, last: number): LogRecord[] =>
  Array.from({ length: last - first + 1 }, (_, index) => posting(first + index));

export function keepsTheContract(newPlace: () => Promise<Place>): void {
  /** A shard that is acquired; closed at the end of the test. */
  async function acquired(): Promise<{ store: ShardStore; place: Place; reopen(): Promise<ShardStore> }> {
    const place = await newPlace();
    let store = place.open();
    await store.acquire({ takeOver: false });
    const reopen = async (): Promise<ShardStore> => {
      await store.close();
      store = place.open();
      await store.acquire({ takeOver: false });
      return store;
    };
    open.push(() => store.close());
    return { store, place, reopen };
  }

  async function tailOf(store: ShardStore): Promise<LogRecord[]> {
    const folded = await store.folded();
    expect(folded.foldedTo).toBe(0);
    return collect(folded.tail, (record) => new LogRecord().copyFrom(record));
  }

  it('makes an empty shard at first, and finds the same one later', async () => {
    const { store, reopen } = await acquired();
    const { logId, epoch, incarnation } = store;
    const hashKey = Buffer.from(store.hashKey).toString('hex');
    expect(logId).toBeGreaterThan(0);
    expect(hashKey).toMatch(/^[0-9a-f]{32}$/);
    expect({ epoch, incarnation, partitionRecords: store.partitionRecords }).toEqual({
      epoch: 1,
      incarnation: 1,
      partitionRecords: 100,
    });
    const again = await reopen();
    expect({ logId: again.logId, key: Buffer.from(again.hashKey).toString('hex'), epoch: again.epoch }).toEqual({
      logId,
      key: hashKey,
      epoch: 2,
    });
  });

  it('refuses a configuration with other slots', async () => {
    const { store, place } = await acquired();
    await store.close();
    const other = place.open({
      slots: [
        [0, 99],
        [200, 299],
      ],
    });
    await expect(other.acquire({ takeOver: false })).rejects.toThrow(ShardMismatchError);
    await other.close();
    const message = await place
      .open({
        slots: [
          [0, 99],
          [200, 299],
        ],
      })
      .acquire({ takeOver: true })
      .catch((error: Error) => error.message);
    expect(message).toBe(
      'shard "shard-0" holds the slots 0-8191 and the configuration says 0-99,200-299; set slots back, or merchants lose their ledger',
    );
  });

  it('refuses a database that a newer program has migrated, and changes nothing', async () => {
    const { store, place } = await acquired();
    await store.sql.query(`INSERT INTO migration (number, name) VALUES (9999, '9999-later')`);
    await store.close();
    const later = place.open();
    await expect(later.acquire({ takeOver: false })).rejects.toThrow(DatabaseNewerError);
    await expect(later.acquire({ takeOver: true })).rejects.toThrow(
      /is at migration 9999-later and this program knows/,
    );
    await later.close();
  });

  it('refuses a second opener and says who holds the shard', async () => {
    const { place } = await acquired();
    const second = place.open();
    await expect(second.acquire({ takeOver: false })).rejects.toThrow(ShardHeldError);
    await second.close();
  });

  it('commits batches over several partitions and reads them back as they were', async () => {
    const { store, reopen } = await acquired();
    const records = between(1, 450);
    const sizes = [1, 99, 150, 200];
    let at = 0;
    for (const size of sizes) {
      const batch = fill(store.encoder(), records.slice(at, at + size), BigInt(at));
      expect(await store.commit(batch)).toEqual({ type: 'committed' });
      at += size;
    }
    const again = await reopen();
    const folded = await again.folded();
    expect({ head: folded.head, headHash: folded.headHash, foldedTo: folded.foldedTo }).toEqual({
      head: 450,
      headHash: 250n,
      foldedTo: 0,
    });
    expect(await collect(folded.tail, plain)).toEqual(records.map(plain));
    const partitions = await again.sql.query(
      'SELECT number, first_at, last_at FROM log_partition WHERE closed ORDER BY number',
    );
    expect(partitions).toEqual(
      [0, 1, 2, 3].map((number) => ({ number, first_at: TIME + number * 100 + 1, last_at: TIME + number * 100 + 100 })),
    );
  });

  it('keeps every field at its extremes', async () => {
    const { store } = await acquired();
    const most = 2n ** 63n - 1n;
    const records = [
      posting(1, (r) => {
        r.amount[0] = most;
        r.released[0] = -(2n ** 63n);
        r.texts = texts('k', 'r', 'd', '{"a":1}');
      }),
      posting(2, (r) => {
        r.fingerprintHi = -(2 ** 31);
        r.fingerprintLo = 2 ** 31 - 1;
        r.debit[0] = 2 ** 31 - 1;
        r.credit[0] = 2 ** 31 - 2;
      }),
      posting(3, (r) => {
        r.fingerprintHi = 0;
        r.fingerprintLo = -1;
        r.effectiveAt = -1;
        r.expiresAt = 2 ** 53 - 1;
        r.parent = 2 ** 53 - 1;
      }),
      posting(4, (r) => {
        r.effectiveAt = 0;
        r.recordedAt = 2 ** 53 - 1;
        r.sequence = 2 ** 53 - 1;
        r.book = 2 ** 31 - 1;
        r.flags = 3;
      }),
      posting(5, (r) => {
        r.legCount = 64;
        for (let leg = 0; leg < 64; leg++) {
          r.leg[leg] = 63 - leg;
          r.debit[leg] = leg + 1;
          r.credit[leg] = 2 ** 31 - 1 - leg;
          r.currency[leg] = 32_767 - leg;
          r.amount[leg] = most - BigInt(leg);
          r.released[leg] = BigInt(leg);
        }
      }),
      posting(6, (r) => {
        r.texts = texts('', 'é😀', '\t"\\\n', `{"long":"${'x'.repeat(4000)}"}`);
        r.details = '{"facts":"😀\\u0000"}';
      }),
      posting(7, (r) => {
        r.kind = RecordKind.refused;
        r.legCount = 0;
        r.debit[0] = 0;
        r.credit[0] = 0;
        r.currency[0] = 0;
        r.amount[0] = 0n;
        r.effectiveAt = 0;
        r.code = 54;
        r.parent = 3;
        r.details = '{}';
      }),
      opening(8, 2 ** 31 - 1, 'customer/42'),
      posting(9, (r) => {
        r.kind = RecordKind.void;
        r.amount[0] = 0n;
        r.released[0] = 7n;
        r.leg[0] = 63;
        r.keyed = false;
        r.fingerprintHi = 0;
        r.fingerprintLo = 0;
        r.texts = texts();
      }),
    ];
    expect(await store.commit(fill(store.encoder(), records, -(2n ** 63n)))).toEqual({ type: 'committed' });
    expect((await tailOf(store)).map(plain)).toEqual(records.map(plain));
    // And as Postgres itself understands them.
    const [row] = await store.sql.query(`
      SELECT (SELECT amount::text || ' ' || released::text || ' ' || metadata::text FROM log WHERE position = 1) AS one,
             (SELECT to_char(effective_at, 'YYYY-MM-DD HH24:MI:SS.US') FROM log WHERE position = 3) AS three,
             (SELECT effective_at IS NULL FROM log WHERE position = 2) AS implied,
             (SELECT array_length(more_legs, 1) FROM log WHERE position = 5) AS five,
             (SELECT more_legs[373] FROM log WHERE position = 5) AS last_leg,
             (SELECT key || '|' || reference || '|' || length(metadata ->> 'long') FROM log WHERE position = 6) AS six,
             (SELECT hash FROM batch) AS hash`);
    expect(row).toEqual({
      one: `${most} -${2n ** 63n} {"a":1}`,
      three: '1969-12-31 23:59:59.999999',
      implied: true,
      five: 378,
      last_leg: 0n,
      six: '|é😀|4000',
      hash: -(2n ** 63n),
    });
  });

  it('refuses a record that the database refuses, keeps nothing of its batch, and goes on', async () => {
    const { store } = await acquired();
    const poisoned = [
      posting(1),
      posting(2, (r) => {
        r.texts = texts('k', 'nul\u0000');
      }),
      posting(3),
    ];
    const result = await store.commit(fill(store.encoder(), poisoned));
    expect(result.type).toBe('failed');
    expect(
      await store.sql.query('SELECT (SELECT count(*) FROM log) AS log, (SELECT count(*) FROM batch) AS batch'),
    ).toEqual([{ log: 0n, batch: 0n }]);
    expect(await store.commit(fill(store.encoder(), between(1, 3)))).toEqual({ type: 'committed' });
  });

  it('commits a batch of any size whole', async () => {
    const { store, reopen } = await acquired();
    let last = 0;
    for (const size of [300, 301, 1, 999]) {
      const batch = fill(store.encoder(), between(last + 1, last + size));
      expect(await store.commit(batch)).toEqual({ type: 'committed' });
      last += size;
    }
    const tail = await tailOf(await reopen());
    expect(tail.map(({ position }) => position)).toEqual(between(1, last).map(({ position }) => position));
  });

  it('keeps nothing of a large batch whose last record the database refuses', async () => {
    const { store } = await acquired();
    const poisoned = between(1, 1000);
    (poisoned[999] as LogRecord).texts = texts('a\u0000b');
    expect((await store.commit(fill(store.encoder(), poisoned))).type).toBe('failed');
    expect(await store.sql.query('SELECT count(*) AS count FROM log')).toEqual([{ count: 0n }]);
    expect((await store.resolve()).head).toBe(0);
    expect((await store.commit(fill(store.encoder(), between(1, 3)))).type).toBe('committed');
  });

  it('takes no batch that leaves a gap or comes a second time', async () => {
    const { store } = await acquired();
    expect((await store.commit(fill(store.encoder(), between(1, 5)))).type).toBe('committed');
    expect((await store.commit(fill(store.encoder(), between(7, 9)))).type).toBe('failed');
    expect((await store.commit(fill(store.encoder(), between(1, 5)))).type).toBe('failed');
    expect((await store.commit(fill(store.encoder(), between(6, 9)))).type).toBe('committed');
    expect((await tailOf(store)).map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('commits nothing when the fence has another owner, another epoch, or is missing', async () => {
    const { store } = await acquired();
    const attempts = [
      `UPDATE fence SET owner = '11111111-1111-1111-1111-111111111111'`,
      'UPDATE fence SET epoch = epoch + 1',
      'DELETE FROM fence',
    ];
    for (const change of attempts) {
      await store.sql.query(change);
      expect((await store.commit(fill(store.encoder(), between(1, 5)))).type).toBe('fenced');
    }
    expect(
      await store.sql.query('SELECT (SELECT count(*) FROM log) AS log, (SELECT count(*) FROM batch) AS batch'),
    ).toEqual([{ log: 0n, batch: 0n }]);
  });

  it('raises its own fence again and goes on, but never that of another owner', async () => {
    const { store } = await acquired();
    await store.commit(fill(store.encoder(), between(1, 5)));
    expect(await store.resolve()).toEqual({ epoch: 2, head: 5 });
    // The answer of a raise was lost.
    await store.sql.query('UPDATE fence SET epoch = 7');
    expect(await store.resolve()).toEqual({ epoch: 8, head: 5 });
    await store.sql.query(`UPDATE fence SET owner = '11111111-1111-1111-1111-111111111111', epoch = 20`);
    await expect(store.resolve()).rejects.toMatchObject({ code: 'MR_FENCED' });
    expect((await store.commit(fill(store.encoder(), between(6, 7)))).type).toBe('fenced');
  });

  it('commits by a connection of its own after each raise, also where raises follow on each other at once', async () => {
    const { store } = await acquired();
    for (let position = 1; position <= 40; position++) {
      await store.resolve();
      // What the raise began to make is a little further each time when the next raise ends its session.
      for (let query = 0; query < position; query++) await store.sql.query('SELECT');
      await store.resolve();
      expect(await store.commit(fill(store.encoder(), between(position, position)))).toEqual({ type: 'committed' });
    }
  });

  it('forgets records that were appended after a mark', async () => {
    const { store } = await acquired();
    const batch = store.encoder();
    batch.append(posting(1));
    const mark = batch.mark();
    batch.append(
      posting(2, (r) => {
        r.details = 'x'.repeat(3_000_000);
      }),
    );
    batch.append(posting(3));
    expect([batch.records, batch.first, batch.last]).toEqual([3, 1, 3]);
    batch.rewind(mark);
    batch.append(posting(2));
    expect([batch.records, batch.first, batch.last]).toEqual([2, 1, 2]);
    expect((await store.commit(batch)).type).toBe('committed');
    expect((await tailOf(store)).map(plain)).toEqual(between(1, 2).map(plain));
    batch.clear();
    expect([batch.records, batch.sizeBytes]).toEqual([0, 0]);
    expect((await store.commit(fill(batch, between(3, 4)))).type).toBe('committed');
  });

  it('starts from folded state, holds and configuration, and reads the tail behind it', async () => {
    const { store, reopen } = await acquired();
    const action = (position: number, kind: RecordKind, parent: number) =>
      posting(position, (r) => {
        r.kind = kind;
        r.parent = parent;
        r.amount[0] = 1n;
      });
    const pending = (position: number) =>
      posting(position, (r) => {
        r.kind = RecordKind.pending;
        r.expiresAt = TIME * 1.1;
      });
    const records = [
      posting(1, (r) => {
        plainRecord(r, RecordKind.configured, '{"customCurrencies":[{"code":"GLD","exponent":3}]}');
        r.book = 0;
        r.sequence = 0;
      }),
      posting(2, (r) => {
        plainRecord(r, RecordKind.merchantOpened, '{"merchant":"m","environment":"test"}');
        r.sequence = 0;
      }),
      opening(3, 1, 'a'),
      opening(4, 2, 'b'),
      pending(5),
      pending(6),
      action(7, RecordKind.capture, 5),
      posting(8, (r) => {
        plainRecord(r, RecordKind.refused, '{}');
        r.parent = 5;
        r.keyed = true;
        r.texts = texts('refused');
      }),
      action(9, RecordKind.increment, 5),
      posting(10, (r) => {
        r.kind = RecordKind.void;
        r.parent = 6;
        r.amount[0] = 0n;
        r.released[0] = 600n;
      }),
      action(11, RecordKind.capture, 5),
      posting(12),
    ];
    const sequenced = records.map((record, index) => {
      if (index >= 2) record.sequence = index - 1;
      return record;
    });
    await store.commit(fill(store.encoder(), sequenced.slice(0, 10), 10n));
    await store.sql.query('SELECT fold_step(1000)');
    await store.commit(fill(store.encoder(), sequenced.slice(10), 12n));
    const again = await reopen();
    const folded = await again.folded();
    expect(folded).toMatchObject({ foldedTo: 10, foldedHash: 10n, foldedAt: TIME + 10, head: 12, headHash: 12n });
    const positions = (chunks: AsyncIterable<Iterable<LogRecord>>) => collect(chunks, ({ position }) => position);
    expect(await collect(folded.books)).toEqual([{ book: 1, merchant: 'm', environment: 'test', sequence: 8 }]);
    expect(await collect(folded.accounts, plainAccount)).toEqual([
      accountOf(1, 'a', { debitsPosted: 1n, debitsPending: 500n }),
      accountOf(2, 'b', { creditsPosted: 1n, creditsPending: 500n }),
    ]);
    expect(await positions(folded.openHolds)).toEqual([5, 7, 9]);
    expect(await positions(folded.configured)).toEqual([1]);
    expect(await positions(folded.tail)).toEqual([11, 12]);
    expect((await again.loadParents([6, 5, 77])).map(({ position }) => position)).toEqual([5, 7, 9, 11, 6, 10]);
    expect(await collect(again.keysBetween(9, 11), ({ key, ...rest }) => ({ ...rest, key: textOf(key) }))).toEqual(
      [9, 10, 11].map((position) => ({ book: 1, position, recordedAt: TIME + position, key: `key-${position}` })),
    );
  });

  it('reads an account as it was opened and changed, whatever of it is as with most accounts', async () => {
    const { store, reopen } = await acquired();
    const config = (position: number, account: number, details: object) =>
      posting(position, (record) => {
        const { kind = RecordKind.accountOpened, ...rest } = details as { readonly kind?: RecordKind };
        plainRecord(record, kind, JSON.stringify({ ...PLAIN_ACCOUNT, name: `n/${account}`, ...rest }));
        record.debit[0] = account;
      });
    const changed = { config_version: 2, kind: RecordKind.accountChanged };
    const closed = { config_version: 2, kind: RecordKind.accountClosed, open: false };
    const records = [
      posting(1, (r) => {
        plainRecord(r, RecordKind.merchantOpened, '{"merchant":"m","environment":"test"}');
        r.sequence = 0;
      }),
      config(2, 1, {}),
      config(3, 2, { min_balance: null, normal_balance: 'debit' }),
      config(4, 3, { min_balance: '-5', max_balance: `${2n ** 63n - 1n}` }),
      config(5, 4, { min_balance: `${-(2n ** 63n)}`, metadata: { a: 1 } }),
      config(6, 5, { name: 'x'.repeat(128), max_balance: '0' }),
      config(7, 3, { ...changed, min_balance: '0', max_balance: null, metadata: { b: 2 } }),
      config(8, 1, closed),
    ];
    await store.commit(fill(store.encoder(), records, 8n));
    await store.sql.query('SELECT fold_step(1000)');
    const folded = await (await reopen()).folded();
    const opened = (number: number, rest: object) => ({
      ...accountOf(number, `n/${number}`, {}),
      minBalance: 0n,
      maxBalance: null,
      version: 0,
      configPosition: number + 1,
      openedPosition: number + 1,
      openedAt: TIME + number + 1,
      ...rest,
    });
    expect(await collect(folded.accounts, plainAccount)).toEqual([
      opened(1, { open: false, configVersion: 2, configPosition: 8 }),
      opened(2, { minBalance: null, normalBalance: 'debit' }),
      opened(3, { hasMetadata: true, configVersion: 2, configPosition: 7 }),
      opened(4, { minBalance: -(2n ** 63n), hasMetadata: true }),
      opened(5, { name: 'x'.repeat(128), maxBalance: 0n }),
    ]);
  });

  it('gives exact values of every type through its SQL', async () => {
    const { store } = await acquired();
    const [row] = await store.sql.query(
      `SELECT $1::int8 AS wide, $2::text AS text, $3::bytea AS bytes, $4::int8[] AS list, $5::boolean AS yes, NULL::int8 AS none,
              '{"a": 1}'::json AS json, '2026-01-02 03:04:05.678901+00'::timestamptz AS at, ARRAY[1,2]::int4[] AS small, $6::text[] AS texts`,
      [2n ** 63n - 1n, "it's", new Uint8Array([0, 255]), [1n, -(2n ** 63n)], true, ['a', 'b"']],
    );
    expect({ ...row, bytes: Buffer.from(row?.bytes as Uint8Array) }).toEqual({
      wide: 2n ** 63n - 1n,
      text: "it's",
      bytes: Buffer.from([0, 255]),
      list: [1n, -(2n ** 63n)],
      yes: true,
      none: null,
      json: '{"a": 1}',
      at: Date.UTC(2026, 0, 2, 3, 4, 5) * 1000 + 678_901,
      small: [1, 2],
      texts: ['a', 'b"'],
    });
    await expect(store.sql.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' });
  });
}

/** What a test opens it hands over here; closed in reverse order. */
export const open: (() => Promise<void>)[] = [];

export async function closeAll(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close();
}

function plainRecord(record: LogRecord, kind: RecordKind, details: string): void {
  record.kind = kind;
  record.details = details;
  record.legCount = 0;
  record.debit[0] = 0;
  record.credit[0] = 0;
  record.currency[0] = 0;
  record.amount[0] = 0n;
  record.effectiveAt = 0;
  record.keyed = false;
  record.fingerprintHi = 0;
  record.fingerprintLo = 0;
  record.texts = texts();
}

const PLAIN_ACCOUNT = {
  currency: 978,
  normal_balance: 'credit',
  min_balance: '0',
  max_balance: null,
  config_version: 1,
  open: true,
  metadata: null,
};

const textOf = ({ bytes, offset, length }: ByteSlice): string =>
  Buffer.from(bytes.subarray(offset, offset + length)).toString();

/** All that is read of an account, in values that outlive the reading of the next one. */
const plainAccount = ({ name, counters, ...rest }: LoadAccount) => {
  const [debitsPosted, creditsPosted, debitsPending, creditsPending] = counters;
  return { ...rest, name: textOf(name), debitsPosted, creditsPosted, debitsPending, creditsPending };
};

const accountOf = (number: number, name: string, counters: object) => ({
  number,
  book: 1,
  name,
  currency: 978,
  normalBalance: 'credit',
  open: true,
  hasMetadata: false,
  debitsPosted: 0n,
  creditsPosted: 0n,
  debitsPending: 0n,
  creditsPending: 0n,
  minBalance: null,
  maxBalance: 9000n,
  version: 5,
  configVersion: 1,
  configPosition: number + 2,
  openedPosition: number + 2,
  openedAt: TIME + number + 2,
  ...counters,
});
