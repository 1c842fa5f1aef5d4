import { describe, expect, it } from 'vitest';
import { planTopology } from '../../../src/engine/supervisor/topology.js';

const auto = (cores: number, shards: number) => planTopology({ shards, cores, fronts: 'auto', workers: 'auto' });

describe('the threads of an engine that is told no numbers', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 2],
    [8, 4],
    [16, 8],
  ])('has, on %i cores, %i workers for many shards', (cores, workers) => {
    expect(auto(cores, 64).workers).toBe(workers);
  });

  it('has no worker without a shard', () => {
    expect(auto(16, 1)).toMatchObject({ workers: 1, workerOf: [0] });
    expect(auto(16, 3)).toMatchObject({ workers: 3, workerOf: [0, 1, 2] });
  });

  it.each([
    [1, 1],
    [4, 1],
    [8, 2],
  ])('has, on %i cores, %i fronts', (cores, fronts) => {
    expect(auto(cores, 2).fronts).toBe(fronts);
  });
});

describe('the threads of an engine that is told how many', () => {
  it('deals the shards to the workers in turn', () => {
    expect(planTopology({ shards: 5, cores: 2, fronts: 3, workers: 2 })).toEqual({
      fronts: 3,
      workers: 2,
      workerOf: [0, 1, 0, 1, 0],
    });
  });

  it('has no more workers than shards', () => {
    expect(planTopology({ shards: 2, cores: 2, fronts: 1, workers: 8 }).workers).toBe(2);
  });
});
