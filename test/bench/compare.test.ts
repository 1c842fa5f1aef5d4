import { describe, expect, it } from 'vitest';
import { chanceOf, compareText, verdictOf } from '../../bench/figures/compare.js';
import { someResults } from './support/results.js';

describe('the chance of an order', () => {
  it('is that of the exact Mann-Whitney test', () => {
    // Of 70 orders of four and four, one has all 16 wins and one has none.
    expect(chanceOf(16, 4, 4)).toBeCloseTo(2 / 70);
    expect(chanceOf(0, 4, 4)).toBeCloseTo(2 / 70);
    // Of 252 orders of five and five, 24 wins and 25 wins have one each.
    expect(chanceOf(24, 5, 5)).toBeCloseTo(4 / 252);
    expect(chanceOf(8, 4, 4)).toBe(1);
  });

  it('is counted soon, however many there are', () => {
    // One of the orders of 80 and 80 on each side: C(160, 80) is 9.2 × 10^46.
    expect(chanceOf(6400, 80, 80) / 2.17e-47).toBeCloseTo(1, 1);
    expect(chanceOf(0, 3, 2)).toBeCloseTo(2 / 10);
  });
});

describe('the verdict', () => {
  it('is given where the rounds lie apart', () => {
    expect(verdictOf([10, 11, 12, 13], [20, 21, 22, 23])).toBe('better');
    expect(verdictOf([20, 21, 22, 23], [10, 11, 12, 13])).toBe('worse');
  });

  it('is not given where they overlap, whatever the medians are', () => {
    expect(verdictOf([10, 11, 12, 13, 30], [14, 15, 29, 31, 9])).toBe('no difference shown');
    expect(verdictOf([10, 10, 10, 10], [10, 10, 10, 10])).toBe('no difference shown');
  });

  it('is not given of rounds so few that chance alone can part them', () => {
    expect(verdictOf([10, 11], [100, 110])).toBe('too few rounds');
    expect(verdictOf([10, 11, 12], [100, 110, 120])).toBe('too few rounds');
  });
});

describe('the comparison of two runs', () => {
  const withRatios = (ratio: number[]) => {
    const results = someResults();
    const { single } = results;
    if (single === null) throw new Error('it has one');
    return { ...results, singleByDriver: { wrk: { ...single, rounds: { ...single.rounds, ratio } } } };
  };

  it('shows medians, spread, change and verdict of what both have', () => {
    const text = compareText(withRatios([0.3, 0.31, 0.32, 0.33]), withRatios([0.4, 0.41, 0.42, 0.43]));
    expect(text).toMatch(/single, wrk: of the bare front +0\.315 ±5 % +0\.415 ±4 % +\+32 % +better/);
    expect(text).toMatch(/batches: of bare COPY .* too few rounds/);
    expect(text).not.toContain('autocannon');
  });

  it('gives no verdict on another machine', () => {
    const { machine } = someResults();
    const other = { ...someResults(), machine: { ...machine, cpus: 64 } };
    expect(compareText(someResults(), other)).toMatch(/times the ordinary way .* other machine/);
  });
});
