import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FoldPace } from '../../../src/engine/shard/fold-pace.js';

const MAX = 1_000;

function paceAt(lag: number, tookMs: number): number {
  const pace = new FoldPace(MAX, () => undefined);
  pace.folded(0);
  return pace.restMs(lag, tookMs);
}

it('nothing rests before the folds were seen, nor up to the bound', () => {
  expect(new FoldPace(MAX, () => undefined).restMs(1_000_000, 50)).toBe(0);
  expect(paceAt(MAX, 50)).toBe(0);
  expect(paceAt(MAX + 1, 50)).toBeGreaterThan(0);
});

it('a rest is in proportion to the commit and to how far beyond the bound the folds are, four times it at most', () => {
  expect(paceAt(1.1 * MAX, 50)).toBeCloseTo(20);
  expect(paceAt(1.5 * MAX, 50)).toBeCloseTo(100);
  expect(paceAt(1.999 * MAX, 50)).toBeCloseTo(200, 0);
});

it('no rest is longer than a quarter of a second, and at twice the bound every one is', () => {
  expect(paceAt(1.9 * MAX, 10_000)).toBe(250);
  expect(paceAt(2 * MAX, 0)).toBe(250);
  expect(paceAt(1_000 * MAX, 0)).toBe(250);
});

it('a rest never falls as the lag grows', () => {
  fc.assert(
    fc.property(fc.nat(5 * MAX), fc.nat(5 * MAX), fc.integer({ min: 1, max: 5_000 }), (one, other, tookMs) => {
      expect(paceAt(Math.min(one, other), tookMs)).toBeLessThanOrEqual(paceAt(Math.max(one, other), tookMs));
    }),
  );
});

it('passing the bound is told once, and again only after the folds came within half of it', () => {
  const told: number[] = [];
  const pace = new FoldPace(MAX, (records) => told.push(records));
  pace.folded(0);
  for (const committed of [900, 1_100, 1_500]) pace.restMs(committed, 10);
  pace.folded(900);
  for (const committed of [1_600, 2_000]) pace.restMs(committed, 10);
  expect(told).toEqual([1_100]);
  pace.folded(1_600);
  for (const committed of [2_000, 2_700, 2_800]) pace.restMs(committed, 10);
  expect(told).toEqual([1_100, 1_100]);
  expect(pace.restedMs).toBeGreaterThan(0);
});
