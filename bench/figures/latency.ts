/** Latencies as HDR histograms of µs: exact to three digits, added up without loss, drawn by percentile. */
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

const MICROS_MAX = 120_000_000;
const BASE = 10;
/** Points that a plot has for each nine of its percentiles. */
const PER_NINE = 8;

export const newHistogram = (): Histogram =>
  build({ lowestDiscernibleValue: 1, highestTrackableValue: MICROS_MAX, numberOfSignificantValueDigits: 3 });

export const record = (into: Histogram, ms: number): void =>
  into.recordValue(Math.min(MICROS_MAX, Math.max(1, Math.round(ms * 1000))));

export const histogramText = (histogram: Histogram): string => encodeIntoCompressedBase64(histogram);

/** All of several phases in one. @param texts of {@link histogramText} */
export function merged(texts: readonly string[]): Histogram {
  const sum = newHistogram();
  for (const text of texts) sum.add(decodeFromCompressedBase64(text));
  return sum;
}

export interface Percentiles {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export const percentilesOf = (histogram: Histogram): Percentiles => ({
  p50Ms: histogram.getValueAtPercentile(50) / 1000,
  p90Ms: histogram.getValueAtPercentile(90) / 1000,
  p99Ms: histogram.getValueAtPercentile(99) / 1000,
  p999Ms: histogram.getValueAtPercentile(99.9) / 1000,
  maxMs: histogram.maxValue / 1000,
});

export interface CurvePoint {
  /** How many nines: 1 for 90 %, 2 for 99 %, 2.5 for 99.68 %. */
  readonly nines: number;
  readonly ms: number;
}

/** From the least latency to the greatest, as far into the nines as there are samples. */
export function curveOf(text: string): CurvePoint[] {
  const histogram = decodeFromCompressedBase64(text);
  if (histogram.totalCount === 0) return [];
  const most = Math.log10(histogram.totalCount);
  const points: CurvePoint[] = [];
  for (let step = 0; step / PER_NINE < most; step++) {
    const nines = step / PER_NINE;
    points.push({ nines, ms: histogram.getValueAtPercentile(100 * (1 - BASE ** -nines)) / 1000 });
  }
  points.push({ nines: most, ms: histogram.maxValue / 1000 });
  return points;
}
