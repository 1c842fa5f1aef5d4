import { describe, expect, it } from 'vitest';
import { directionOf, studentAt, trendOf } from '../../bench/figures/trend.js';

const at = (values: readonly number[]) => values.map((value, index) => ({ at: index, value }));

describe('a trend', () => {
  it('is the straight line through the values', () => {
    expect(trendOf(at([1, 3, 5, 7]))).toEqual({ slope: 2, plusMinus: 0 });
    expect(trendOf(at([4, 4, 4])).slope).toBe(0);
  });

  it('is as certain as the values lie near the line', () => {
    // Worked by hand: slope 0.8, squares left over 3.6, standard error √(3.6 / 3 / 10), t of three degrees 3.182.
    const { slope, plusMinus } = trendOf(at([1, 3, 2, 5, 4]));
    expect(slope).toBeCloseTo(0.8);
    expect(plusMinus).toBeCloseTo(3.182 * Math.sqrt(3.6 / 3 / 10), 3);
  });

  it('is called one only beyond chance', () => {
    expect(directionOf(trendOf(at([1, 2.1, 2.9, 4, 5.1])))).toBe('grows');
    expect(directionOf(trendOf(at([5.1, 4, 2.9, 2.1, 1])))).toBe('shrinks');
    expect(directionOf(trendOf(at([1, 9, 2, 8, 3])))).toBe('no trend shown');
    expect(directionOf(trendOf(at([1, 2])))).toBe('too few windows');
    expect(directionOf(trendOf(at([1])))).toBe('too few windows');
  });

  it('is judged by Student, also of many values', () => {
    for (const [freedom, t] of [
      [1, 12.706],
      [10, 2.228],
      [11, 2.201],
      [30, 2.042],
      [120, 1.98],
    ] as const) {
      expect(Math.abs(studentAt(freedom) - t)).toBeLessThan(0.001);
    }
  });
});
