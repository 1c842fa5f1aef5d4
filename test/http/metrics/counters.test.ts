import { describe, expect, it } from 'vitest';
import { FrontCounters, newFrontCounters } from '../../../src/http/metrics/counters.js';

describe('what fronts count together', () => {
  it('is summed over all fronts, and each front tells of all', () => {
    const shared = newFrontCounters(3);
    const [first, second, third] = [0, 1, 2].map((front) => new FrontCounters(shared, front));
    first?.answered(201);
    first?.answered(201);
    second?.answered(201);
    third?.answered(503);
    for (const front of [first, second, third]) {
      expect(front?.byStatus()).toEqual(
        new Map([
          [201, 3],
          [503, 1],
        ]),
      );
    }
  });

  it('goes on where a front that ended left off', () => {
    const shared = newFrontCounters(2);
    new FrontCounters(shared, 1).answered(200);
    new FrontCounters(shared, 1).answered(200);
    expect(new FrontCounters(shared, 0).byStatus().get(200)).toBe(2);
  });

  it('keeps what each thread says of itself apart', () => {
    const shared = newFrontCounters(2);
    new FrontCounters(shared, 1).note(7, 0.5);
    expect(new FrontCounters(shared, 0).threads()).toEqual([
      { inFlight: 0, busy: 0 },
      { inFlight: 7, busy: 0.5 },
    ]);
  });
});
