/** What several rounds of one measurement come to. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws Error where there is nothing to sum up */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const min = sorted[0];
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) throw new Error('no measurement to sum up');
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? max;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? min) + upper) / 2;
  return { median, min, max };
}

/** @throws Error where there is nothing to sum up */
export const medianOf = (values: readonly number[]): number => spreadOf(values).median;

/** Of two series that were measured in turn, the ratio of each to its neighbour, so that a slow minute counts for both. */
export const ratiosOf = (ours: readonly number[], limit: readonly number[]): number[] =>
  ours.slice(0, limit.length).map((value, index) => value / (limit[index] ?? Number.NaN));

/** Half of the distance between the extremes, in percent of the median: "±7 %". */
export function spreadText({ median, min, max }: Spread): string {
  return median === 0 ? '' : `±${Math.round(((max - min) / 2 / median) * 100)} %`;
}
