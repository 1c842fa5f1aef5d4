import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { currencyByCode } from '../../src/ledger/currency.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import type { LoadAccount } from '../../src/ledger/load.js';
import { type LogRecord, RecordFlags, RecordKind } from '../../src/ledger/record.js';
import type { AccountView } from '../../src/ledger/view.js';
import { BOOK, codeOf, newLedger, SECOND, World } from './helpers.js';

/** A random command against a small world: five accounts, two currencies, short windows, so that things collide. */
const NAMES = ['external/in', 'a', 'b', 'limited', 'debit'] as const;
const name = fc.constantFrom(...NAMES);
const amount = fc.oneof(fc.bigInt({ min: 1n, max: 60n }), fc.constantFrom(2n ** 62n, 2n ** 63n - 1n));
const leg = fc
  .record({ debit: name, credit: name, amount, currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'EUR', 'USD') })
  .filter((one) => one.debit !== one.credit);
const legs = fc.oneof(fc.array(leg, { minLength: 1, maxLength: 1 }), fc.array(leg, { minLength: 1, maxLength: 4 }));
const post = fc.record({
  legs,
  pending: fc.boolean(),
  openAccounts: fc.boolean(),
  expiresIn: fc.integer({ min: 1, max: 6 }).map((seconds) => seconds * SECOND),
});
const actionLegs = fc.array(fc.record({ leg: fc.nat(3), amount: fc.bigInt({ min: 1n, max: 40n }) }), { maxLength: 2 });
const step = fc.oneof(
  { weight: 6, arbitrary: post.map((value) => ({ do: 'post' as const, ...value })) },
  {
    weight: 6,
    arbitrary: fc
      .record({
        type: fc.constantFrom('capture' as const, 'void' as const, 'increment' as const, 'reverse' as const),
        which: fc.nat(1000),
        amount: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 40n })),
        legs: actionLegs,
        final: fc.boolean(),
        force: fc.boolean(),
      })
      .map((value) => ({ do: 'act' as const, ...value })),
  },
  {
    weight: 2,
    arbitrary: fc.array(post, { minLength: 1, maxLength: 4 }).map((items) => ({ do: 'batch' as const, items })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ name, min: fc.bigInt({ min: -50n, max: 20n }), max: fc.bigInt({ min: 0n, max: 200n }) })
      .map((value) => ({ do: 'limits' as const, ...value })),
  },
  { weight: 1, arbitrary: name.map((value) => ({ do: 'close' as const, name: value })) },
  { weight: 1, arbitrary: name.map((value) => ({ do: 'reopen' as const, name: value })) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }).map((seconds) => ({ do: 'wait' as const, seconds })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }).map((max) => ({ do: 'expire' as const, max })) },
  { weight: 1, arbitrary: fc.constant({ do: 'evict' as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const steps = fc.array(step, { minLength: 5, maxLength: 60 });

function begin(): World {
  const world = new World();
  world.open({ name: 'external/in' });
  world.open({ name: 'a' });
  world.open({ name: 'limited', min_balance: -10n, max_balance: 100n, metadata: '{"l":1}' });
  world.open({ name: 'debit', normal_balance: 'debit', max_balance: 150n });
  world.move('external/in>a 100');
  return world;
}

function run(world: World, one: Step, dryRun = false): string {
  switch (one.do) {
    case 'post':
      return codeOf(world.post(one.legs, { ...one, dryRun }));
    case 'act': {
      const which = 1 + (one.which % (world.ledger.head + 2));
      return codeOf(world.act(one.type, which, { ...one, dryRun }));
    }
    case 'batch': {
      const items = one.items.map((item) => world.command(item.legs, { ...item, key: null }));
      return codeOf(world.apply({ type: 'atomic_batch', ...world.head(undefined, BOOK, dryRun), items }));
    }
    case 'limits':
      return codeOf(world.change(one.name, { min_balance: one.min, max_balance: one.max }));
    case 'close':
      return codeOf(world.close(one.name));
    case 'reopen':
      return codeOf(world.reopen(one.name));
    case 'wait':
      world.now += one.seconds * SECOND;
      return 'ok';
    case 'expire':
      world.ledger.expireDue(world.now, one.max, world.log);
      return 'ok';
    case 'evict':
      world.ledger.evictParents(world.ledger.head, 10);
      return 'ok';
  }
}

const accountsOf = (ledger: Ledger): AccountView[] =>
  Array.from({ length: ledger.accountCount }, (_, index) => ledger.accountByNumber(index + 1));

const available = (one: AccountView): bigint =>
  one.normalBalance === 'credit'
    ? one.creditsPosted - one.debitsPosted - one.debitsPending
    : one.debitsPosted - one.creditsPosted - one.creditsPending;
const promised = (one: AccountView): bigint =>
  one.normalBalance === 'credit'
    ? one.creditsPosted - one.debitsPosted + one.creditsPending
    : one.debitsPosted - one.creditsPosted + one.debitsPending;

const judged = new Set<number>([RecordKind.posted, RecordKind.pending, RecordKind.increment, RecordKind.reversal]);

/** Replays a log, looking after every record whether an account that it made worse is within its limits. */
function checkLimits(world: World): void {
  const ledger = newLedger(world.settings, world.partitionRecords);
  let before = new Map<string, AccountView>();
  for (const record of world.log.records) {
    ledger.replay([record]);
    const after = new Map(accountsOf(ledger).map((one) => [one.name, one]));
    if (judged.has(record.kind) && (record.flags & RecordFlags.force) === 0) {
      for (const [name, one] of after) {
        const was = before.get(name);
        if (was === undefined) continue;
        if (one.minBalance !== null && available(one) < available(was))
          expect(available(one) >= one.minBalance).toBe(true);
        if (one.maxBalance !== null && promised(one) > promised(was))
          expect(promised(one) <= one.maxBalance).toBe(true);
      }
    }
    before = after;
  }
  expect(ledger.digest()).toBe(world.ledger.digest());
  expect(ledger.chainHash).toBe(world.ledger.chainHash);
}

/** From the log alone: captures within holds, reversals within what was posted or captured. */
function checkBounds(records: readonly LogRecord[]): void {
  const parents = new Map<
    number,
    { kind: number; held: bigint[]; taken: bigint[]; captured: bigint[]; reversed: bigint[] }
  >();
  for (const record of records) {
    const amounts = [...record.amount.subarray(0, record.legCount)];
    if (record.kind === RecordKind.posted || record.kind === RecordKind.pending) {
      const zeros = amounts.map(() => 0n);
      const captured = record.kind === RecordKind.posted ? amounts : [...zeros];
      parents.set(record.position, {
        kind: record.kind,
        held: amounts,
        taken: [...zeros],
        captured,
        reversed: [...zeros],
      });
      continue;
    }
    const parent = parents.get(record.parent);
    if (record.kind < RecordKind.capture || record.kind > RecordKind.reversal || parent === undefined) continue;
    for (let i = 0; i < record.legCount; i++) {
      const leg = record.leg[i] as number;
      const add = (sums: bigint[], more: bigint): bigint => (sums[leg] = (sums[leg] as bigint) + more);
      const moved = record.amount[i] as bigint;
      if (record.kind === RecordKind.increment) add(parent.held, moved);
      else if (record.kind === RecordKind.reversal) add(parent.reversed, moved);
      else {
        add(parent.captured, moved);
        add(parent.taken, moved + (record.released[i] as bigint));
      }
      expect((parent.reversed[leg] as bigint) <= (parent.captured[leg] as bigint)).toBe(true);
      if (parent.kind === RecordKind.pending)
        expect((parent.taken[leg] as bigint) <= (parent.held[leg] as bigint)).toBe(true);
    }
  }
}

function checkConservation(ledger: Ledger): void {
  const sums = new Map<string, [bigint, bigint]>();
  for (const one of accountsOf(ledger)) {
    const [posted, pending] = sums.get(one.currency) ?? [0n, 0n];
    sums.set(one.currency, [
      posted + one.creditsPosted - one.debitsPosted,
      pending + one.creditsPending - one.debitsPending,
    ]);
    for (const counter of [one.creditsPosted, one.debitsPosted, one.creditsPending, one.debitsPending]) {
      expect(counter >= 0n && counter < 2n ** 63n).toBe(true);
    }
  }
  for (const sum of sums.values()) expect(sum).toEqual([0n, 0n]);
}

describe('whatever commands come, in whatever order', () => {
  test('money is conserved, limits and bounds hold, and the log replays to the same state', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const world = begin();
        for (const one of all) run(world, one);
        checkConservation(world.ledger);
        checkBounds(world.log.records);
        checkLimits(world);
        expect(world.log.records.map((one) => one.position)).toEqual(world.log.records.map((_, index) => index + 1));
        const sequences = world.log.records
          .filter((one) => one.kind !== RecordKind.merchantOpened)
          .map((one) => one.sequence);
        expect(sequences).toEqual(sequences.map((_, index) => index + 1));
      }),
      { numRuns: 150 },
    );
  });

  test('a dry run answers as the real thing then does, and leaves no trace', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const world = begin();
        for (const one of all) {
          if (one.do === 'post' || one.do === 'act' || one.do === 'batch') {
            // Due expiries are records of their own, which a dry run lets be written first.
            world.ledger.expireDue(world.now, 1000, world.log);
            const before = [
              world.ledger.digest(),
              world.ledger.chainHash,
              world.ledger.keys.count,
              world.log.records.length,
            ];
            const dry = run(world, one, true);
            expect([
              world.ledger.digest(),
              world.ledger.chainHash,
              world.ledger.keys.count,
              world.log.records.length,
            ]).toEqual(before);
            expect(run(world, one)).toBe(dry);
          } else run(world, one);
        }
        expect(world.replayed().digest()).toBe(world.ledger.digest());
      }),
      { numRuns: 60 },
    );
  });

  test('state folded up to any place and the records after it give the same state and the same answers', () => {
    fc.assert(
      fc.property(steps, fc.array(step, { minLength: 1, maxLength: 10 }), fc.nat(1000), (all, more, cut) => {
        const world = begin();
        for (const one of all) run(world, one);
        const foldedTo = cut % (world.log.records.length + 1);
        const loaded = loadedFrom(world, foldedTo);
        expect(loaded.digest()).toBe(world.ledger.digest());
        expect(loaded.chainHash).toBe(world.ledger.chainHash);
        const other = world.fork(loaded);
        for (const one of more) expect(run(other, one)).toBe(run(world, one));
        expect(loaded.digest()).toBe(world.ledger.digest());
      }),
      { numRuns: 80 },
    );
  });
});

/** Starts as recovery does: folded state, then the tail of the log. */
function loadedFrom(world: World, foldedTo: number): Ledger {
  const records = world.log.records.slice(0, foldedTo);
  const folded = newLedger(world.settings, world.partitionRecords);
  folded.replay(records);
  const ledger = newLedger(world.settings, world.partitionRecords);
  if (folded.hasBook(BOOK)) ledger.loadBook({ book: BOOK, sequence: folded.bookSequence(BOOK) });
  for (const one of accountsOf(folded)) ledger.loadAccount(loadAccount(one, records));
  for (const record of records) {
    if (record.kind !== RecordKind.pending) continue;
    const status = folded.transactionView(record.position)?.status;
    if (status !== 'pending' && status !== 'partially_captured') continue;
    ledger.loadHold([record, ...records.filter((one) => one.parent === record.position)]);
  }
  for (const record of records) {
    if (!record.keyed) continue;
    const { bytes, offset } = record.texts;
    const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(offset);
    ledger.loadKey(record.book, { bytes, offset: offset + 4, length }, record.position, record.recordedAt);
  }
  ledger.finishLoad(foldedTo, folded.chainHash, folded.lastRecordedAt);
  ledger.replay(world.log.records.slice(foldedTo));
  return ledger;
}

function loadAccount(one: AccountView, records: readonly LogRecord[]): LoadAccount {
  const opened = records.find((record) => record.kind === RecordKind.accountOpened && record.debit[0] === one.number);
  const bytes = Buffer.from(one.name);
  return {
    ...one,
    name: { bytes, offset: 0, length: bytes.length },
    counters: BigInt64Array.of(one.debitsPosted, one.creditsPosted, one.debitsPending, one.creditsPending),
    currency: currencyByCode(one.currency)?.number ?? 0,
    hasMetadata: one.metadata !== null,
    openedPosition: opened?.position ?? 0,
  };
}
