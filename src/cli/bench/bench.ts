/**
 * `millrace bench --url URL --key KEY`: loads a running engine and says what it answered and how fast. It posts real
 * transactions, so it belongs on a test key of a merchant of its own.
 */
import { messageOf } from '../../platform/errors.js';
import type { CommandIo } from '../io.js';
import { textTable } from '../io.js';
import { ExitCode } from '../serve/exit-codes.js';
import { autocannonDriver } from './autocannon.js';
import type { HttpDriverName, LoadDriver, LoadPlan, LoadResult } from './load.js';
import { tps } from './load.js';
import { openAccounts } from './open-accounts.js';
import { batchRequests, newRun, POSTED_IN_BATCH, singleRequests } from './requests.js';
import { hasWrk, wrkDriver } from './wrk.js';

export interface BenchOptions {
  /** Of the engine, such as http://127.0.0.1:8080. */
  readonly url: string;
  /** API keys, one for each merchant to load. */
  readonly keys: readonly string[];
  /** Transactions in each request: 1 posts them alone, more in independent batches (at most 8192). @defaultValue 1 */
  readonly batch?: number;
  /** @defaultValue 64 */
  readonly connections?: number;
  /** Seconds. @defaultValue 10 */
  readonly durationS?: number;
  /** Accounts of each merchant that are credited. @defaultValue 1000 */
  readonly accounts?: number;
  /** `auto`: wrk where it is installed. @defaultValue "autocannon" */
  readonly driver?: HttpDriverName | 'auto';
  /** Print one JSON text in place of the table. */
  readonly json?: boolean;
}

const DEFAULTS = {
  batch: 1,
  connections: 64,
  durationS: 10,
  accounts: 1000,
  driver: 'autocannon',
  json: false,
} as const;

/** @returns the exit code: 0 all answers were 2xx, 1 some were not, 2 a mistake in the options, 3 the engine is away */
export async function benchCommand(options: BenchOptions, io: CommandIo): Promise<number> {
  const settings = { ...DEFAULTS, ...options };
  if (new URL(settings.url).protocol !== 'http:') {
    io.stderr.write(`millrace bench: --url must be one such as http://127.0.0.1:8080; it is ${settings.url}\n`);
    return ExitCode.usage;
  }
  try {
    const driver = chooseDriver(settings.driver);
    for (const key of settings.keys) await openAccounts({ ...settings, key });
    io.stderr.write(
      `${driver.name}: ${settings.connections} connections for ${settings.durationS} s, ${settings.batch} a request\n`,
    );
    const result = await driver.run(loadPlan(settings));
    io.stdout.write(settings.json ? `${JSON.stringify({ tps: tps(result), ...result })}\n` : reportOf(result));
    return result.non2xx > 0 || result.errors > 0 ? ExitCode.failed : ExitCode.ok;
  } catch (error) {
    io.stderr.write(`millrace bench: ${messageOf(error)}\n`);
    return ExitCode.unavailable;
  }
}

/** `auto` is wrk where it is installed. */
export function chooseDriver(wanted: HttpDriverName | 'auto'): LoadDriver {
  if (wanted === 'autocannon') return autocannonDriver;
  if (hasWrk()) return wrkDriver;
  if (wanted === 'wrk') throw new Error('wrk is not installed; leave --driver out to use autocannon');
  return autocannonDriver;
}

/** The plan of one run against an engine; its numbers are new each time it is made. */
export function loadPlan(workload: {
  readonly url: string;
  readonly keys: readonly string[];
  readonly accounts: number;
  readonly batch: number;
  readonly connections: number;
  readonly durationS: number;
}): LoadPlan {
  const { url, batch, connections, durationS } = workload;
  return {
    url,
    templates: batch === 1 ? singleRequests(workload) : batchRequests(workload, batch),
    transactionsPerRequest: batch,
    countInBody: batch === 1 ? null : POSTED_IN_BATCH,
    connections,
    durationS,
    run: newRun(),
  };
}

function reportOf(result: LoadResult): string {
  const { latency } = result;
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  const rows: [string, string][] = [
    ['transactions a second', Math.round(tps(result)).toLocaleString('en')],
    ['posted', result.posted.toLocaleString('en')],
    ['in', `${result.seconds.toFixed(1)} s, by ${result.driver}`],
    ['latency p50', ms(latency.p50)],
    ['latency p90', ms(latency.p90)],
    ['latency p99', ms(latency.p99)],
    ['latency p99.9', ms(latency.p999)],
    ['latency max', ms(latency.max)],
    ['answers not 2xx', String(result.non2xx)],
    ['errors', String(result.errors)],
    ['unanswered', String(result.unanswered)],
  ];
  return textTable([], rows).trimStart();
}
