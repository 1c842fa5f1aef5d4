import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSlices, slicesText } from '../../src/engine/shard/key-indexer.js';
import { KeyedHash } from '../../src/ledger/hash.js';
import { bucketOf, findInBucket } from '../../src/ledger/keys/bucket.js';
import { ClosedFilter } from '../../src/ledger/keys/closed-filter.js';
import { KeyFilter } from '../../src/ledger/keys/filter.js';
import { KeyTable } from '../../src/ledger/keys/table.js';
import { KeyWindow, MAYBE_ELSEWHERE } from '../../src/ledger/keys/window.js';
import { BOOK, codeOf, DAY, keyHash, MemoryLog, newLedger, SECOND, START, World } from './helpers.js';

const OPEN = { openAccounts: true } as const;
const hashOf = (text: string, book = 1): Int32Array => {
  const hash = new Int32Array(4);
  keyHash(book, new TextEncoder().encode(text), hash);
  return hash;
};
const T0 = START / SECOND;

describe('a key', () => {
  test('gives its outcome again for as long as the window lasts, then it is new', () => {
    const world = new World({ keyWindow: 10 * SECOND });
    const first = world.move('external/x>a 5', { ...OPEN, key: 'k' });
    expect(world.move('external/x>a 5', { key: 'k' })).toEqual({
      type: 'replay',
      position: first.type === 'recorded' ? first.position : 0,
    });
    world.now += 10 * SECOND - 1;
    expect(codeOf(world.move('external/x>a 5', { key: 'k' }))).toBe('replay');
    world.now += SECOND;
    expect(codeOf(world.move('external/x>a 5', { key: 'k' }))).toBe('ok');
    expect(codeOf(world.move('external/x>a 5', { key: 'k' }))).toBe('replay');
    expect(world.balances('a')).toEqual([10n, 0n, 0n]);
  });

  test('is scoped to its book', () => {
    const world = new World();
    world.apply({ type: 'open_merchant', book: 8, merchant: 'other', environment: 'live' });
    world.move('external/x>a 5', { ...OPEN, key: 'k' });
    expect(codeOf(world.move('external/x>a 5', { ...OPEN, key: 'k', book: 8 }))).toBe('ok');
  });

  test('of another route is the same key', () => {
    const world = new World();
    world.open({ name: 'a' }, 'k');
    expect(codeOf(world.move('external/x>a 5', { ...OPEN, key: 'k' }))).toBe('replay');
    expect(codeOf(world.act('capture', 999, { key: 'k' }))).toBe('replay');
  });

  test('beyond the bound is refused rather than an old one forgotten; guaranteed shares stay free', () => {
    const world = new World({ keysMax: 5, keysGuaranteed: 2, keyWindow: 10 * SECOND });
    world.apply({ type: 'open_merchant', book: 8, merchant: 'other', environment: 'live' });
    world.move('external/x>a 5', { ...OPEN, key: '1' });
    for (const key of ['2', '3']) expect(codeOf(world.move('external/x>a 5', { key }))).toBe('ok');
    const full = world.move('external/x>a 5', { key: '4' });
    expect(full).toMatchObject({ type: 'answered', code: 'key_window_full' });
    expect(codeOf(world.move('external/x>a 5', { key: '1' }))).toBe('replay');
    expect(codeOf(world.move('external/x>a 5', { ...OPEN, key: '1', book: 8 }))).toBe('ok');
    expect(codeOf(world.move('external/x>a 5', { key: '2', book: 8 }))).toBe('ok');
    expect(codeOf(world.move('external/x>a 5', { key: '3', book: 8 }))).toBe('key_window_full');
    expect(world.ledger.keys.count).toBe(5);
    world.now += 11 * SECOND;
    expect(codeOf(world.move('external/x>a 5', { key: '4' }))).toBe('ok');
  });

  test('of a closed partition is looked up, and the answer serves the next command only', () => {
    const world = new World({}, 5);
    const first = world.move('external/x>a 5', { ...OPEN, key: 'k' });
    const position = first.type === 'recorded' ? first.position : 0;
    for (let index = 0; index < 10; index++) world.move('external/x>a 1');
    const { keys } = world.ledger;
    expect(keys.residentPartitions()).toEqual([0, 1, 2]);
    const written = keys.sortedEntries(0);
    const chunks = [...written.chunks()];
    expect(written).toMatchObject({ partition: 0, keys: 2, lastExpiresAt: START + 7 * DAY });
    expect(written.slices.map(({ byBook }) => [...byBook])).toEqual([[[BOOK, 2]]]);
    keys.close(0, ClosedFilter.fromBytes(written.filter.toBytes()));
    keys.retire(0);

    const command = world.command([{ debit: 'external/x', credit: 'a', amount: 5n }], { key: 'k' });
    expect(codeOf(world.apply(command))).toBe('load_key');
    expect(keys.partitionsToSearch(command.keyHash, world.now)).toEqual([0]);
    const bucket = chunks.find((one) => one.bucket === bucketOf(command.keyHash[0] as number, written.buckets));
    expect(findInBucket(bucket?.entries ?? new Uint8Array(), command.keyHash, keys.firstPositionOf(0))).toBe(position);
    world.ledger.admitKey(command.keyHash, position);
    expect(world.apply(command)).toEqual({ type: 'replay', position });
    expect(codeOf(world.apply(command))).toBe('load_key');
    world.ledger.admitKey(command.keyHash, position, START - 8 * DAY);
    expect(codeOf(world.apply(command))).toBe('ok');
    expect(codeOf(world.apply(command))).toBe('replay');
  });

  test('of a closed partition that is still in memory is found there, for as long as it is remembered', () => {
    const world = new World({ keyWindow: 100 * SECOND }, 5);
    const first = world.move('external/x>a 5', { ...OPEN, key: 'k' });
    for (let index = 0; index < 10; index++) world.move('external/x>a 1');
    const { keys } = world.ledger;
    const written = keys.sortedEntries(0);
    expect([...written.chunks()].length).toBeGreaterThan(0);
    keys.close(0, written.filter);
    expect(keys.isClosed(0)).toBe(true);
    expect(keys.residentPartitions()).toEqual([0, 1, 2]);
    const command = world.command([{ debit: 'external/x', credit: 'a', amount: 5n }], { key: 'k' });
    expect(world.apply(command)).toEqual({ type: 'replay', position: first.type === 'recorded' ? first.position : 0 });
    expect(keys.partitionsToSearch(command.keyHash, world.now)).toEqual([]);
    expect(keys.find(hashOf('another'), world.now)).toBe(0);
    expect(keys.oldestOpen).toBe(1);
    world.now += 101 * SECOND;
    expect(codeOf(world.apply(command))).toBe('ok');
  });

  test('survives a restart, from the log or from loaded keys', () => {
    const world = new World({ keyWindow: 100 * SECOND }, 5);
    world.move('external/x>a 5', { ...OPEN, key: 'k' });
    world.now += 50 * SECOND;
    for (let index = 0; index < 10; index++) world.move('external/x>a 1');
    const command = world.command([{ debit: 'external/x', credit: 'a', amount: 5n }], { key: 'k' });
    expect(world.replayed().apply(command, world.now, new MemoryLog()).type).toBe('replay');
    const loaded = newLedger(world.settings, 5);
    loaded.loadBook({ book: BOOK, sequence: 0 });
    loaded.loadKey(BOOK, { bytes: new TextEncoder().encode('k'), offset: 0, length: 1 }, 4, START);
    expect(loaded.apply(command, world.now, new MemoryLog())).toEqual({ type: 'replay', position: 4 });
    expect(codeOf(loaded.apply(command, START + 101 * SECOND, new MemoryLog()))).toBe('unknown_account');
  });
});

describe('the window', () => {
  test('drops generations once all their keys are forgotten', () => {
    const keys = new KeyWindow(10);
    keys.configure({ keyWindow: 100 * SECOND, keysMax: 1000, keysGuaranteed: 0 });
    keys.setBooks(1);
    for (let position = 1; position <= 25; position++) {
      const at = (T0 + position) * SECOND;
      keys.remember(hashOf(`k${position}`), 1, position, at, at + 100 * SECOND);
    }
    expect(keys.count).toBe(25);
    expect(keys.forget((T0 + 100) * SECOND)).toEqual([]);
    expect(keys.forget((T0 + 111) * SECOND)).toEqual([0]);
    expect(keys.residentPartitions()).toEqual([1, 2]);
    expect(keys.count).toBeLessThanOrEqual(15);
    expect(keys.find(hashOf('k11'), (T0 + 110) * SECOND)).toBe(11);
    expect(keys.find(hashOf('k11'), (T0 + 111) * SECOND)).toBe(0);
    expect(keys.forget((T0 + 1000) * SECOND)).toEqual([1]);
    expect(keys.count).toBe(0);
  });

  test('counts keys behind filters', () => {
    const keys = new KeyWindow(10);
    keys.configure({ keyWindow: 100 * SECOND, keysMax: 5, keysGuaranteed: 0 });
    keys.setBooks(1);
    keys.addFilter(0, ClosedFilter.build(hashOf('old')), [slice(T0 + 100, 5)]);
    expect(keys.find(hashOf('old'), T0 * SECOND)).toBe(MAYBE_ELSEWHERE);
    expect(keys.hasRoom(1, T0 * SECOND)).toBe(false);
    expect(keys.hasRoom(1, (T0 + 100) * SECOND)).toBe(true);
    expect(keys.find(hashOf('old'), (T0 + 100) * SECOND)).toBe(0);
  });
});

test('keys behind a filter that was read at start are let go as their time comes, not all with the last one', () => {
  const before = new KeyWindow(10);
  before.configure({ keyWindow: 160 * SECOND, keysMax: 4, keysGuaranteed: 0 });
  for (const [index, expiry] of [T0 + 20, T0 + 25, T0 + 100].entries()) {
    before.remember(hashOf(`k${index}`), 1, index + 1, T0 * SECOND, expiry * SECOND);
  }
  const { filter, slices } = before.sortedEntries(0);
  const after = new KeyWindow(10);
  after.configure({ keyWindow: 160 * SECOND, keysMax: 3, keysGuaranteed: 0 });
  after.setBooks(1);
  after.addFilter(0, filter, readSlices(slicesText(slices)));
  expect(after.count).toBe(3);
  expect(after.hasRoom(1, T0 * SECOND)).toBe(false);
  expect(after.hasRoom(1, (T0 + 26) * SECOND)).toBe(true);
  expect(after.count, 'the last one is remembered still').toBe(1);
  expect(after.forget((T0 + 100) * SECOND)).toEqual([0]);
  expect(after.count).toBe(0);
});

/** Keys of book 1 that are forgotten at one second. */
const slice = (second: number, keys: number) => ({ from: second, until: second, byBook: new Map([[1, keys]]) });

test('a key that a filter stands for already is not counted again', () => {
  const keys = new KeyWindow(10);
  keys.configure({ keyWindow: 100 * SECOND, keysMax: 5, keysGuaranteed: 0 });
  keys.addFilter(0, ClosedFilter.build(hashOf('old')), [slice(T0 + 100, 1)]);
  keys.remember(hashOf('old'), 1, 3, T0 * SECOND, (T0 + 100) * SECOND);
  expect(keys.count).toBe(1);
  expect(keys.find(hashOf('old'), T0 * SECOND)).toBe(MAYBE_ELSEWHERE);
});

describe('a table of keys', () => {
  test('agrees with a map under adding, undoing and expiry', () => {
    const step = fc.record({ key: fc.nat(2000), lives: fc.integer({ min: 1, max: 50 }), undo: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        const table = new KeyTable();
        const model = new Map<string, { place: number; expiry: number }>();
        let now = T0;
        for (const [index, { key, lives, undo }] of steps.entries()) {
          now += 1;
          const hash = hashOf(String(key));
          const known = model.get(String(key));
          const expected = known !== undefined && known.expiry > now ? known.place : 0;
          expect(table.find(hash, now)).toBe(expected);
          if (expected !== 0) continue;
          table.add(hash, index + 1, now + lives, now);
          if (undo) table.remove(hash, index + 1);
          else model.set(String(key), { place: index + 1, expiry: now + lives });
        }
        for (const [key, { place, expiry }] of model) {
          expect(table.find(hashOf(key), now)).toBe(expiry > now ? place : 0);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('finds every key and no stranger, whichever of its parts holds them, and takes the last one back', () => {
    const table = new KeyTable();
    for (let index = 1; index <= 20_000; index++) {
      table.add(hashOf(`in${index}`), index, T0 + 10, T0);
      if (index % 1000 < 40) {
        table.remove(hashOf(`in${index}`), index);
        expect(table.find(hashOf(`in${index}`), T0)).toBe(0);
        table.add(hashOf(`in${index}`), index, T0 + 10, T0);
      }
    }
    for (let index = 1; index <= 20_000; index += 7) {
      expect(table.find(hashOf(`in${index}`), T0)).toBe(index);
      expect(table.find(hashOf(`out${index}`), T0)).toBe(0);
    }
    expect(table.count).toBe(20_000);
  });

  test('gives room of expired keys back instead of growing', () => {
    const table = new KeyTable();
    let position = 0;
    for (let second = 0; second < 100; second++) {
      for (let index = 0; index < 1000; index++) {
        table.add(hashOf(`${second}/${index}`), ++position, T0 + second + 2, T0 + second);
      }
    }
    expect(table.sizeBytes).toBeLessThan(5000 * 40);
  });
});

test('a table gives its keys in order of hash and place, whatever order they came in', () => {
  const table = new KeyTable();
  const hash = (tie: number, rest: number): Int32Array =>
    Int32Array.of(0x05000000 + tie, rest * 0x9e3779b1, -rest, rest);
  const added: number[][] = [];
  for (let index = 0; index < 500; index++) {
    const one = hash(index % 3, (index * 7) % 100);
    table.add(one, index + 1, T0 + 10, T0);
    added.push([...one, index + 1].map((word) => word >>> 0));
  }
  added.sort((a, b) => a.map((word, at) => word - (b[at] as number)).find((difference) => difference !== 0) ?? 0);
  const sorted = [...table.sortedTable(5)].map((word) => word >>> 0);
  expect(sorted).toEqual(added.flat());
});

describe('a filter', () => {
  test('never denies a key that it was given, and takes few strangers for its own', () => {
    const filter = KeyFilter.sized(10_000);
    const words = (text: string): [number, number, number] => {
      const hash = hashOf(text);
      return [hash[1] as number, hash[2] as number, hash[3] as number];
    };
    for (let index = 0; index < 10_000; index++) filter.add(...words(`in${index}`));
    let strangers = 0;
    for (let index = 0; index < 10_000; index++) {
      expect(filter.mayContain(...words(`in${index}`))).toBe(true);
      if (filter.mayContain(...words(`out${index}`))) strangers++;
    }
    expect(strangers).toBeLessThan(200);
    expect(filter.sizeBytes * 8).toBeLessThan(10.1 * 10_000);
  });

  test('of a closed partition does so too, and takes hardly a stranger for its own, stored and read again', () => {
    const keyed = new KeyedHash(Uint8Array.from({ length: 16 }, (_, index) => index));
    const hash = new Int32Array(4);
    const hashed = (text: string): Int32Array => {
      keyed.hash128(1, Buffer.from(text), 0, text.length, hash);
      return hash;
    };
    const filter = ClosedFilter.sized(16_384);
    for (let index = 0; index < 16_384; index++) filter.add(hashed(`in${index}`));
    const stored = ClosedFilter.fromBytes(filter.toBytes());
    for (let index = 0; index < 16_384; index++) expect(stored.mayContain(hashed(`in${index}`))).toBe(true);
    let strangers = 0;
    for (let index = 0; index < 200_000; index++) if (stored.mayContain(hashed(`out${index}`))) strangers++;
    // 6 or 7 are to be expected.
    expect(strangers).toBeLessThan(16);
    expect(filter.sizeBytes * 8).toBeLessThan(28.1 * 16_384);
    expect(stored.toBytes()).toEqual(filter.toBytes());
  });

  test('is not read from other bytes', () => {
    const bytes = ClosedFilter.sized(100).toBytes();
    for (const other of [
      new Uint8Array(5),
      bytes.subarray(1),
      bytes.subarray(0, -4),
      Uint8Array.from(bytes).fill(1, 0, 1),
      Uint8Array.from(bytes).fill(2, 0, 1),
    ]) {
      expect(() => ClosedFilter.fromBytes(other)).toThrow(/not a key filter/);
    }
  });
});
