/** One run: a world by its seed, what is left of it at the end, and what the judges say. */
import { judgeBasics } from './basics.js';
import { takeBack } from './database/pool.js';
import { takeOutlived } from './engine/observe.js';
import type { Complaint, History } from './history.js';
import { markHistory } from './marks.js';
import { judge } from './model/judge.js';
import { Random } from './random.js';
import { onVirtualTime } from './time/globals.js';
import { Loop } from './time/loop.js';
import { Trace } from './trace.js';
import { World } from './world.js';

export interface RunOptions {
  readonly seed: number;
  /** @defaultValue 1000 */
  readonly operations?: number;
  /** Keeps the lines of the trace. @defaultValue false */
  readonly keepLines?: boolean;
}

export interface RunResult {
  readonly seed: number;
  readonly operations: number;
  /** sha256 of all that happened, in order. */
  readonly digest: string;
  readonly complaints: readonly Complaint[];
  readonly marks: ReadonlyMap<string, number>;
  readonly lines: readonly string[];
}

export const OPERATIONS = 1_000;

/** Synchronous: to be called from outside of any promise, because a run empties the queue of these again and again. */
export function run(options: RunOptions): RunResult {
  const { seed } = options;
  takeBack();
  takeOutlived();
  const loop = new Loop(new Random(seed, 'loop'));
  const trace = new Trace(options.keepLines ?? false);
  const problems: Complaint[] = [];
  const complain = (rule: string, error: unknown): void => {
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
    problems.push({ rule, step: trace.nextStep(), said, expected: 'nothing of the kind' });
  };
  const onRejection = (error: unknown): void => complain('unhandled_rejection', error);
  process.on('unhandledRejection', onRejection);
  try {
    const histories = onVirtualTime(loop, new Random(seed, 'program'), () => {
      try {
        return new World(seed, options.operations ?? OPERATIONS, loop, trace).live();
      } catch (error) {
        complain('crashed', error);
        return [];
      }
    });
    for (const history of histories) markHistory(history, trace);
    for (let outlived = takeOutlived(); outlived > 0; outlived--) trace.mark('load outlived its command');
    const complaints = [...problems, ...histories.flatMap(judged)];
    for (const { rule, said } of complaints) trace.say(loop.now, `complaint ${rule} ${said.split('\n')[0]}`);
    return {
      seed,
      operations: histories.reduce((sum, { operations }) => sum + operations.length, 0),
      digest: trace.digest(),
      complaints,
      marks: trace.marks,
      lines: trace.lines,
    };
  } finally {
    process.off('unhandledRejection', onRejection);
  }
}

/** A judge that falls over a history has seen something that should not be. */
function judged(history: History): Complaint[] {
  try {
    return [...judgeBasics(history), ...judge(history)].map((complaint) => ({
      ...complaint,
      said: `shard ${history.shard}: ${complaint.said}`,
    }));
  } catch (error) {
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return [{ rule: 'judge_crashed', step: 0, said, expected: 'a history that can be judged' }];
  }
}
