/** The plots of a run; none of what it did not measure. */
import { bulksOf } from '../figures/bulks.js';
import { curveOf } from '../figures/latency.js';
import type { OpenLoopFigures, Results } from '../figures/schema.js';
import { linear, listed, logarithmic, nines } from './axis.js';
import { type Bar, barChart, type Line, lineChart, type Plot } from './chart.js';

const msLabel = (ms: number): string => (ms >= 1000 ? `${ms / 1000} s` : `${Number(ms.toPrecision(2))} ms`);
const perSecond = (rate: number): string => `${Math.round(rate).toLocaleString('en')}/s`;

/** Of open loops, each from the intended start. */
export function latencyPlots({ latency, workloads }: Results): Plot[] {
  const named: (readonly [string, OpenLoopFigures])[] = [
    ...(latency === null ? [] : [['single', latency] as const]),
    ...workloads.flatMap(({ name, open }) => open.map((one) => [name, one] as const)),
  ];
  const lines = named
    .map(([name, one]) => ({
      name: `${name}, ${perSecond(one.offeredPerSecond)}`,
      points: curveOf(one.histogram).map((point) => [point.nines, point.ms] as const),
    }))
    .filter(({ points }) => points.length > 0);
  return chunks(lines).map(percentileChart);
}

/** Lines that a plot can show and still be read. */
const LINES_MAX = 6;

const chunks = (lines: readonly Line[]): Line[][] =>
  Array.from({ length: Math.ceil(lines.length / LINES_MAX) }, (_, index) =>
    lines.slice(index * LINES_MAX, (index + 1) * LINES_MAX),
  );

function percentileChart(lines: readonly Line[]): Plot {
  const all = lines.flatMap(({ points }) => points);
  const y = logarithmic('latency', Math.min(...all.map(([, ms]) => ms)), Math.max(...all.map(([, ms]) => ms)), msLabel);
  return lineChart('Latency by percentile, from the intended start', nines(Math.max(...all.map(([x]) => x))), y, lines);
}

/** Of workloads that were run with two numbers of connections at least. */
export function throughputPlots({ workloads }: Results): Plot[] {
  return workloads
    .filter(({ closed }) => closed.length > 1)
    .map(({ name, closed }) => {
      const requests = closed.map((one) => [one.connections, one.requestsPerSecond] as const);
      const front = closed.map((one) => [one.connections, one.frontPerSecond] as const);
      const most = Math.max(...requests.map(([, rate]) => rate), ...front.map(([, rate]) => rate));
      return lineChart(
        `${name}: requests a second over connections`,
        listed(
          'connections, a closed loop on each',
          closed.map(({ connections }) => connections),
        ),
        linear('requests a second', most),
        [
          { name: 'the engine', points: requests },
          { name: 'the bare front, same generator', isLimit: true, points: front },
        ],
      );
    });
}

/** How far the folds were behind while the longest load of each workload ran. */
export function lagPlots({ workloads }: Results): Plot[] {
  const lines = workloads.flatMap(({ name, closed }) => {
    const last = closed.at(-1);
    if (last === undefined || last.foldLag.length < 2) return [];
    const points = last.foldLag.map(({ second, ms }) => [second, ms / 1000] as const);
    return [{ name: `${name}, ${last.connections} connections`, points }];
  });
  return chunks(lines).map((some) => {
    const all = some.flatMap(({ points }) => points);
    const x = linear('seconds of the load', Math.max(...all.map(([second]) => second)));
    return lineChart('Folds behind the log', x, linear('seconds behind', Math.max(...all.map(([, lag]) => lag))), some);
  });
}

/** CPU µs a transaction. Batches are cheap by comparison, and have a scale of their own. */
export function cpuPlots(results: Results): Plot[] {
  const { singleByDriver, workloads } = results;
  const singles = Object.values(singleByDriver).map(({ driver, cpuMicrosPerTransaction }) =>
    barOf(`single, ${driver}`, cpuMicrosPerTransaction),
  );
  const batches = bulksOf(results).map(({ name, figures }) => barOf(name, figures.cpuMicrosPerTransaction));
  const others = workloads.flatMap(({ name, closed, transactionsPerRequest }) => {
    const last = closed.at(-1);
    if (last === undefined) return [];
    return [{ bar: barOf(name, last.cpuMicrosPerTransaction), isBatch: transactionsPerRequest > 1 }];
  });
  const ofBars = (isBatch: boolean): Bar[] => others.filter((one) => one.isBatch === isBatch).map(({ bar }) => bar);
  return [
    ...cpuCharts('CPU of a single transaction, by thread and process', [...singles, ...ofBars(false)]),
    ...cpuCharts('CPU of a transaction in a batch', [...batches, ...ofBars(true)]),
  ];
}

/** The parts of all bars, so that each has one colour in all plots. */
const PARTS = [
  'engine: fronts',
  'engine: workers',
  'postgres: sessions that commit',
  'postgres: sessions that fold',
  'engine: garbage collection, compilers, file I/O',
  'engine: other threads',
  'postgres: others',
  'load generator',
] as const;

function partOf(label: string): (typeof PARTS)[number] {
  const own = PARTS.find((part) => part === label);
  return own ?? (label.startsWith('postgres: ') ? 'postgres: others' : 'engine: other threads');
}

function barOf(name: string, cpu: Readonly<Record<string, number>>): Bar {
  const sums = new Map<string, number>();
  for (const [label, micros] of Object.entries(cpu)) {
    const part = partOf(label);
    sums.set(part, (sums.get(part) ?? 0) + micros);
  }
  return { name, parts: PARTS.map((part) => ({ name: part, value: sums.get(part) ?? 0 })) };
}

/** µs a transaction by stage, of each load's fronts and workers. */
export function stagePlots({ stages }: Results): Plot[] {
  return Object.entries(stages).map(([load, threads]) => {
    const named = [...new Set(Object.values(threads).flatMap((of) => Object.keys(of)))];
    const bars = Object.entries(threads).map(([name, of]) => ({
      name,
      parts: named.map((stage) => ({ name: stage, value: of[stage] ?? 0 })),
    }));
    const most = Math.max(...bars.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0)));
    return barChart(`Stages of ${load}, by the clock`, linear('µs a transaction', most), named, bars);
  });
}

function cpuCharts(title: string, bars: readonly Bar[]): Plot[] {
  if (bars.length === 0) return [];
  const most = Math.max(...bars.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0)));
  return [barChart(title, linear('µs a transaction', most), PARTS, bars)];
}

export function growthPlots({ growth }: Results): Plot[] {
  if (growth.length < 2) return [];
  const points = growth.map(({ stored, tps }) => [stored, tps] as const);
  const x = linear('transactions in the log', Math.max(...points.map(([stored]) => stored)));
  const y = linear('transactions a second', Math.max(...points.map(([, tps]) => tps)));
  return [lineChart('Speed as the log grows', x, y, [{ name: 'single', points }])];
}

/** All that the run has. */
export const plotsOf = (results: Results): Plot[] =>
  [throughputPlots, latencyPlots, cpuPlots, stagePlots, lagPlots, growthPlots].flatMap((plots) => plots(results));
