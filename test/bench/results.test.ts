import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resultsOf } from '../../bench/figures/results.js';
import { readResults } from '../../bench/figures/saved.js';
import { textOf } from '../../bench/figures/text.js';
import type { EngineRound } from '../../bench/rounds.js';
import type { LoadResult } from '../../src/cli/bench/load.js';
import { someResults, someWorkload } from './support/results.js';

describe('results in a file', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bench-results-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are read as they were written, with workloads and without', () => {
    const file = join(folder, 'a.json');
    for (const results of [someResults(), someResults({ workloads: [someWorkload], single: null, batch: null })]) {
      writeFileSync(file, JSON.stringify(results));
      expect(readResults(file)).toEqual(results);
    }
  });

  it('that are something else are refused with the place of the fault', () => {
    const file = join(folder, 'a.json');
    writeFileSync(file, JSON.stringify({ ...someResults(), stored: 'many' }));
    expect(() => readResults(file)).toThrow(/a\.json holds no results of this bench: \/stored/);
  });
});

describe('results', () => {
  const load = (posted: number, p99: number): LoadResult => ({
    driver: 'wrk',
    seconds: 2,
    answers: posted,
    non2xx: 0,
    unanswered: 0,
    errors: 0,
    posted,
    latency: { p50: 1, p90: 2, p99, p999: 4, max: 5 },
  });
  const engine = (posted: number, p99: number): EngineRound => ({
    load: load(posted, p99),
    cpu: new Map([
      ['engine: workers', posted * 4],
      ['engine: fronts', posted * 16],
    ]),
    rowsPerCommit: 90,
    foldLag: { records: 100, ms: 50 },
    switches: new Map([['engine: fronts', posted / 50]]),
    walBytes: posted * 212,
    span: { from: 0, to: 2_000 },
  });
  const { machine, latency, memory } = someResults();
  const settlement = {
    answered: 1,
    dropped: 0,
    stored: 1,
    refused: 0,
    agrees: true,
    foldLagMs: 0,
    foldLagRecords: 0,
    verify: 'clean',
  };
  const results = resultsOf({
    suite: 'quick',
    at: '2026-01-02T03:04:05.000Z',
    seconds: 40.04,
    machine,
    disk: { syncsPerSecond: 2_000, p50Ms: 0.4, p99Ms: 1.5 },
    latency,
    memory,
    settlement,
    workloads: [],
    growth: [],
    stages: {},
    singles: [
      {
        driver: 'wrk',
        connections: 256,
        front: [load(200_000, 1), load(400_000, 1)],
        engine: [engine(100_000, 10), engine(120_000, 30)],
        threads: someResults().single?.threads ?? {},
        ordinary: [load(4_000, 90)],
        pgbench: [1_000, 3_000],
      },
    ],
    batch: null,
    stream: null,
  });

  it('have the median of the rounds, and of the ratios of neighbours', () => {
    expect(results.single).toMatchObject({ tps: 55_000, ratioToFront: 0.4, front: 150_000, driver: 'wrk' });
    expect(results.single?.latencyMs.p99).toBe(20);
    expect(results.single?.rounds.ratio).toEqual([0.5, 0.3]);
  });

  it('compare the ordinary way with the round of the engine beside it', () => {
    expect(results.ordinary).toMatchObject({ tps: 2_000, ratio: 25 });
  });

  it('compare pgbench with the rounds of the engine beside it, where it was there', () => {
    expect(results.pgbench).toEqual({ tps: 2_000, ratio: 35 });
    expect(textOf(results)).toMatch(/same server +2,000 +35 times as many/);
    expect(textOf(someResults())).not.toContain('pgbench');
  });

  it('have the processor time of a transaction, the dearest thread first', () => {
    expect(Object.entries(results.single?.cpuMicrosPerTransaction ?? {})).toEqual([
      ['engine: fronts', 16],
      ['engine: workers', 4],
    ]);
  });

  it('have the WAL and the context switches of a transaction, over all rounds', () => {
    expect(results.single).toMatchObject({
      walBytesPerTransaction: 212,
      switchesPerTransaction: { 'engine: fronts': 0.02 },
    });
    expect(textOf(results)).toMatch(/single, wrk +212 +0\.020/);
  });

  it('show how threads were held up, stages, and what the log costs as it grows', () => {
    const text = textOf(
      someResults({
        stages: { single: { 'front-2': { parse: 0.5, answer: 0.4 } } },
        growth: [
          {
            stored: 1_000_000,
            tps: 30_000,
            walBytesPerTransaction: 215,
            diskBytesPerTransaction: 190,
            residentBytes: 300 << 20,
          },
        ],
      }),
    );
    expect(text).toMatch(/single, wrk +fronts +3\.1 % +12\.5 +3\.4 +5\.2 +0\.7 +4\.1 +9\.9/);
    expect(text).toMatch(/single, front-2.*\nparse +0\.50\nanswer +0\.40\nall +0\.90/);
    expect(text).toMatch(/1,000,000 +30,000 +215 +190 +300/);
  });

  it('are shown with what was offered, achieved and lost beside each latency', () => {
    const text = textOf(someResults({ workloads: [someWorkload] }));
    expect(text).toMatch(/offered\/s +achieved\/s +errors +p50/);
    expect(text).toMatch(/hot-account +64 +20,000 +33 %/);
    expect(text).toMatch(/verify +clean/);
  });
});
