import { describe, expect, it } from 'vitest';
import { curveOf, histogramText, merged, newHistogram, percentilesOf, record } from '../../bench/figures/latency.js';

const histogramOf = (from: number, to: number): string => {
  const histogram = newHistogram();
  for (let ms = from; ms <= to; ms++) record(histogram, ms);
  return histogramText(histogram);
};

describe('latencies of several phases', () => {
  it('are added up exactly: their percentiles are those of all samples, not a mean of percentiles', () => {
    const sum = merged([histogramOf(1, 900), histogramOf(901, 1000)]);
    expect(sum.totalCount).toBe(1000);
    const { p50Ms, p90Ms, p99Ms, maxMs } = percentilesOf(sum);
    for (const [found, expected] of [
      [p50Ms, 500],
      [p90Ms, 900],
      [p99Ms, 990],
      [maxMs, 1000],
    ] as const) {
      // Three digits are kept.
      expect(Math.abs(found - expected) / expected).toBeLessThan(0.002);
    }
  });
});

describe('the curve of latencies', () => {
  it('rises from the least to the greatest, as far into the nines as there are samples', () => {
    const curve = curveOf(histogramOf(1, 1000));
    expect(curve[0]).toMatchObject({ nines: 0 });
    expect(curve[0]?.ms).toBeCloseTo(1, 1);
    expect(curve.at(-1)?.nines).toBeCloseTo(3, 5);
    expect(curve.at(-1)?.ms).toBeGreaterThanOrEqual(999);
    for (const [index, { ms }] of curve.entries()) expect(ms).toBeGreaterThanOrEqual(curve[index - 1]?.ms ?? 0);
    expect(curve.find(({ nines }) => nines === 1)?.ms).toBeCloseTo(900, -1);
  });

  it('of no sample is empty', () => {
    expect(curveOf(histogramText(newHistogram()))).toEqual([]);
  });
});
