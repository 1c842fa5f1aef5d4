/** How the engine's speed changes as its log grows, and what each transaction leaves on disk and in memory. */
import type { Engine } from '../engine.js';
import type { Results } from '../figures/schema.js';
import { medianOf } from '../figures/spread.js';
import { tableBytes, walBytes } from '../log.js';
import { residentBytes } from '../proc.js';
import { foldsAtRest, prepare } from '../rounds.js';
import type { Books } from './books.js';
import { Driven } from './driven.js';
import { say, whole } from './progress.js';
import type { Settings } from './settings.js';

/** Of batches, between two looks at how long the log has become. */
const STEP_S = 2;

/** @param goals transactions in the log; before the first of them, the empty log is measured */
export async function grow(
  engine: Engine,
  settings: Settings,
  books: Books,
  goals: readonly number[],
): Promise<Results['growth']> {
  const driven = new Driven(engine, settings, books);
  await prepare(engine);
  await foldsAtRest(engine, settings.foldWaitMs);
  const bytesBefore = await tableBytes(engine);
  await driven.warmUp();
  const points: Results['growth'] = [];
  for (const goal of [0, ...goals]) {
    await foldsAtRest(engine, settings.foldWaitMs);
    const answered = books.answered;
    const wal = await walBytes(engine);
    while (books.answered < goal) await driven.grow(STEP_S);
    await foldsAtRest(engine, settings.foldWaitMs);
    const stored = books.answered;
    const grown = stored - answered;
    const point = {
      stored,
      walBytesPerTransaction: grown === 0 ? null : Math.round(((await walBytes(engine)) - wal) / grown),
      diskBytesPerTransaction: grown === 0 ? null : Math.round(((await tableBytes(engine)) - bytesBefore) / stored),
      residentBytes: residentBytes(engine.pid),
    };
    const rates: number[] = [];
    for (let round = 0; round < settings.rounds; round++) rates.push(await driven.grown());
    points.push({ ...point, tps: Math.round(medianOf(rates)) });
    say(`${whole(stored)} transactions in the log: ${whole(medianOf(rates))} single transactions/s`);
  }
  return points;
}
