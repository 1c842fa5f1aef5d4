import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClosedFilter } from '../../src/ledger/keys/closed-filter.js';
import { ClosedFilters } from '../../src/ledger/keys/closed-filters.js';
import { KeyWindow, MAYBE_ELSEWHERE } from '../../src/ledger/keys/window.js';
import { keyHash, SECOND, START } from './helpers.js';

const T0 = START / SECOND;
const hashOf = (text: string): Int32Array => {
  const hash = new Int32Array(4);
  keyHash(1, new TextEncoder().encode(text), hash);
  return hash;
};
const filterOf = (keys: readonly Int32Array[], size = keys.length): ClosedFilter => {
  const filter = ClosedFilter.sized(size);
  for (const key of keys) filter.add(key);
  return filter;
};
const done = (steps: Iterable<unknown>): number => [...steps].length;
const sorted = (partitions: Iterable<number>): number[] => [...partitions].sort((a, b) => a - b);

const words = fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: 4, maxLength: 4 });
const hashes = fc.array(
  words.map((four) => Int32Array.from(four)),
  { minLength: 1, maxLength: 40 },
);
/** Filters of the larger size are laid across in several steps. */
const sizes = fc.constantFrom(40, 20_000);
/** What is done to the filters: one more, one less, all that is due laid across, with others going meanwhile, or a part of it. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), keys: hashes, size: sizes }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant({ do: 'slice' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget while slicing' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave off slicing' as const), steps: fc.nat({ max: 30 }) }) },
);

test('filters laid across say what each of them says by itself, whatever was added and forgotten meanwhile', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), hashes, (steps, strangers) => {
      const filters = new ClosedFilters();
      const model = new Map<number, { readonly filter: ClosedFilter; readonly keys: readonly Int32Array[] }>();
      const forget = (which: number): void => {
        const partition = [...model.keys()][which % Math.max(1, model.size)];
        if (partition === undefined) return;
        filters.forget(partition);
        model.delete(partition);
      };
      for (const [partition, one] of steps.entries()) {
        if (one.do === 'add') {
          model.set(partition, { filter: filterOf(one.keys, one.size), keys: one.keys });
          filters.add(partition, filterOf(one.keys, one.size));
        } else if (one.do === 'forget') forget(one.which);
        else if (one.do === 'slice') done(filters.slice());
        else if (one.do === 'forget while slicing') for (const _step of filters.slice()) forget(one.which);
        else {
          let left = one.steps;
          for (const _step of filters.slice()) if (left-- <= 0) break;
        }
        for (const hash of [...strangers, ...[...model.values()].flatMap(({ keys }) => keys)]) {
          const expected = [...model].filter(([, { filter }]) => filter.mayContain(hash)).map(([number]) => number);
          expect(sorted(filters.partitionsOf(hash))).toEqual(sorted(expected));
          expect(filters.mayContain(hash)).toBe(expected.length > 0);
        }
      }
    }),
    { numRuns: 150 },
  );
});

test('filters of one size are laid across when there are four of them, in steps, and take no more memory than sixteen', () => {
  const keys = 40_000;
  const filters = new ClosedFilters();
  const one = ClosedFilter.sized(keys).sizeBytes;
  const add = (partition: number): void => {
    const filter = ClosedFilter.sized(keys);
    filter.add(hashOf(`k${partition}`));
    filters.add(partition, filter);
  };
  for (let partition = 0; partition < 3; partition++) add(partition);
  expect(done(filters.slice())).toBe(0);
  expect(filters.sizeBytes).toBe(3 * one);
  add(3);
  expect(done(filters.slice())).toBeGreaterThan(16);
  expect(filters.sizeBytes).toBe(16 * one);
  for (let partition = 4; partition < 16; partition++) add(partition);
  done(filters.slice());
  expect(filters.sizeBytes).toBe(16 * one);
  for (let partition = 0; partition < 16; partition++) {
    expect(filters.partitionsOf(hashOf(`k${partition}`))).toEqual(new Set([partition]));
    filters.forget(partition);
    expect(filters.mayContain(hashOf(`k${partition}`))).toBe(false);
  }
  expect(filters.sizeBytes).toBe(0);
});

test('filters of nearly as many keys have one size, which is a quarter more than asked for at most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 20 }), (keys) => {
      const asked = Math.ceil((keys * 28) / 512);
      const { blocks } = ClosedFilter.sized(keys);
      expect(blocks).toBeGreaterThanOrEqual(asked);
      expect(blocks).toBeLessThanOrEqual(asked * 1.25 + 1);
      expect(ClosedFilter.fromBytes(ClosedFilter.sized(keys).toBytes()).blocks).toBe(blocks);
    }),
  );
  expect(ClosedFilter.sized(2 ** 20 - 1000).blocks).toBe(ClosedFilter.sized(2 ** 20).blocks);
});

test('whether there is anything to lay across is known without looking', () => {
  const filters = new ClosedFilters();
  expect(filters.mayBeSliced).toBe(false);
  for (let partition = 0; partition < 5; partition++) filters.add(partition, ClosedFilter.sized(10));
  expect(filters.mayBeSliced).toBe(true);
  const steps = filters.slice();
  while (steps.next().value === false);
  expect(filters.mayBeSliced, 'one of five is done').toBe(true);
  expect(done(steps)).toBe(8);
  expect(filters.mayBeSliced).toBe(false);
});

test('keys of a partition go to the same buckets, however many of them are counted', () => {
  const few = new KeyWindow(2 ** 17);
  const many = new KeyWindow(2 ** 17);
  for (const [keys, count] of [
    [few, 3],
    [many, 70_000],
  ] as const) {
    keys.configure({ keyWindow: 100 * SECOND, keysMax: 1_000_000, keysGuaranteed: 0 });
    keys.setBooks(1);
    for (let position = 1; position <= count; position++) {
      keys.remember(hashOf(`k${position}`), 1, position, START, START + 100 * SECOND);
    }
  }
  expect(few.sortedEntries(0).buckets).toBe(many.sortedEntries(0).buckets);
});

test('a window finds keys of closed partitions before, while and after their filters are laid across, and forgets them in time', () => {
  const keys = new KeyWindow(10);
  keys.configure({ keyWindow: 100 * SECOND, keysMax: 1000, keysGuaranteed: 0 });
  keys.setBooks(1);
  for (let position = 1; position <= 125; position++) {
    keys.remember(hashOf(`k${position}`), 1, position, (T0 + position) * SECOND, (T0 + position + 200) * SECOND);
  }
  for (let partition = 0; partition < 12; partition++) {
    const entries = keys.sortedEntries(partition);
    done(entries.chunks());
    keys.close(partition, entries.filter);
    if (partition < 8) keys.retire(partition);
  }
  const findAll = (second: number): void => {
    for (let position = 1; position <= 120; position++) {
      const found = keys.find(hashOf(`k${position}`), second * SECOND);
      const inMemory = position > 80;
      // Those that are not in memory are let go with the last of their partition.
      const lasts = (inMemory ? position : Math.ceil(position / 10) * 10) + T0 + 200 > second;
      expect(found, `k${position}`).toBe(!lasts ? 0 : inMemory ? position : MAYBE_ELSEWHERE);
    }
  };
  findAll(T0 + 130);
  for (const _step of keys.sliceFilters()) findAll(T0 + 130);
  findAll(T0 + 130);
  expect(keys.find(hashOf('k121'), (T0 + 130) * SECOND)).toBe(121);
  findAll(T0 + 230);
  expect(keys.forget((T0 + 230) * SECOND)).toEqual([0, 1, 2]);
  findAll(T0 + 230);
  expect(keys.takeForgotten()).toEqual([0, 1, 2]);
  expect(keys.forget((T0 + 320) * SECOND)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(keys.takeForgotten()).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(keys.takeForgotten()).toEqual([]);
  findAll(T0 + 320);
});
