/** Axes of a plot: from a value to its place, and where the marks stand. */

export interface Mark {
  readonly value: number;
  readonly label: string;
}

export interface Axis {
  readonly title: string;
  readonly marks: readonly Mark[];
  /** From 0 at the axis' beginning to 1 at its end. */
  place(value: number): number;
}

const STEPS = [1, 2, 5, 10];
const MARKS = 5;

/** From 0 to a round number that is not below `most`. */
export function linear(title: string, most: number, label: (value: number) => string = compact): Axis {
  const step = roundStep(most / MARKS);
  const end = Math.max(step, Math.ceil(most / step - 1e-9) * step);
  const marks: Mark[] = [];
  for (let index = 0; index * step <= end + step / 2; index++)
    marks.push({ value: index * step, label: label(index * step) });
  return { title, marks, place: (value) => value / end };
}

/** Powers of ten around the values; all of them above 0. */
export function logarithmic(
  title: string,
  least: number,
  most: number,
  label: (value: number) => string = compact,
): Axis {
  const from = Math.floor(Math.log10(least) + 1e-9);
  const to = Math.max(from + 1, Math.ceil(Math.log10(most) - 1e-9));
  const marks = Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index));
  return {
    title,
    marks: marks.map((value) => ({ value, label: label(value) })),
    place: (value) => (Math.log10(value) - from) / (to - from),
  };
}

/** Values that stand for themselves, each as far from the next: connections of 1, 8, 64. */
export function listed(title: string, values: readonly number[]): Axis {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  const last = Math.max(1, sorted.length - 1);
  return {
    title,
    marks: sorted.map((value) => ({ value, label: compact(value) })),
    place: (value) => sorted.indexOf(value) / last,
  };
}

/** Percentiles by their nines: 0, 90, 99, 99.9 % are as far from each other. */
export function nines(most: number): Axis {
  const end = Math.max(1, Math.ceil(most - 1e-9));
  const marks = Array.from({ length: end + 1 }, (_, value) => ({
    value,
    label: value === 0 ? '0 %' : `${(100 * (1 - 10 ** -value)).toFixed(Math.max(0, value - 2))} %`,
  }));
  return { title: 'percentile', marks, place: (value) => value / end };
}

function roundStep(least: number): number {
  if (!(least > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  return (STEPS.find((step) => step * power >= least * (1 - 1e-9)) ?? 10) * power;
}

/** 1,200,000 as "1.2 M", 30,000 as "30 k". */
export function compact(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${trim(value / 1e6)} M`;
  if (size >= 1e4) return `${trim(value / 1e3)} k`;
  return size >= 1000 ? Math.round(value).toLocaleString('en') : trim(value);
}

const trim = (value: number): string => String(Number(value.toPrecision(3)));
