import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { commandOf } from '../../bench/command.js';
import { type Side, sidesOf } from '../../bench/knob/figures.js';
import { type KnobResults, KnobSchema } from '../../bench/knob/schema.js';
import { knobText } from '../../bench/knob/text.js';
import { variantOf } from '../../bench/knob/variant.js';
import type { EngineRound } from '../../bench/rounds.js';
import { someResults } from './support/results.js';

describe('a variant', () => {
  it('is settings of the engine by their dotted names, as its environment', () => {
    expect(variantOf('batch.records_max=800,http.threads=2')).toEqual({
      name: 'batch.records_max=800,http.threads=2',
      environment: { MILLRACE_BATCH__RECORDS_MAX: '800', MILLRACE_HTTP__THREADS: '2' },
      server: {},
    });
  });

  it('is settings of the Postgres servers too', () => {
    expect(variantOf('in_flight_max=10,postgres.wal_compression=pglz')).toMatchObject({
      environment: { MILLRACE_IN_FLIGHT_MAX: '10' },
      server: { wal_compression: 'pglz' },
    });
  });

  it('that promises less than durable says in whose name, unless it is said', () => {
    expect(variantOf('durability.synchronous_commit=off').environment).toHaveProperty(
      'MILLRACE_DURABILITY__ACCEPT_LOSS',
    );
    expect(variantOf('durability.synchronous_commit=off,durability.accept_loss=mine').environment).toHaveProperty(
      'MILLRACE_DURABILITY__ACCEPT_LOSS',
      'mine',
    );
  });

  it.each([
    ['batch.records_max', /it has "batch\.records_max"/],
    ['batch.records_max=1,', /it has ""/],
    ['batch.record_max=800', /batch\.record_max: there is no such key; did you mean "records_max"/],
    ['batch.records_max=0', /batch\.records_max: is 0, must be an integer from 1/],
    ['ring.bytes=65537', /ring\.bytes: is 65537, must be a power of two/],
    ['http.port=9000', /http\.port: is the bench's own/],
    ['store.kind=pglite', /store\.kind: is the bench's own/],
    ['postgres.shared_buffers=1GB', /postgres\.shared_buffers: .* command line/],
    ['postgres.statement_timeout=5', /postgres\.statement_timeout: .* sessions set it/],
  ])('%s is refused before an engine is started', (text, why) => {
    expect(() => variantOf(text)).toThrow(why);
  });
});

describe('the command', () => {
  it.each([
    [['knob'], /knob takes NAME=VALUE/],
    [['knob', 'http.threads=2', '--shape', 'stream'], /--shape takes single or batches; it has "stream"/],
    [['knob', 'http.threads=2', '--rounds', '0'], /--rounds takes integers from 1/],
  ])('%j is refused', (args, why) => {
    expect(() => commandOf(args)).toThrow(why);
  });

  it('may take the longer, the more engines there are', () => {
    const [one, two] = [['http.threads=2'], ['http.threads=2', 'workers.threads=2']].map(
      (texts) => commandOf(['knob', ...texts])?.maxMs ?? 0,
    );
    expect(two).toBeGreaterThan(one ?? 0);
  });
});

const round = (posted: number): EngineRound => ({
  load: {
    driver: 'wrk',
    seconds: 2,
    answers: posted,
    non2xx: 0,
    unanswered: 0,
    errors: 0,
    posted,
    latency: { p50: 1, p90: 2, p99: 3, p999: 4, max: 5 },
  },
  cpu: new Map([
    ['engine: fronts', posted * 16],
    ['load generator', posted * 10],
  ]),
  rowsPerCommit: 90,
  foldLag: { records: 100, ms: 50 },
  switches: new Map(),
  walBytes: posted * 200,
  span: { from: 0, to: 2_000 },
});

const side = (name: string, ...posted: number[]): Side => ({
  name,
  rounds: posted.map(round),
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

const resultsOf = (defaults: Side, ...variants: Side[]): KnobResults => ({
  version: 1,
  at: '2026-01-02T03:04:05.000Z',
  seconds: 40,
  machine: someResults().machine,
  driver: 'wrk',
  shape: 'single',
  connections: 256,
  transactions: 1,
  durationS: 2,
  ...sidesOf(defaults, variants),
});

describe('the effect of a setting', () => {
  const results = resultsOf(
    side('defaults', 100, 200, 110, 120, 130),
    side('a=1', 210, 400, 230, 240, 250),
    side('b=2', 101, 199, 111, 119, 131),
  );
  const [faster, same] = results.variants;

  it('is the median of the ratios to the rounds beside it', () => {
    expect(results.defaults.tps).toBe(60);
    expect(faster).toMatchObject({ name: 'a=1', tps: 120, ratio: 2 });
    expect(faster?.rounds.ratio).toEqual([2.1, 2, 2.091, 2, 1.923]);
  });

  it('is called one only where the rounds allow it', () => {
    expect(faster?.verdict).toBe('better');
    expect(same?.verdict).toBe('no difference shown');
    expect(resultsOf(side('defaults', 1, 2, 3), side('a=1', 10, 20, 30)).variants[0]?.verdict).toBe('too few rounds');
  });

  it('has the processor time with the load generator and without it', () => {
    expect(faster).toMatchObject({ cpuMicros: 26, cpuMicrosWithoutGenerator: 16 });
  });

  it('is kept as its schema says', () => {
    expect(Value.Errors(KnobSchema, results)).toEqual([]);
  });

  it('is shown beside the defaults', () => {
    const text = knobText(results);
    expect(text).toMatch(/defaults +60 ±42 % +90 +26\.0 +16\.0 +1\.0 +3\.0\n/);
    expect(text).toMatch(/a=1 +120 ±40 % +2\.000 +90 .* better\n/);
    expect(text).toMatch(/b=2 +1 +0 +1 +yes +clean\n/);
  });
});
