/**
 * Load by wrk, where it is installed: a generator that costs a fraction of what the engine costs, so that on a small
 * machine the engine is what is measured. It drops its connections at the end, so some requests stay unanswered; the
 * script says how many.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadDriver, LoadPlan, LoadResult } from './load.js';
import { NUMBER_LENGTH } from './load.js';

const RESULT_MARK = 'MILLRACE-RESULT ';
const THREAD_DIGITS = 2;
/** More than one thread of wrk for each so many cores only takes them from the server. */
const CORES_PER_THREAD = 4;
/** Beyond its duration, wrk gets this long to end. */
const GRACE_S = 20;

export const wrkDriver: LoadDriver = { name: 'wrk', run };

/** True where `wrk` can be run. */
export const hasWrk = (): boolean => spawnSync('wrk', ['-v'], { stdio: 'ignore' }).error === undefined;

async function run(plan: LoadPlan): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  try {
    const script = join(folder, 'load.lua');
    writeFileSync(script, wrkScript(plan));
    const threads = Math.max(1, Math.floor(availableParallelism() / CORES_PER_THREAD));
    const options = [
      `-t${threads}`,
      `-c${plan.connections}`,
      `-d${plan.durationS}s`,
      '--timeout',
      '15s',
      '-s',
      script,
      plan.url,
    ];
    return parseWrk(await execute(options, (plan.durationS + GRACE_S) * 1000), plan);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function execute(options: readonly string[], timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      'wrk',
      options,
      { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 1 << 20 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`wrk ended badly: ${stderr.trim() || error.message}`));
      },
    );
  });
}

/**
 * A request is one `table.concat` with the number as the separator: one copy of the text and no pattern matching.
 * JSON's quoting of plain ASCII is also Lua's.
 */
export function wrkScript(plan: LoadPlan): string {
  const digits = NUMBER_LENGTH - plan.run.length - THREAD_DIGITS;
  // A function each, since one of Lua has a bounded number of constants.
  const requests = plan.templates.map(
    ({ pieces }) => `(function() return {${pieces.map((piece) => JSON.stringify(piece)).join(',')}} end)(),`,
  );
  return `local concat, format = table.concat, string.format
local requests = {
${requests.join('\n')}
}
local turn = 0
local prefix = ""
local threads = {}
sent = 0

function setup(thread)
  threads[#threads + 1] = thread
  thread:set("number", #threads)
end

function init()
  prefix = "${plan.run}" .. format("%0${THREAD_DIGITS}d", number)
end

function request()
  turn = turn % #requests + 1
  sent = sent + 1
  return concat(requests[turn], prefix .. format("%0${digits}d", sent))
end

function done(summary, latency)
  local all = 0
  for _, thread in ipairs(threads) do all = all + thread:get("sent") end
  local e = summary.errors
  io.write("\\n${RESULT_MARK}", format(
    '{"us":%d,"answers":%d,"sent":%d,"non2xx":%d,"errors":%d,"p50":%d,"p90":%d,"p99":%d,"p999":%d,"max":%d}\\n',
    summary.duration, summary.requests, all, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9), latency.max))
end
`;
}

interface WrkNumbers {
  readonly us: number;
  readonly answers: number;
  readonly sent: number;
  readonly non2xx: number;
  readonly errors: number;
  /** Microseconds, as are all below. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/**
 * What the script printed. wrk sees status lines only: each 2xx answer counts as all of its transactions.
 * @throws Error where the line is not there
 */
export function parseWrk(output: string, plan: Pick<LoadPlan, 'transactionsPerRequest'>): LoadResult {
  const line = output.split('\n').find((text) => text.startsWith(RESULT_MARK));
  if (line === undefined) throw new Error(`wrk said nothing of its result: ${output.trim().slice(0, 500)}`);
  const numbers = JSON.parse(line.slice(RESULT_MARK.length)) as WrkNumbers;
  const { us, answers, sent, non2xx, errors, p50, p90, p99, p999, max } = numbers;
  return {
    driver: 'wrk',
    seconds: us / 1e6,
    answers,
    non2xx,
    unanswered: Math.max(0, sent - answers),
    errors,
    posted: (answers - non2xx) * plan.transactionsPerRequest,
    latency: { p50: p50 / 1000, p90: p90 / 1000, p99: p99 / 1000, p999: p999 / 1000, max: max / 1000 },
  };
}
