import { describe, expect, it } from 'vitest';
import type { CpuProfile } from '../../bench/profile/stages.js';
import { stagesOf } from '../../bench/profile/stages.js';

const frame = (functionName: string, url: string) => ({ functionName, url });
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)', ''), children: [2, 3, 4, 8] },
    { id: 2, callFrame: frame('(idle)', '') },
    { id: 3, callFrame: frame('(garbage collector)', '') },
    { id: 4, callFrame: frame('onData', 'file:///x/dist/http/server/uws.js'), children: [5, 6] },
    { id: 5, callFrame: frame('parse', 'file:///x/dist/http/body/fast-post.js'), children: [7] },
    { id: 6, callFrame: frame('end', '') },
    { id: 7, callFrame: frame('hash32', 'file:///x/dist/ledger/hash.js') },
    { id: 8, callFrame: frame('(program)', '') },
  ],
  // The first delta leads to the first sample.
  samples: [2, 4, 5, 7, 6, 3, 8],
  timeDeltas: [50, 1_000, 10, 20, 30, 40, 5],
};

describe('stages of a profile', () => {
  it('give each sample to the file that it was taken in, native code to its caller, and leave idle time out', () => {
    expect([...stagesOf(profile)]).toEqual([
      ['read and write HTTP', 10 + 40],
      ['apply', 30],
      ['parse', 20],
      ['(garbage collector)', 5],
      ['native code of nobody', 0],
    ]);
  });

  it('are none of an empty profile', () => {
    expect(stagesOf({ nodes: [], samples: [], timeDeltas: [] }).size).toBe(0);
  });
});
