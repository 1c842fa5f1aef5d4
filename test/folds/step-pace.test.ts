/** How long the folds rest, on a clock that is told. */
import { expect, it } from 'vitest';
import { StepPace } from '../../src/folds/step-pace.js';

const FULL = 1_000_000;

interface Load {
  /** Records that come in a millisecond. */
  readonly perMs: number;
  /** What a step of so many takes, ms. */
  readonly takes: (records: number) => number;
}

/** Folds under the load for a while. @returns of its later half, per step: what it took, the rest after it, the age at its end */
function run({ perMs, takes }: Load, seconds: number, warm: readonly number[] = []) {
  const pace = new StepPace(FULL);
  const steps: { tookMs: number; restMs: number; ageMs: number; at: number }[] = [];
  const tookAtFirst = [...warm];
  for (let now = 0, folded = 0, snapshotAt = 0; now < seconds * 1_000; ) {
    const startedAt = now;
    const head = Math.floor(startedAt * perMs);
    const tookMs = tookAtFirst.shift() ?? takes(Math.min(head - folded, FULL));
    const endedAt = startedAt + tookMs;
    const backlog = {
      records: Math.floor(endedAt * perMs) - Math.min(head, folded + FULL),
      head: Math.floor(endedAt * perMs),
    };
    const restMs = Math.max(pace.restMs(startedAt, endedAt, backlog), 50);
    // What came just after the step before began has waited until now.
    steps.push({ tookMs, restMs, ageMs: endedAt - snapshotAt, at: endedAt });
    snapshotAt = startedAt;
    folded = Math.min(head, folded + FULL);
    now = endedAt + restMs;
  }
  return steps.filter(({ at }) => at > seconds * 500);
}

const share = (steps: ReturnType<typeof run>): number => {
  const took = steps.reduce((sum, { tookMs }) => sum + tookMs, 0);
  return took / steps.reduce((sum, { tookMs, restMs }) => sum + tookMs + restMs, 0);
};

it('balances are less than two seconds old where steps are cheap, whatever the first steps took', () => {
  for (const perRecord of [0.0005, 0.002, 0.005, 0.01]) {
    for (const warm of [[], [5_000], [900, 900]]) {
      const steps = run({ perMs: 40, takes: (records) => 5 + records * perRecord }, 120, warm);
      expect(Math.max(...steps.map(({ ageMs }) => ageMs)), `${perRecord} ms a record`).toBeLessThan(2_000);
    }
  }
});

it('a trickle is folded in steps that take a fiftieth of the time', () => {
  const steps = run({ perMs: 1, takes: () => 4 }, 60);
  expect(share(steps)).toBeLessThan(0.025);
  expect(Math.max(...steps.map(({ ageMs }) => ageMs))).toBeLessThan(500);
});

it('where steps are dear and get cheaper by being large, they take a tenth of the time, and as much for another try now and then', () => {
  // A price for each of very many accounts: the first million records of a step touch ever fewer new ones.
  const takes = (records: number): number => 3_000 * (1 - Math.exp(-records / 100_000));
  const steps = run({ perMs: 40, takes }, 300);
  expect(share(steps)).toBeLessThan(0.2);
  expect(Math.max(...steps.map(({ restMs }) => restMs))).toBeLessThanOrEqual(20_000);
});

it('no rest is longer than the records of a full step take to come, or a quarter of a step', () => {
  const restMs = (left: number, perMs: number, tookMs = 900): number => {
    const pace = new StepPace(1_000);
    pace.restMs(0, 1_000, { records: 0, head: 0 });
    return pace.restMs(2_000 - tookMs, 2_000, { records: left, head: perMs * 1_000 });
  };
  expect(restMs(400, 0.1)).toBe(6_000);
  expect(restMs(0, 0.1)).toBe(9_000);
  expect(restMs(999, 1)).toBe(225);
  for (const perMs of [0, 1]) expect(restMs(5_000, perMs)).toBe(225);
});
