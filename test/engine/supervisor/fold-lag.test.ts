import { expect, it } from 'vitest';
import { LagMeter } from '../../../src/engine/supervisor/fold-lag.js';

it('is not known before the folds have said where they are', () => {
  const lag = new LagMeter();
  lag.committed(1_000, 0);
  expect(lag.at(10)).toBeNull();
  lag.folded(400, 5_000, 20);
  expect(lag.at(20)).toEqual({ records: 600, ms: 5_000 });
});

it('grows while the folds are silent, in records and in age', () => {
  const lag = new LagMeter();
  lag.folded(100, 0, 0);
  lag.committed(100, 0);
  expect(lag.at(0)).toEqual({ records: 0, ms: 0 });
  lag.committed(50_100, 500);
  expect(lag.at(500)).toEqual({ records: 50_000, ms: 0 });
  lag.committed(273_100, 1_000);
  expect(lag.at(1_500)).toEqual({ records: 273_000, ms: 1_000 });
});

it('is as old as the folds say when they have gone on, and nothing at the end', () => {
  const lag = new LagMeter();
  lag.folded(0, 0, 0);
  lag.committed(100, 0);
  lag.folded(60, 300, 1_000);
  expect(lag.at(1_100)).toEqual({ records: 40, ms: 400 });
  // The folds may have seen records before the shard has told of them.
  lag.folded(120, 0, 2_000);
  expect(lag.at(2_500)).toEqual({ records: 0, ms: 0 });
  lag.committed(110, 2_600);
  expect(lag.at(2_600)).toEqual({ records: 0, ms: 0 });
});
