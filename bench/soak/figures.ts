/** What the windows of a soak say together. */
import { verdictOf } from '../figures/compare.js';
import { medianOf } from '../figures/spread.js';
import { directionOf, meanOf, trendOf } from '../figures/trend.js';
import type { SoakResults, SoakWindow, TrendFigures } from './schema.js';

const SECONDS_PER_HOUR = 3_600;
const WORDS = {
  better: 'fell',
  worse: 'rose',
  'no difference shown': 'no difference shown',
  'too few rounds': 'too few windows',
} as const;

/** Of windows, in the order in which they are shown. */
export const TRENDS = [
  'p50Ms',
  'p99Ms',
  'p999Ms',
  'engineBytes',
  'serverBytes',
  'foldLagMs',
  'walFileBytes',
] as const satisfies readonly (keyof SoakWindow)[];

/** @param windows at least three */
export function summaryOf(
  windows: readonly SoakWindow[],
): Pick<SoakResults, 'p99' | 'trends' | 'engineBytesPerTransaction'> {
  const third = Math.floor(windows.length / 3);
  const settled = windows.slice(third);
  const trends = Object.fromEntries(TRENDS.map((name) => [name, trendFigures(settled, name)]));
  const achieved = meanOf(settled.map(({ achievedPerSecond }) => achievedPerSecond));
  const { perHour = 0 } = trends.engineBytes ?? {};
  return {
    p99: p99Of(windows.slice(0, third), windows.slice(-third)),
    trends,
    engineBytesPerTransaction: achieved === 0 ? 0 : perHour / SECONDS_PER_HOUR / achieved,
  };
}

function p99Of(first: readonly SoakWindow[], last: readonly SoakWindow[]): SoakResults['p99'] {
  const [before, after] = [first, last].map((windows) => windows.map(({ p99Ms }) => p99Ms)) as [number[], number[]];
  return {
    firstMs: medianOf(before),
    lastMs: medianOf(after),
    // More is better to the test, and less is to a latency: the last third stands for what was before.
    verdict: WORDS[verdictOf(after, before)],
  };
}

function trendFigures(windows: readonly SoakWindow[], name: (typeof TRENDS)[number]): TrendFigures {
  const values = windows.map((window) => ({ at: window.second / SECONDS_PER_HOUR, value: window[name] }));
  const trend = trendOf(values);
  return {
    mean: meanOf(values.map(({ value }) => value)),
    perHour: trend.slope,
    plusMinus: trend.plusMinus,
    direction: directionOf(trend),
  };
}
