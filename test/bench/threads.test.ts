import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { figuresOf, notedWithin, threadFigures } from '../../bench/watch/threads.js';

describe('what a thread noted', () => {
  const log = 'loop 100.0 0.500\ngc 150.0 3.000\nloop 260.0 9.000\ngc 300.0 1.000\nloop 310.0 2';

  it('counts within the loads alone, and a line that is not whole yet does not', () => {
    expect(notedWithin(log, [{ from: 90, to: 200 }])).toEqual({ pauses: [3], delays: [0.5] });
    expect(
      notedWithin(log, [
        { from: 140, to: 160 },
        { from: 290, to: 400 },
      ]),
    ).toEqual({ pauses: [3, 1], delays: [] });
  });

  it('becomes shares of the time and percentiles', () => {
    const delays = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(figuresOf(2, [1, 9, 2], delays)).toEqual({
      gcPausesPerSecond: 1.5,
      gcShare: 0.006,
      gcP99Ms: 9,
      gcMaxMs: 9,
      loopP50Ms: 50,
      loopP99Ms: 99,
      loopMaxMs: 100,
    });
    expect(figuresOf(2, [], [])).toMatchObject({ gcShare: 0, gcP99Ms: 0, loopMaxMs: 0 });
  });
});

describe('threads of an engine', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bench-threads-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are put together by what they do, and those of its parent are left out', async () => {
    writeFileSync(join(folder, '71-front-2.log'), 'gc 10.0 2.000\n');
    writeFileSync(join(folder, '71-front-3.log'), 'gc 20.0 4.000\n');
    writeFileSync(join(folder, '71-worker-1.log'), 'loop 30.0 1.000\n');
    writeFileSync(join(folder, '70-main.log'), 'gc 40.0 100.000\n');
    writeFileSync(join(folder, '71-thread-9.log'), 'gc 40.0 100.000\n');
    const figures = await threadFigures(folder, 71, [{ from: 0, to: 1_000 }]);
    expect(Object.keys(figures).sort()).toEqual(['fronts', 'workers']);
    // Two threads for a second: two pauses are one a second of each.
    expect(figures.fronts).toMatchObject({ gcPausesPerSecond: 1, gcShare: 0.003, gcMaxMs: 4 });
    expect(figures.workers).toMatchObject({ gcPausesPerSecond: 0, loopMaxMs: 1 });
  });
});
