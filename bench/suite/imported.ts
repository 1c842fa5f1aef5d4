/** `millrace import` of a file that the bench writes. */
import { execFile } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { accountName, OUTSIDE_ACCOUNT } from '../../src/cli/bench/requests.js';
import { lookAtCpu, usedSince } from '../cpu.js';
import type { Engine } from '../engine.js';
import { histogramText, newHistogram, percentilesOf } from '../figures/latency.js';
import type { ClosedLoopFigures } from '../figures/schema.js';
import { randomOf } from '../load/arrivals.js';
import { FoldWatch, sessionNames } from '../log.js';
import { uniform } from '../workloads/draw.js';
import type { ImportWorkload } from '../workloads/workload.js';
import type { Books } from './books.js';
import { say, whole } from './progress.js';

const PROGRAM = fileURLToPath(new URL('../../../../dist/cli/main.js', import.meta.url));
const LOOK_EVERY_MS = 250;
const TIME_OUT_MS = 600_000;
const MAP = `
idempotency_key: "import-{id}"
currency: EUR
amount:
  value: "{amount}"
rules:
  - debit: "${OUTSIDE_ACCOUNT}"
    credit: "{account}"
`;

/** The time is that of the whole command, its start included; it sends several requests at once, and says no latencies. */
export async function importLines(
  engine: Engine,
  books: Books,
  workload: ImportWorkload,
  keys: readonly string[],
): Promise<ClosedLoopFigures> {
  const file = join(dirname(engine.folder), 'import.csv');
  const map = join(dirname(engine.folder), 'import.yaml');
  await pipeline(linesOf(workload), createWriteStream(file));
  writeFileSync(map, MAP);
  const before = lookAtCpu(engine.pid, await sessionNames(engine));
  const folds = new FoldWatch(engine, LOOK_EVERY_MS);
  const began = performance.now();
  const options = [PROGRAM, 'import', file, '--map', map, '--url', engine.url, '--key', keys[0] ?? ''];
  await promisify(execFile)(process.execPath, options, { timeout: TIME_OUT_MS });
  const seconds = (performance.now() - began) / 1000;
  const lag = await folds.stop();
  const cpu = usedSince(before, lookAtCpu(engine.pid, await sessionNames(engine)));
  books.add(workload.lines, 0);
  books.loaded(lag);
  const tps = workload.lines / seconds;
  say(`${workload.name}: ${whole(workload.lines)} lines, ${whole(tps)} a second, folds ${whole(lag.ms)} ms behind`);
  const none = newHistogram();
  return {
    seconds,
    connections: 1,
    requests: workload.lines,
    errors: 0,
    ...percentilesOf(none),
    histogram: histogramText(none),
    tps,
    requestsPerSecond: tps,
    frontPerSecond: 0,
    foldLagMs: lag.ms,
    foldLagRecords: lag.records,
    foldLag: folds.samples,
    cpuMicrosPerTransaction: Object.fromEntries([...cpu].map(([label, micros]) => [label, micros / workload.lines])),
  };
}

function* linesOf({ seed, lines, accounts }: ImportWorkload): Generator<string> {
  const random = randomOf(seed);
  yield 'id,account,amount\n';
  for (let id = 1; id <= lines; id++) yield `${id},${accountName(1 + uniform(random, accounts))},1.25\n`;
}
