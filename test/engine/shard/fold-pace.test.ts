import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FoldPace } from '../../../src/engine/shard/fold-pace.js';

const MAX = 1_000_000;
const BATCH_MAX = 8_192;
const LOOK_MS = 500;
/** One step of the folds takes so long. */
const STEP_MS = 6_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Run {
  /** Records a millisecond that come, and that the folds do, in lumps. */
  readonly arrivals: number;
  readonly folds: number;
  readonly seconds: number;
}

/** A shard that commits what has come, as fast as it may. @returns the largest lag, and records a ms in the last half */
function run({ arrivals, folds, seconds }: Run): { lagMax: number; rate: number; pace: FoldPace; told: number } {
  let told = 0;
  const pace = new FoldPace(MAX, () => told++);
  const endMs = seconds * 1_000;
  const begunMs = performance.now();
  const nowMs = (): number => performance.now() - begunMs;
  let committed = 0;
  let atHalf = 0;
  let lagMax = 0;
  let steps = 0;
  let folded = 0;
  let seenMs = Number.NEGATIVE_INFINITY;
  let takenMs = 0;
  while (nowMs() < endMs) {
    for (; (steps + 1) * STEP_MS <= nowMs(); steps++) folded = Math.min(committed, folded + folds * STEP_MS);
    if (nowMs() - seenMs >= LOOK_MS) {
      pace.saw(folded);
      seenMs = nowMs();
    }
    // Who is not let in does not wait for ever: no more is kept than one batch takes.
    const records = Math.max(1, Math.min(BATCH_MAX, pace.recordsMax, Math.round((nowMs() - takenMs) * arrivals)));
    takenMs = nowMs();
    committed += records;
    pace.begins(records, committed);
    vi.advanceTimersByTime(5 + records * 0.003);
    lagMax = Math.max(lagMax, committed - folded);
    if (pace.rest() !== null) vi.advanceTimersByTime(pace.lastMs);
    expect(pace.isResting).toBe(false);
    if (nowMs() < endMs / 2) atHalf = committed;
  }
  return { lagMax, rate: ((committed - atHalf) * 2) / endMs, pace, told };
}

describe('the pace of commits', () => {
  it('is not touched where the folds follow', () => {
    const { pace, rate, told } = run({ arrivals: 40, folds: 50, seconds: 120 });
    expect(rate).toBeGreaterThan(38);
    expect(pace.allMs).toBe(0);
    expect(told).toBe(0);
  });

  it.each([5, 20, 40])('settles at what the folds do, %s records a millisecond, within the bound', (folds) => {
    const { lagMax, rate, told } = run({ arrivals: 100, folds, seconds: 300 });
    expect(lagMax).toBeLessThan(MAX + BATCH_MAX);
    expect(rate).toBeGreaterThan(folds * 0.9);
    expect(rate).toBeLessThan(folds * 1.1);
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThanOrEqual(5);
  });

  it('comes to a thousand a second where the folds stand still, and not to a stop', () => {
    const { rate } = run({ arrivals: 100, folds: 0, seconds: 300 });
    expect(rate).toBeGreaterThan(0.9);
    expect(rate).toBeLessThan(1.1);
  });

  it('is free again as soon as the folds have been seen to follow', () => {
    const pace = new FoldPace(MAX, () => undefined);
    pace.saw(0);
    pace.begins(BATCH_MAX, MAX);
    void pace.rest();
    expect(pace.lastMs).toBe(1_000);
    expect(pace.recordsMax).toBe(1_000);
    vi.advanceTimersByTime(1_000);
    expect(pace.allMs).toBe(1_000);
    pace.saw(MAX);
    pace.begins(BATCH_MAX, MAX + BATCH_MAX);
    expect(pace.rest()).toBeNull();
    expect(pace.lastMs).toBe(0);
  });

  it('is free where nobody has seen the folds lately: a look that hangs says nothing of them', () => {
    const pace = new FoldPace(MAX, () => undefined);
    pace.begins(BATCH_MAX, 5 * MAX);
    expect(pace.rest()).toBeNull();
    pace.saw(0);
    vi.advanceTimersByTime(5_001);
    pace.begins(BATCH_MAX, 5 * MAX);
    expect(pace.rest()).toBeNull();
  });

  it('owes what is shorter than a timer, and takes it together', () => {
    const pace = new FoldPace(MAX, () => undefined);
    pace.saw(0);
    // 25 records a millisecond: ten of them owe 0.4 ms.
    const rests = Array.from({ length: 5 }, () => {
      pace.begins(10, 0.75 * MAX);
      return pace.rest() !== null;
    });
    expect(rests).toEqual([false, false, true, true, true]);
    expect(pace.lastMs).toBeCloseTo(2);
  });

  it('hurries when it is told to: a rest under way ends, and none begins', async () => {
    const pace = new FoldPace(MAX, () => undefined);
    pace.saw(0);
    pace.begins(BATCH_MAX, 2 * MAX);
    const resting = pace.rest();
    expect(pace.isResting).toBe(true);
    pace.hurry();
    await resting;
    expect(pace.isResting).toBe(false);
    pace.begins(BATCH_MAX, 2 * MAX);
    expect(pace.rest()).toBeNull();
  });
});
