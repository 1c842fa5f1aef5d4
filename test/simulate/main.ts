/**
 * `npm run simulate -- --seed N`: one run, or with `--minutes M` or `--seeds K` as many as fit, from that seed on.
 * Fails where a run failed, and, of a batch, where it never came to one of the things that it should come to.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { InvalidArgumentError } from 'commander';
import { count, drawnSeed, longCommand, positive, whole } from '../support/command-line.js';
import { type BatchResult, runBatch } from './batch.js';
import { runFaults } from './faults/run.js';
import { missing, SOMETIMES } from './marks.js';
import { isPlantable, PLANTABLE, type Plantable, plant } from './planted.js';
import { Random } from './random.js';
import { OPERATIONS, type RunResult, run } from './run.js';
import { shrink } from './shrink.js';
import { temperOf, wordsOf } from './temper.js';

/** Batches of fewer runs are not asked what they have come to; those that are given a time go on until they have had them. */
const RUNS_TO_REACH_ALL = 300;
const FAILURES_MAX = 3;
const LINES_SHOWN = 40;
const SHOWN = 5;

interface Given {
  readonly seed?: number;
  readonly seeds?: number;
  readonly minutes?: number;
  readonly operations: number;
  readonly threads: number;
  readonly corpus?: boolean;
  readonly planted?: readonly Plantable[];
  readonly faults?: boolean;
  readonly only?: string;
  readonly trace?: boolean;
}

function plantables(text: string): Plantable[] {
  return text.split(',').map((name) => {
    if (isPlantable(name)) return name;
    throw new InvalidArgumentError(`There are ${PLANTABLE.join(', ')}.`);
  });
}

const given = longCommand(
  'simulate',
  'The engine on virtual time, in a world that misbehaves by the seed, judged by a model of its own.',
)
  .option('--seed <n>', 'of the first run, or of the one; drawn where it is left out', whole)
  .option('--seeds <n>', 'that many runs, or with --faults so many for each fault at most', count)
  .option('--minutes <n>', 'as many runs as there is time for', positive)
  .option('--operations <n>', 'of a run', count, OPERATIONS)
  .option('--threads <n>', 'that run side by side', count, Math.min(2, availableParallelism()))
  .option('--corpus', 'the seeds that ever failed, before all others')
  .option('--planted <names>', 'plant these faults, with commas between', plantables)
  .option('--faults', 'plant every fault in turn, and print what it took to find it')
  .option('--only <words>', 'of those only the ones whose names hold this')
  .option('--trace', 'print all lines of the one run')
  .parse()
  .opts<Given>();
const { seed = drawnSeed(), operations, threads } = given;
const faults = given.planted ?? [];

/** Outside of any promise: a run empties the queue of these again and again. */
const apart = <T>(work: () => T): Promise<T> =>
  new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
  });

function* seeds(): Generator<number> {
  if (given.corpus) yield* corpus();
  const runs = given.seeds ?? Number.POSITIVE_INFINITY;
  for (let index = 0; index < runs; index++) yield seed + index;
}

function corpus(): number[] {
  const file = new URL('../../../../test/simulate/corpus.json', import.meta.url);
  const entries = JSON.parse(readFileSync(file, 'utf8')) as readonly { readonly seed: number }[];
  return entries.map((entry) => entry.seed);
}

function show(failed: RunResult): void {
  const planting = given.planted === undefined ? '' : ` --planted ${given.planted.join(',')}`;
  const command = `npm run simulate -- --seed ${failed.seed} --operations ${failed.operations}${planting}`;
  console.log(`\nseed ${failed.seed} fails with ${failed.operations} operations; again: ${command}`);
  console.log(`  ${wordsOf(temperOf(new Random(failed.seed, 'temper')))}`);
  const { complaints, lines } = run({ seed: failed.seed, operations: failed.operations, keepLines: true });
  for (const { rule, step, said, expected } of complaints.slice(0, SHOWN)) {
    console.log(`  ${rule}, seen at step ${step}\n    said:     ${said}\n    expected: ${expected}`);
  }
  if (complaints.length > SHOWN) console.log(`  and ${complaints.length - SHOWN} more`);
  console.log(`  the last of ${lines.length} lines (all of them with --trace), µs since the run began:`);
  for (const line of lines.slice(-LINES_SHOWN)) console.log(`    ${line.trimEnd().slice(0, 300)}`);
}

async function one(): Promise<boolean> {
  const result = await apart(() => run({ seed, operations, keepLines: given.trace === true }));
  for (const line of result.lines) process.stdout.write(line);
  console.log(`seed ${seed}: ${result.operations} operations, trace sha256 ${result.digest}`);
  if (result.complaints.length > 0) await apart(() => show(shrink(result)));
  return result.complaints.length === 0;
}

async function batch(): Promise<boolean> {
  const minutes = given.minutes ?? Number.POSITIVE_INFINITY;
  const until = performance.now() + minutes * 60_000;
  const runsMin = given.minutes === undefined ? 0 : RUNS_TO_REACH_ALL;
  const result = await runBatch({
    seeds: seeds(),
    operations,
    faults,
    threads,
    until,
    runsMin,
    failuresMax: FAILURES_MAX,
  });
  const { runs, tookMs, failed } = result;
  const rate = (runs / tookMs) * 60_000;
  console.log(
    `${runs} seeds from ${seed} on, ${result.operations} operations, ${(tookMs / 1000).toFixed(1)} s: ${rate.toFixed(0)} seeds a minute on ${threads} threads`,
  );
  for (const report of failed) {
    await apart(() => show(shrink(run({ seed: report.seed, operations }))));
  }
  return reachedAll(result) && failed.length === 0;
}

function reachedAll({ marks, runs }: BatchResult): boolean {
  for (const name of SOMETIMES) console.log(`  ${String(marks.get(name) ?? 0).padStart(8)}  ${name}`);
  const never = missing(marks);
  if (never.length > 0) console.log(`never reached: ${never.join('; ')}`);
  return never.length === 0 || runs < RUNS_TO_REACH_ALL;
}

function eachFault(): Promise<boolean> {
  return runFaults({
    firstSeed: given.seed === undefined ? 1 : seed,
    ...(given.seeds === undefined ? {} : { seeds: given.seeds }),
    ...(given.only === undefined ? {} : { only: given.only }),
  });
}

plant(faults);
const isBatch = given.seeds !== undefined || given.minutes !== undefined || given.corpus === true;
const isFine = await (given.faults === true ? eachFault() : isBatch ? batch() : one());
process.exitCode = isFine ? 0 : 1;
