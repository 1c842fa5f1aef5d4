import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ShardReader } from '../../src/folds/read/shard-reader.js';
import { verifyShard } from '../../src/folds/verify/verify.js';
import type { Sql } from '../../src/store/sql.js';
import { commitBatch, startPgliteShards, startPostgresShards, type TestDatabases } from './support/database.js';
import { Model, type ModelAccount, type ModelLeg, type ModelRecord, random } from './support/model.js';

const POSTED = new Set([1, 3, 7]);
const CODES: Readonly<Record<number, string>> = { 978: 'EUR', 392: 'JPY', 1001: 'GOLD' };

async function foldStep(sql: Sql, max: number): Promise<{ from: number; to: number; head: number }> {
  const [row] = await sql.query('SELECT * FROM fold_step($1)', [max]);
  return { from: Number(row?.from_position), to: Number(row?.to_position), head: Number(row?.head) };
}

async function lies(sql: Sql): Promise<string[]> {
  const found: string[] = [];
  for await (const result of verifyShard(sql)) {
    if (!result.ok) found.push(`${result.check} at ${result.firstLie?.position}: ${result.firstLie?.message}`);
  }
  return found;
}

/** Puts a history into a shard: batches of random size, folded now and then by steps of random size. */
async function play(sql: Sql, model: Model, seed: number, foldedTo = model.records.length): Promise<void> {
  const dice = random(seed);
  const currencyOf = (number: number): number => model.account(number).currency;
  for (let at = 0; at < model.records.length; ) {
    const end = at < foldedTo ? Math.min(at + 1 + Math.floor(dice() * 60), foldedTo) : model.records.length;
    await commitBatch(sql, model.records.slice(at, end), currencyOf);
    at = end;
    if (at <= foldedTo && dice() < 0.5) await foldStep(sql, 1 + Math.floor(dice() * 150));
  }
  for (let more = true; more; ) {
    const [cursor] = await sql.query('SELECT position FROM fold');
    const left = foldedTo - Number(cursor?.position);
    more = left > 0 && (await foldStep(sql, Math.min(left, 100))).to < foldedTo;
  }
}

interface Line {
  record: ModelRecord;
  version: number;
  dp: bigint;
  cp: bigint;
  dh: bigint;
  ch: bigint;
}

/** By brute force: every record up to a position that changed the account, with the counters after it. */
function linesOf(model: Model, account: ModelAccount, upto = Number.POSITIVE_INFINITY): Line[] {
  const lines: Line[] = [];
  let [dp, cp, dh, ch] = [0n, 0n, 0n, 0n];
  for (const record of model.records) {
    if (record.position > upto) break;
    const legs = record.legs.filter((leg) => leg.debit === account.number || leg.credit === account.number);
    if (legs.length === 0) continue;
    for (const leg of legs) {
      const posted = POSTED.has(record.kind) ? leg.amount : 0n;
      const pending =
        record.kind === 2 || record.kind === 5
          ? leg.amount
          : [3, 4, 6].includes(record.kind)
            ? -leg.amount - leg.released
            : 0n;
      if (leg.debit === account.number) [dp, dh] = [dp + posted, dh + pending];
      else [cp, ch] = [cp + posted, ch + pending];
    }
    lines.push({ record, version: lines.length + 1, dp, cp, dh, ch });
  }
  return lines;
}

const SEED = Number(process.env.MILLRACE_SEED ?? 20_260_101);

describe.each([
  ['Postgres', startPostgresShards],
  ['PGlite', startPgliteShards],
] as const)('folds on %s', (_name, start) => {
  let databases: TestDatabases;
  const model = new Model(SEED);
  for (let step = 0; step < 700; step++) model.step();
  /** Folded to the end. */
  let sql: Sql;
  let reader: ShardReader;
  /** Folded to two thirds only. */
  let behind: Sql;
  let readerBehind: ShardReader;
  const foldedTo = Math.floor((model.records.length * 2) / 3);

  beforeAll(async () => {
    databases = await start();
    behind = await databases.create();
    await play(behind, model, SEED + 1, foldedTo);
    sql = await databases.create();
    await play(sql, model, SEED);
    reader = new ShardReader(sql, { name: 'one' });
    readerBehind = new ShardReader(behind, { name: 'behind' });
  }, 120_000);
  afterAll(() => databases?.stop());

  it('are proven on a history that has every kind of record and every state', () => {
    expect(new Set(model.records.map(({ kind }) => kind))).toEqual(
      new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16]),
    );
    expect(new Set([...model.parents.values()].map((parent) => model.status(parent))).size).toBe(6);
    expect(
      model.records.some(({ legs }) => new Set(legs.flatMap((leg) => [leg.debit, leg.credit])).size < legs.length * 2),
    ).toBe(true);
    expect(model.records.some(({ flags }) => flags === 1)).toBe(true);
  });

  it('cut the statement of a busy account into pieces, each with the counters before it', async () => {
    const busy = new Model(SEED, 1);
    const [bank, till, fees] = ['bank', 'till', 'fees'].map((name) => busy.open(1, name)) as [
      ModelAccount,
      ModelAccount,
      ModelAccount,
    ];
    for (let i = 0; i < 300; i++) {
      const legs = [{ leg: 0, debit: bank.number, credit: till.number, amount: BigInt(i + 1), released: 0n }];
      if (i % 3 === 0)
        legs.push({ leg: 1, debit: till.number, credit: i % 2 ? fees.number : bank.number, amount: 1n, released: 0n });
      busy.transact(1, i % 5 === 0 ? 2 : 1, legs, { expires: i % 5 === 0 ? busy.now + 1e12 : null });
    }
    const shard = await databases.create();
    await commitBatch(shard, busy.records, () => 978);
    await foldStep(shard, 1);
    expect(await lies(shard)).toEqual([]);
    const blocks = await shard.query(
      'SELECT cardinality(positions) AS n FROM entry_block WHERE account = 2 ORDER BY first_position',
    );
    expect(blocks.map(({ n }) => n)).toEqual([128, 128, 44]);
    const page = await new ShardReader(shard, { name: 'busy' }).entries(1, 'till', { limit: 1_000 });
    const expected = linesOf(busy, till);
    expect(
      page?.data.map(({ version, creditsPosted, debitsPending }) => [version, creditsPosted, debitsPending]),
    ).toEqual(expected.map(({ version, cp, dh }) => [version, cp, dh]));
  });

  it.each([7, 40, 130, 500])(
    'keep statements of plain transactions both ways in order, by steps of %i',
    async (step) => {
      const busy = new Model(SEED, 1);
      const names = ['bank', 'till', 'fees'];
      const accounts = names.map((name) => busy.open(1, name));
      const dice = random(step);
      for (let i = 0; i < 450; i++) {
        const debit = dice() < 0.7 ? 0 : dice() < 0.7 ? 1 : 2;
        const legs = [
          { leg: 0, debit, credit: (debit + 1 + Math.floor(dice() * 2)) % 3, amount: BigInt(i + 1), released: 0n },
        ];
        for (const leg of legs) {
          leg.debit = accounts[leg.debit]?.number ?? 0;
          leg.credit = accounts[leg.credit]?.number ?? 0;
        }
        busy.transact(1, 1, legs, { effective: null, reference: null, metadata: null });
      }
      const shard = await databases.create();
      for (let at = 0; at < busy.records.length; at += step) {
        await commitBatch(shard, busy.records.slice(at, at + step), () => 978);
        await foldStep(shard, 1);
      }
      expect(await lies(shard)).toEqual([]);
      const [most] = await shard.query('SELECT max(cardinality(positions)) AS n FROM statement_block');
      expect(Number(most?.n)).toBeLessThanOrEqual(128);
      for (const account of accounts) {
        const page = await new ShardReader(shard, { name: 'busy' }).entries(1, account.name, { limit: 1_000 });
        expect(
          page?.data.map(({ record, version, debitsPosted, creditsPosted }) => [
            record.position,
            version,
            debitsPosted,
            creditsPosted,
          ]),
        ).toEqual(linesOf(busy, account).map(({ record, version, dp, cp }) => [record.position, version, dp, cp]));
      }
    },
  );

  it('fold every account to what its legs make, whatever the steps', async () => {
    const rows = await sql.query('SELECT * FROM account ORDER BY number');
    expect(rows.length).toBe(model.accounts.length);
    for (const account of model.accounts) {
      expect(rows[account.number - 1]).toMatchObject({
        number: account.number,
        book: account.book,
        name: account.name,
        currency: account.currency,
        open: account.open,
        has_metadata: account.metadata !== null,
        debits_posted: account.dp,
        credits_posted: account.cp,
        debits_pending: account.dh,
        credits_pending: account.ch,
        min_balance: account.min,
        max_balance: account.max,
        version: BigInt(account.version),
        config_version: BigInt(account.config),
        config_position: BigInt(account.configPosition),
        opened_position: BigInt(account.openedPosition),
        opened_at: account.openedAt,
      });
    }
  });

  it('are found true by verify, in full and behind', async () => {
    expect(await lies(sql)).toEqual([]);
    expect(await lies(behind)).toEqual([]);
  });

  it('answer a record as it was recorded, also one that is not folded yet', async () => {
    for (const record of model.records) {
      const where = record.position % 2 === 0 ? reader : readerBehind;
      const view = await where.record(record.book, record.position);
      expect(view).toMatchObject({
        position: record.position,
        book: record.book,
        sequence: record.sequence,
        kind: record.kind,
        recordedAt: record.at,
        effectiveAt: record.effective ?? (record.kind <= 7 ? record.at : 0),
        expiresAt: record.expires ?? 0,
        parent: record.parent ?? 0,
        flags: record.flags,
        code: record.code,
        details: record.details,
        key: record.key,
        reference: record.reference,
        description: record.description,
        metadata: record.metadata,
        legs: record.legs.map((leg: ModelLeg) => ({
          leg: leg.leg,
          debit: model.account(leg.debit).name,
          credit: model.account(leg.credit).name,
          currency: CODES[model.account(leg.debit).currency],
          amount: leg.amount,
          released: leg.released,
        })),
      });
      if (record.fingerprint !== null) {
        const [hi, lo] = (view?.fingerprint ?? '').split(':').map(Number);
        expect((BigInt(hi ?? 0) << 32n) | BigInt.asUintN(32, BigInt(lo ?? 0))).toBe(record.fingerprint);
      } else expect(view?.fingerprint).toBeNull();
    }
    expect(await reader.record(model.books + 1, 10)).toBeNull();
  });

  it('show every transaction with the state that its actions make', async () => {
    for (const parent of model.parents.values()) {
      const { record } = parent;
      const view = await readerBehind.transaction(record.book, record.position);
      expect(view?.status).toBe(model.status(parent));
      expect(view?.legs).toEqual(
        parent.legs.map((leg) => ({
          captured: leg.captured,
          remaining: leg.held - leg.captured - leg.released,
          released: leg.released,
          reversed: leg.reversed,
        })),
      );
    }
    const refused = model.records.find(({ kind }) => kind === 8);
    expect(await reader.transaction(refused?.book ?? 0, refused?.position ?? 0)).toBeNull();
  });

  it('write statements whose lines never differ from the legs, page by page', async () => {
    for (const account of model.accounts) {
      for (const kind of [undefined, 'posted'] as const) {
        const expected = linesOf(model, account).filter(({ record }) => kind === undefined || POSTED.has(record.kind));
        const got = [];
        let after: number | undefined;
        for (let more = true; more; ) {
          const page = await reader.entries(account.book, account.name, {
            limit: 7,
            ...(kind && { kind }),
            ...(after !== undefined && { after }),
          });
          got.push(...(page?.data ?? []));
          more = page?.next !== null && page !== null;
          after = page?.next ?? undefined;
        }
        expect(
          got.map(({ record, version, debitsPosted, creditsPosted, debitsPending, creditsPending }) => [
            record.position,
            version,
            debitsPosted,
            creditsPosted,
            debitsPending,
            creditsPending,
          ]),
        ).toEqual(expected.map(({ record, version, dp, cp, dh, ch }) => [record.position, version, dp, cp, dh, ch]));
      }
    }
    expect(await reader.entries(1, 'nobody', { limit: 1 })).toBeNull();
  });

  const filters = [
    {},
    { reference: 'order-3' },
    { status: 'pending' },
    { status: 'captured' },
    { status: 'posted' },
    { metadata: { key: 'color', value: 'red' } },
    { metadata: { key: 'tag', value: 't"1' } },
    { metadata: { key: 'n', value: '1' } },
    { account: 0 },
    { account: 1, reference: 'order-3' },
    { account: 2, status: 'partially_captured' },
    { middle: true },
    { account: 3, middle: true },
  ] as const;

  it.each(filters)('list the same transactions as a look at every record: %j', async (asked) => {
    for (const [where, end] of [
      [reader, model.records.length],
      [readerBehind, foldedTo],
    ] as const) {
      for (let book = 1; book <= model.books; book++) {
        const { account: place, middle, ...rest } = { account: undefined, middle: undefined, ...asked };
        const account = place === undefined ? undefined : model.accounts.filter((each) => each.book === book)[place];
        const from = model.records[100]?.at ?? 0;
        const to = model.records[420]?.at ?? 0;
        const filter = { ...rest, ...(account && { account: account.name }), ...(middle && { from, to }) };
        const expected = model.records.filter((record) => {
          if (record.book !== book || record.kind > 7 || record.position > end) return false;
          if ('reference' in rest && record.reference !== rest.reference) return false;
          if (
            'metadata' in rest &&
            (record.metadata === null || JSON.parse(record.metadata)[rest.metadata.key] !== rest.metadata.value)
          )
            return false;
          if (account && !record.legs.some((leg) => leg.debit === account.number || leg.credit === account.number))
            return false;
          if (middle && (record.at < from || record.at >= to)) return false;
          const parent = model.parents.get(record.position);
          if ('status' in rest && (parent === undefined ? 'posted' : model.status(parent)) !== rest.status)
            return false;
          // A hold that was folded as open and closed since is looked up as open no more, and the other way round.
          return true;
        });
        const got: number[] = [];
        let before: number | undefined;
        for (let more = true; more; ) {
          const page = await where.transactions(book, { filter, limit: 9, ...(before !== undefined && { before }) });
          got.push(...page.data.map(({ record }) => record.position));
          more = page.next !== null;
          before = page.next ?? undefined;
        }
        expect(got).toEqual(expected.map(({ position }) => position).reverse());
      }
    }
  });

  it('tell what an account was at any recorded time, whether or not it is folded', async () => {
    for (const record of model.records.filter(
      ({ position }) => position % 37 === 0 || position > model.records.length - 3,
    )) {
      const upto = model.records.filter(({ at }) => at <= record.at).length;
      for (const account of model.accounts.filter((each) => each.book === (record.book || 1)).slice(0, 6)) {
        for (const where of [reader, readerBehind]) {
          const view = await where.accountAt(account.book, account.name, record.at);
          if (account.openedPosition > upto) {
            expect(view).toBeNull();
            continue;
          }
          const last = linesOf(model, account, upto).at(-1);
          const config = model.records
            .filter(({ position, account: number }) => number === account.number && position <= upto)
            .at(-1);
          expect(view).toMatchObject({
            debitsPosted: last?.dp ?? 0n,
            creditsPosted: last?.cp ?? 0n,
            debitsPending: last?.dh ?? 0n,
            creditsPending: last?.ch ?? 0n,
            version: last?.version ?? 0,
            configPosition: config?.position,
            open: JSON.parse(config?.details ?? '{}').open,
            sequence: model.records.filter(({ book, position }) => book === account.book && position <= upto).at(-1)
              ?.sequence,
          });
        }
      }
    }
  });

  it('tell what was posted by effective time, back-dated records included', async () => {
    for (const record of model.records.filter(({ position }) => position % 53 === 0)) {
      for (const account of model.accounts.filter((each) => each.book === (record.book || 1)).slice(0, 6)) {
        let [debits, credits] = [0n, 0n];
        for (const each of model.records) {
          if (!POSTED.has(each.kind) || (each.effective ?? each.at) > record.at) continue;
          for (const leg of each.legs) {
            if (leg.debit === account.number) debits += leg.amount;
            if (leg.credit === account.number) credits += leg.amount;
          }
        }
        for (const where of [reader, readerBehind]) {
          expect(await where.accountAsOf(account.book, account.name, record.at)).toMatchObject({
            debitsPosted: debits,
            creditsPosted: credits,
            sequence: model.sequences.get(account.book),
          });
        }
      }
    }
  });

  it('say the same of the past and of transactions while the fold moves on between the statements of one read', async () => {
    const shard = await databases.create();
    for (let at = 0; at < model.records.length; at += 3) {
      await commitBatch(shard, model.records.slice(at, at + 3), (number) => model.account(number).currency);
    }
    const moving = new ShardReader(
      {
        ...shard,
        query: async (text, values) => {
          const rows = await shard.query(text, values);
          await foldStep(shard, 2);
          return rows;
        },
      },
      { name: 'moving' },
    );
    const dice = random(SEED + 3);
    const last = model.records.length;
    let reads = 0;
    for (let cursor = 0; cursor < last; reads++) {
      const [fold] = await shard.query('SELECT position FROM fold');
      cursor = Number(fold?.position);
      // Of times on both sides of the cursor, accounts that were changed beside it.
      const near = model.records[Math.min(last - 1, cursor + Math.floor(dice() * 60) - 20)];
      const account = model.accounts.find(({ number }) => number === near?.legs[0]?.debit);
      if (near === undefined || account === undefined) continue;
      const { book, name } = account;
      expect(await moving.transaction(book, near.position)).toEqual(await reader.transaction(book, near.position));
      for (const at of [near.at, model.records[Math.floor(dice() * last)]?.at ?? 0]) {
        expect(await moving.accountAsOf(book, name, at)).toEqual(await reader.accountAsOf(book, name, at));
        expect(await moving.accountAt(book, name, at)).toEqual(await reader.accountAt(book, name, at));
      }
    }
    expect(reads).toBeGreaterThan(4);
  });

  it('list accounts by prefix, in order of their bytes', async () => {
    for (const prefix of ['', 'c', 'customer/', 'customer/1', 'nobody']) {
      const expected = model.accounts
        .filter((each) => each.book === 1 && each.name.startsWith(prefix))
        .map(({ name }) => name)
        .sort();
      const got: string[] = [];
      let after: string | undefined;
      for (let more = true; more; ) {
        const page = await reader.accounts(1, { prefix, limit: 3, ...(after !== undefined && { after }) });
        for (const view of page.data) {
          got.push(view.name);
          const account = model.accounts.find(({ number }) => number === view.number);
          expect(view.metadata === null ? null : JSON.parse(view.metadata ?? '')).toEqual(
            account?.metadata == null ? null : JSON.parse(account.metadata),
          );
        }
        more = page.next !== null;
        after = page.next ?? undefined;
      }
      expect(got).toEqual(expected);
    }
  });

  it('know how far lists have come, and wait for more', async () => {
    const sequence = model.sequences.get(1) ?? 0;
    expect(await reader.foldedSequence(1)).toBe(sequence);
    expect(await reader.waitFor(1, sequence, 0)).toBe(true);
    expect(await reader.waitFor(1, sequence + 1, 20), 'beyond the head').toBe(false);
  });

  it('show transactions, legs, balances and keys to a person with psql', async () => {
    const [transactions] = await sql.query('SELECT count(*) AS n FROM transactions');
    expect(transactions?.n).toBe(BigInt(model.records.filter(({ kind }) => kind <= 7).length));
    for (const parent of model.parents.values()) {
      const [row] = await sql.query('SELECT status, merchant FROM transactions WHERE position = $1', [
        parent.record.position,
      ]);
      expect(row).toEqual({ status: model.status(parent), merchant: `shop-${parent.record.book}` });
    }
    const legs = await behind.query(
      'SELECT position, leg, debit, credit, currency, amount FROM legs ORDER BY position, leg',
    );
    expect(legs).toEqual(
      model.records.flatMap((record) =>
        record.legs.map((leg) => ({
          position: BigInt(record.position),
          leg: leg.leg,
          debit: model.account(leg.debit).name,
          credit: model.account(leg.credit).name,
          currency: CODES[model.account(leg.debit).currency],
          amount: leg.amount,
        })),
      ),
    );
    for (const account of model.accounts) {
      const [row] = await sql.query('SELECT posted, pending_out, available FROM balances WHERE number = $1', [
        account.number,
      ]);
      const posted = account.credit ? account.cp - account.dp : account.dp - account.cp;
      const out = account.credit ? account.dh : account.ch;
      expect(row).toEqual({ posted, pending_out: out, available: posted - out });
    }
    const [keys] = await sql.query('SELECT count(*) AS n FROM keys');
    expect(keys?.n).toBe(BigInt(model.records.filter(({ key }) => key !== null).length));
  });

  // Last, since it brings the folds that are behind to the head.
  it('are taken further by a reader who needs more than they have', async () => {
    const sequence = model.sequences.get(1) ?? 0;
    expect(await readerBehind.foldedSequence(1)).toBeLessThan(sequence);
    expect(await readerBehind.waitFor(1, sequence, 0)).toBe(true);
    expect(await readerBehind.foldedSequence(1)).toBe(sequence);
  });
});
