import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { commandOf } from '../../bench/command.js';
import { parseProportional } from '../../bench/proc.js';
import { windowsIn } from '../../bench/soak/command.js';
import { summaryOf } from '../../bench/soak/figures.js';
import { type SoakResults, SoakSchema, type SoakWindow } from '../../bench/soak/schema.js';
import { soakText, windowText } from '../../bench/soak/text.js';
import { someResults } from './support/results.js';

const MIB = 2 ** 20;
const WINDOW_S = 30;

/** Twelve of them. @param of what differs in the window of this number */
const windowsOf = (of: (index: number) => Partial<SoakWindow>): SoakWindow[] =>
  Array.from({ length: 12 }, (_, index) => ({
    second: (index + 1) * WINDOW_S,
    offeredPerSecond: 1_000,
    achievedPerSecond: 1_000,
    errors: 0,
    errorsByKind: {},
    p50Ms: 1,
    p99Ms: 5 + (index % 3),
    p999Ms: 9,
    generatorLagP99Ms: 1,
    engineBytes: 300 * MIB,
    serverBytes: 500 * MIB,
    walFileBytes: 64 * MIB,
    foldLagMs: 400,
    foldLagRecords: 400,
    ...of(index),
  }));

const resultsOf = (windows: SoakWindow[]): SoakResults => ({
  version: 1,
  at: '2026-01-02T03:04:05.000Z',
  seconds: 400,
  machine: someResults().machine,
  connections: 256,
  seed: 5,
  capacity: { perSecond: 1_250, rounds: [1_200, 1_250, 1_300] },
  share: 0.8,
  offeredPerSecond: 1_000,
  windowS: WINDOW_S,
  windows,
  ...summaryOf(windows),
  settlement: {
    answered: 1,
    dropped: 0,
    stored: 1,
    refused: 0,
    agrees: true,
    foldLagMs: 0,
    foldLagRecords: 0,
    verify: 'clean',
  },
});

describe('a soak', () => {
  it('says whether p99 has risen from the first third to the last', () => {
    expect(summaryOf(windowsOf(() => ({}))).p99).toEqual({
      firstMs: 5.5,
      lastMs: 6.5,
      verdict: 'no difference shown',
    });
    expect(summaryOf(windowsOf((index) => ({ p99Ms: 5 + index }))).p99.verdict).toBe('rose');
    expect(summaryOf(windowsOf((index) => ({ p99Ms: 50 - index }))).p99.verdict).toBe('fell');
  });

  it('says by how much memory grows, by the hour and by the transaction', () => {
    // 3,000,000 bytes in each half minute of 1,000 transactions a second.
    const { trends, engineBytesPerTransaction } = summaryOf(
      windowsOf((index) => ({ engineBytes: 300 * MIB + index * 3_000_000 })),
    );
    expect(trends.engineBytes).toMatchObject({ direction: 'grows' });
    expect(trends.engineBytes?.perHour).toBeCloseTo(360_000_000, -3);
    expect(engineBytesPerTransaction).toBeCloseTo(100);
    expect(trends.serverBytes?.direction).toBe('no trend shown');
  });

  it('does not take for a trend what is filled once at the start', () => {
    const filled = (index: number): number => (Math.min(index, 4) + (index % 2) / 100) * 100 * MIB;
    expect(summaryOf(windowsOf((index) => ({ serverBytes: filled(index) }))).trends.serverBytes?.direction).toBe(
      'no trend shown',
    );
  });

  it('says of which kind errors were', () => {
    const [window] = windowsOf(() => ({ errors: 4, errorsByKind: { '503': 3, 'given up': 1 } }));
    expect(window && windowText(window)).toContain('4 errors (503: 3, given up: 1)');
  });

  const results = resultsOf(windowsOf((index) => ({ engineBytes: (300 + index) * MIB })));

  it('is kept as its schema says', () => {
    expect(Value.Errors(SoakSchema, results)).toEqual([]);
  });

  it('is shown by window, and in words', () => {
    const text = soakText(results);
    expect(text).toMatch(/came to 1,250 single transactions\/s; 1,000\/s \(80 %\) were offered in 12 windows of 30 s/);
    expect(text).toMatch(/\n360 +1,000 +1,000 +0 +1\.00 +7\.00 +9\.00 +1\.00 +311 +500 +64 +0\.4 s, 400 records\n/);
    expect(text).toMatch(/memory of the engine, MiB +307\.5 +\+120\.0 +0\.0 +grows/);
    expect(text).toContain('p99: 5.50 ms in the first third, 6.50 ms in the last: no difference shown.');
    expect(text).toContain('Memory of the engine: grows, 35.0 bytes a transaction.');
  });
});

describe('the command', () => {
  it('has windows of half a minute, never so few that nothing can be said of them', () => {
    expect([30 * 60, 6 * 60, 60, 86_400].map(windowsIn)).toEqual([60, 12, 12, 240]);
  });

  it.each([
    [['soak', 'long'], /soak takes options alone; it has "long"/],
    [['soak', '--minutes', '0'], /--minutes takes numbers from 0\.2 to 10080; it has "0"/],
    [['soak', '--share', '1.5'], /--share takes numbers from 0\.01 to 1; it has "1\.5"/],
    [['soak', '--share', ''], /--share takes numbers/],
    [['soak', '--seed', '1.5'], /--seed takes integers/],
  ])('%j is refused', (args, why) => {
    expect(() => commandOf(args)).toThrow(why);
  });
});

it('memory that processes share is read in part from each', () => {
  expect(parseProportional('00400000-7ffe ---p 00000000 00:00 0 [rollup]\nRss:  9000 kB\nPss:  1200 kB\n')).toBe(
    1_228_800,
  );
});
