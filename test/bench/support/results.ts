import { histogramText, newHistogram, percentilesOf, record } from '../../../bench/figures/latency.js';
import type { BatchFigures, ClosedLoopFigures, OpenLoopFigures, Results } from '../../../bench/figures/schema.js';

/** What a load has cost beside the processor's time. */
const held = {
  walBytesPerTransaction: 210,
  switchesPerTransaction: { 'engine: fronts': 0.02, 'engine: workers': 0.05 },
  threads: {
    fronts: {
      gcPausesPerSecond: 12.5,
      gcShare: 0.031,
      gcP99Ms: 3.4,
      gcMaxMs: 5.2,
      loopP50Ms: 0.7,
      loopP99Ms: 4.1,
      loopMaxMs: 9.9,
    },
  },
};

/** Results of a run, as a quick one has them. @param changes what is different */
export function someResults(changes: Partial<Results> = {}): Results {
  const single = {
    tps: 30_000,
    ratioToFront: 0.3,
    driver: 'wrk' as const,
    connections: 256,
    front: 100_000,
    rowsPerCommit: 95,
    foldLagMs: 800,
    foldLagRecords: 20_000,
    rounds: { engine: [29_000, 31_000], front: [100_000, 100_000], ratio: [0.29, 0.31] },
    latencyMs: { p50: 6, p90: 10, p99: 18, p999: 26, max: 30 },
    cpuMicrosPerTransaction: { 'engine: fronts': 16, 'engine: workers': 6, 'load generator': 12 },
    ...held,
  };
  const bulk: BatchFigures = {
    tps: 200_000,
    ratioToCopy: 0.4,
    ratioToCopyInPieces: 0.36,
    driver: 'wrk',
    connections: 32,
    transactions: 200,
    copy: 500_000,
    copyInPieces: 560_000,
    rowsPerCommit: 1_600,
    foldLagMs: 1_500,
    foldLagRecords: 300_000,
    rounds: {
      engine: [190_000, 210_000],
      copy: [500_000, 500_000],
      ratio: [0.38, 0.42],
      copyInPieces: [560_000, 560_000],
      ratioInPieces: [0.34, 0.38],
    },
    latencyMs: { p50: 26, p90: 44, p99: 70, p999: 82, max: 86 },
    cpuMicrosPerTransaction: { 'engine: fronts': 1, 'engine: workers': 2.5, 'load generator': 0.4 },
    ...held,
  };
  return {
    version: 1,
    suite: 'quick',
    at: '2026-01-02T03:04:05.000Z',
    seconds: 40,
    machine: {
      cpus: 2,
      model: 'A processor',
      memory: 24,
      node: 'v20.20.2',
      platform: 'Linux 6 x64',
      commit: '0123abc',
      loadBefore: 0.1,
    },
    disk: { syncsPerSecond: 2_000, p50Ms: 0.4, p99Ms: 1.5 },
    single,
    singleByDriver: { wrk: single },
    batch: bulk,
    stream: { ...bulk, driver: 'stream', connections: 8, transactions: 100 },
    ordinary: { tps: 1_400, ratio: 21, rounds: { ordinary: [1_400], ratio: [21] } },
    pgbench: null,
    latency: someOpenLoop(),
    workloads: [],
    growth: [],
    stages: {},
    answered: 1_000_000,
    dropped: 600,
    stored: 1_000_200,
    refused: 0,
    agrees: true,
    foldLagMs: 1_500,
    foldLagRecords: 300_000,
    verify: 'clean',
    memory: { count: 1_000_000, nameCharacters: 21, account: 115, key: 35 },
    ...changes,
  };
}

/** A thousand latencies from 1 ms to 1,000 ms. */
function timed() {
  const histogram = newHistogram();
  for (let ms = 1; ms <= 1000; ms++) record(histogram, ms);
  const percentiles = percentilesOf(histogram);
  return {
    seconds: 10,
    connections: 64,
    requests: 1000,
    errors: 0,
    ...percentiles,
    histogram: histogramText(histogram),
  };
}

export const someOpenLoop = (): OpenLoopFigures => ({
  ...timed(),
  offeredPerSecond: 100,
  achievedPerSecond: 99.5,
  generatorLagP99Ms: 1.2,
  foldLagMs: 100,
  foldLagRecords: 50,
});

export const someClosedLoop = (connections: number, tps: number): ClosedLoopFigures => ({
  ...timed(),
  connections,
  tps,
  requestsPerSecond: tps,
  frontPerSecond: tps * 3,
  foldLagMs: 300,
  foldLagRecords: 900,
  foldLag: [
    { second: 0, records: 0, ms: 0 },
    { second: 1, records: 900, ms: 300 },
  ],
  cpuMicrosPerTransaction: { 'engine: fronts': 16, 'engine: workers': 6 },
});

/** One workload of a run. */
export const someWorkload = {
  name: 'hot-account',
  title: 'one account',
  seed: 1,
  merchants: 1,
  accounts: 1,
  transactionsPerRequest: 1,
  preparedInSeconds: 0.1,
  closed: [someClosedLoop(1, 900), someClosedLoop(64, 20_000)],
  open: [someOpenLoop()],
};
