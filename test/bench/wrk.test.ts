import { describe, expect, it } from 'vitest';
import type { LoadPlan } from '../../src/cli/bench/load.js';
import { NUMBER_LENGTH } from '../../src/cli/bench/load.js';
import { newRun, singleRequests } from '../../src/cli/bench/requests.js';
import { parseWrk, wrkScript } from '../../src/cli/bench/wrk.js';

const OUTPUT = `Running 2s test @ http://127.0.0.1:8080
  1 threads and 256 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     8.51ms    3.10ms  28.80ms   81.20%
  53200 requests in 2.00s, 24.10MB read

MILLRACE-RESULT {"us":2000000,"answers":53200,"sent":53457,"non2xx":200,"errors":3,"p50":8510,"p90":14020,"p99":22500,"p999":27800,"max":28800}
`;

describe('the output of wrk', () => {
  it('gives rates, latencies in milliseconds, and what was left unanswered', () => {
    const result = parseWrk(OUTPUT, { transactionsPerRequest: 1 });
    expect(result).toEqual({
      driver: 'wrk',
      seconds: 2,
      answers: 53_200,
      non2xx: 200,
      unanswered: 257,
      errors: 3,
      posted: 53_000,
      latency: { p50: 8.51, p90: 14.02, p99: 22.5, p999: 27.8, max: 28.8 },
    });
  });

  it('counts every transaction of a batch that was answered with 2xx', () => {
    expect(parseWrk(OUTPUT, { transactionsPerRequest: 200 }).posted).toBe(53_000 * 200);
  });

  it('that lacks the result is an error which shows what wrk said', () => {
    expect(() =>
      parseWrk('unable to connect to 127.0.0.1:1 Connection refused', { transactionsPerRequest: 1 }),
    ).toThrow(/unable to connect/);
  });
});

describe('the script for wrk', () => {
  const url = 'http://127.0.0.1:8080';
  const plan: LoadPlan = {
    url,
    templates: singleRequests({ url, keys: ['mr_test_a', 'mr_test_b'], accounts: 100 }),
    transactionsPerRequest: 1,
    countInBody: null,
    connections: 8,
    durationS: 1,
    run: newRun(),
  };

  it('holds each request once, cut where its number goes', () => {
    const pieces = plan.templates[0]?.pieces ?? [];
    expect(wrkScript(plan).split('(function() return').length - 1).toBe(plan.templates.length);
    expect(wrkScript(plan)).toContain(pieces.map((piece) => JSON.stringify(piece)).join(','));
  });

  it('makes numbers that are as long as the requests expect', () => {
    const digits = [...wrkScript(plan).matchAll(/"%0(\d+)d"/g)].map(([, count]) => Number(count));
    expect(digits.reduce((sum, count) => sum + count, plan.run.length)).toBe(NUMBER_LENGTH);
  });
});
