/** `npm run bench -- soak`: whether a rate lasts. */
import { writeFileSync } from 'node:fs';
import { numberOf, wholeOf } from '../arguments.js';
import type { Command } from '../command.js';
import { isSound } from '../suite/books.js';
import { SINGLE } from '../suite/driven.js';
import { runSoak } from './run.js';
import { soakText } from './text.js';

interface Values {
  readonly minutes?: string | undefined;
  readonly share?: string | undefined;
  readonly connections?: string | undefined;
  readonly seed?: string | undefined;
  readonly json?: string | undefined;
}

const MINUTES = 30;
const MINUTES_MIN = 0.2;
const MINUTES_MAX = 10_080;
const SHARE = 0.8;
const SEED = 5;
const WINDOW_S = 30;
/** A third of them is enough for a verdict. */
const WINDOWS_MIN = 12;
/** A third of them is as much as the test is worth. */
const WINDOWS_MAX = 240;
/** Beside the open loop: the engine's start, its capacity, folds that catch up, and its books. */
const MORE_MS = 2_400_000;

/** @throws Error that says what is wrong with the arguments */
export function soakCommand(more: readonly string[], values: Values): Command {
  if (more.length > 0) throw new Error(`soak takes options alone; it has "${more[0] ?? ''}"`);
  const seconds = 60 * (numberOf('--minutes', values.minutes, MINUTES_MIN, MINUTES_MAX) ?? MINUTES);
  const plan = {
    seconds,
    windows: windowsIn(seconds),
    share: numberOf('--share', values.share, 0.01, 1) ?? SHARE,
    connections: wholeOf('--connections', values.connections) ?? SINGLE.connections,
    seed: wholeOf('--seed', values.seed) ?? SEED,
  };
  return {
    maxMs: seconds * 1000 + MORE_MS,
    run: async () => {
      const results = await runSoak(plan);
      process.stdout.write(`\n${soakText(results)}\n`);
      if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
      return isSound(results.settlement) ? 0 : 1;
    },
  };
}

/** Of half a minute each, but not too few of them and not too many. */
export const windowsIn = (seconds: number): number =>
  Math.min(WINDOWS_MAX, Math.max(WINDOWS_MIN, Math.round(seconds / WINDOW_S)));
