/** Which way a figure goes over time. */

/** Of a straight line through the values (least squares). */
export interface Trend {
  /** By unit of time. */
  readonly slope: number;
  /**
   * The slope lies within so much of it at 95 %, if what is left beside the line is chance and one value says nothing of
   * the next; null: fewer than three values.
   */
  readonly plusMinus: number | null;
}

export interface TimedValue {
  readonly at: number;
  readonly value: number;
}

export type Direction = 'grows' | 'shrinks' | 'no trend shown' | 'too few windows';

/** Student's t at 95 % on two sides, for 1, 2, 3, … degrees of freedom. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
const NORMAL = 1.959964;

/** 0 where the values do not differ in time. */
export function trendOf(values: readonly TimedValue[]): Trend {
  const middle = meanOf(values.map(({ at }) => at));
  const mean = meanOf(values.map(({ value }) => value));
  let above = 0;
  let below = 0;
  for (const { at, value } of values) {
    above += (at - middle) * (value - mean);
    below += (at - middle) ** 2;
  }
  if (below === 0) return { slope: 0, plusMinus: null };
  const slope = above / below;
  const freedom = values.length - 2;
  if (freedom < 1) return { slope, plusMinus: null };
  const left = values.reduce((sum, { at, value }) => sum + (value - mean - slope * (at - middle)) ** 2, 0);
  return { slope, plusMinus: studentAt(freedom) * Math.sqrt(left / freedom / below) };
}

/** Only where the slope is beyond chance. */
export function directionOf({ slope, plusMinus }: Trend): Direction {
  if (plusMinus === null) return 'too few windows';
  if (Math.abs(slope) <= plusMinus) return 'no trend shown';
  return slope > 0 ? 'grows' : 'shrinks';
}

/** From a table; beyond it by the first terms of its expansion about the normal distribution, exact to 0.001. */
export function studentAt(freedom: number): number {
  const known = STUDENT[freedom - 1];
  if (known !== undefined) return known;
  const z = NORMAL;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / freedom + second / freedom ** 2 + third / freedom ** 3;
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
