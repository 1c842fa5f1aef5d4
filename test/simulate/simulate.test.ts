import { describe, expect, it } from 'vitest';
import corpus from './corpus.json' with { type: 'json' };
import { OPERATIONS, type RunResult, run } from './run.js';

/** Outside of any promise: a run empties the queue of these again and again. */
const apart = (seed: number, operations = OPERATIONS): Promise<RunResult> =>
  new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(run({ seed, operations }));
      } catch (error) {
        reject(error);
      }
    });
  });

const FRESH_MS = 4_000;
const FRESH_MAX = 20;
const SEED_MAX = 2 ** 40;

describe('a simulated shard', () => {
  it('is the same run again by the same seed, byte for byte', async () => {
    const [once, again] = [await apart(4711), await apart(4711)];
    expect(once.operations).toBe(OPERATIONS);
    expect(again.digest).toBe(once.digest);
    expect((await apart(4712)).digest).not.toBe(once.digest);
  });

  it.each(corpus)('keeps every promise by seed $seed: $found', async ({ seed }) => {
    expect((await apart(seed)).complaints).toEqual([]);
  });

  it('keeps every promise by seeds that nobody has tried', async () => {
    const began = performance.now();
    for (let runs = 0; runs < FRESH_MAX && performance.now() - began < FRESH_MS; runs++) {
      const seed = Math.floor(Math.random() * SEED_MAX);
      expect({ seed, complaints: (await apart(seed)).complaints }).toEqual({ seed, complaints: [] });
    }
  });
});
