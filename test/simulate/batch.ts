/** Many seeds over several threads, and one thread's part of them. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Plantable, plant } from './planted.js';
import { run } from './run.js';

export interface BatchOptions {
  readonly seeds: Iterable<number>;
  readonly operations: number;
  readonly faults: readonly Plantable[];
  readonly threads: number;
  /** When no further seed is begun, ms of `performance.now()`; */
  readonly until: number;
  /** but not before so many. */
  readonly runsMin: number;
  /** Also after this many failures. */
  readonly failuresMax: number;
}

/** What one thread says of one seed. */
export interface SeedReport {
  readonly seed: number;
  readonly operations: number;
  readonly digest: string;
  readonly marks: readonly (readonly [string, number])[];
  readonly complaints: number;
}

export interface BatchResult {
  readonly runs: number;
  readonly operations: number;
  readonly tookMs: number;
  readonly failed: readonly SeedReport[];
  readonly marks: ReadonlyMap<string, number>;
}

interface ThreadData {
  readonly operations: number;
  readonly faults: readonly Plantable[];
}

/** A seed that says nothing for so long hangs. */
const SILENCE_MS = 120_000;
const YOUNG_MB = 96;

export async function runBatch(options: BatchOptions): Promise<BatchResult> {
  const began = performance.now();
  const seeds = options.seeds[Symbol.iterator]();
  const failed: SeedReport[] = [];
  const marks = new Map<string, number>();
  let begun = 0;
  let runs = 0;
  let operations = 0;
  const next = (): number | undefined => {
    const isTime = performance.now() >= options.until && begun >= options.runsMin;
    if (isTime || failed.length >= options.failuresMax) return undefined;
    begun++;
    const { done, value } = seeds.next();
    return done ? undefined : value;
  };
  const onReport = (report: SeedReport): void => {
    runs++;
    operations += report.operations;
    for (const [name, count] of report.marks) marks.set(name, (marks.get(name) ?? 0) + count);
    if (report.complaints > 0) failed.push(report);
  };
  await Promise.all(Array.from({ length: options.threads }, () => oneThread(options, next, onReport)));
  return { runs, operations, tookMs: performance.now() - began, failed, marks };
}

function oneThread(
  { operations, faults }: BatchOptions,
  next: () => number | undefined,
  onReport: (report: SeedReport) => void,
): Promise<void> {
  const data: ThreadData = { operations, faults };
  // Most of what a run makes is garbage soon: with room for it, it is collected a tenth as often.
  const worker = new Worker(new URL(import.meta.url), {
    workerData: data,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  return new Promise((resolve, reject) => {
    let hangs: NodeJS.Timeout | undefined;
    let seed: number | undefined;
    const give = (): void => {
      clearTimeout(hangs);
      seed = next();
      if (seed === undefined) {
        void worker.terminate().then(() => resolve());
        return;
      }
      hangs = setTimeout(() => {
        reject(new Error(`seed ${seed} has said nothing for ${SILENCE_MS / 1000} s`));
        void worker.terminate();
      }, SILENCE_MS);
      worker.postMessage(seed);
    };
    worker.on('message', (report: SeedReport) => {
      onReport(report);
      give();
    });
    worker.on('error', (error) => reject(new Error(`seed ${seed}: ${error.stack ?? error.message}`)));
    give();
  });
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  const { operations, faults } = workerData as ThreadData;
  plant(faults);
  port.on('message', (seed: number) => {
    // Outside of the port's own turn: a run empties the queue of promises again and again.
    setImmediate(() => {
      const result = run({ seed, operations });
      const report: SeedReport = {
        seed,
        operations: result.operations,
        digest: result.digest,
        marks: [...result.marks],
        complaints: result.complaints.length,
      };
      port.postMessage(report);
    });
  });
}
