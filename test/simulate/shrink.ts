/** The shortest beginning of a failed run that can be found that fails still: the same seed with fewer operations. */
import type { RunResult } from './run.js';
import { run } from './run.js';

/**
 * A run of fewer operations is the same up to there and then comes to its end, so whether it fails is nearly, but not
 * quite, a question of having come far enough: halved while that holds.
 * @returns the shortest failing run, which may be the one that was given
 */
export function shrink(failed: RunResult): RunResult {
  let shortest = failed;
  let passes = 0;
  while (shortest.operations - passes > 1) {
    const operations = passes + ((shortest.operations - passes) >> 1);
    const result = run({ seed: failed.seed, operations });
    if (result.complaints.length > 0) shortest = { ...result, operations };
    else passes = operations;
  }
  return shortest;
}
