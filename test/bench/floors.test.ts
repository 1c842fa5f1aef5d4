import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { below, bestOf, floorsText, reachedOf, readFloors } from '../../bench/figures/floors.js';
import { readResults } from '../../bench/figures/saved.js';
import { someResults } from './support/results.js';

describe('floors', () => {
  const floors = readFloors('bench/floors.json');

  it('hold for what was measured', () => {
    expect(below(floors, reachedOf(someResults()))).toEqual([]);
  });

  it('hold for every run that is kept', () => {
    const kept = readdirSync('bench/history').filter((name) => name.endsWith('.json'));
    expect(kept).not.toEqual([]);
    for (const name of kept) expect(below(floors, reachedOf(readResults(`bench/history/${name}`)))).toEqual([]);
  });

  it('name each figure that has fallen below', () => {
    const results = someResults();
    const fallen = { ...results, ordinary: { tps: 1, ratio: 1, rounds: { ordinary: [1], ratio: [1] } } };
    expect(below(floors, reachedOf(fallen))).toEqual(['ordinary.ratio']);
    expect(floorsText(floors, reachedOf(fallen))).toMatch(/ordinary\.ratio: 1, floor [\d.]+, BELOW/);
  });

  it('are held by the better of two runs: what was a bad minute is not a loss', () => {
    const bad = new Map([['batch.ratioToCopy', 0.01] as const]);
    const good = new Map([['batch.ratioToCopy', 0.4] as const]);
    expect(below(floors, bestOf([bad, good]))).toEqual([]);
    expect(below(floors, bestOf([bad, bad]))).toEqual(['batch.ratioToCopy']);
  });

  it('are figures above zero, under names that are known', () => {
    expect(() => readFloors('package.json')).toThrow(/package\.json holds no floors/);
  });
});
