/** One merchant sends nine tenths of three times what its shard can do; the others on that shard hardly notice. */
import { countOf, groupIn, median } from '../measure.js';
import { groupOf } from '../world.js';
import type { Scene } from './scene.js';
import { lasting } from './scene.js';

const LOOPS = 64;
const ROUNDS = 3;
const OTHERS = 0.3;
const FLOOD = 2.7;

export const fairness: Scene = {
  name: 'one merchant floods',
  run: async (stage) => {
    const { world, verdicts } = stage;
    const { name } = fairness;
    const [flooding, ...others] = world.tenants.filter(({ shard }) => shard === 0);
    if (flooding === undefined) throw new Error('nobody is on the first shard');
    const generator = await world.generator([
      groupOf(world, 'flood', [flooding], { connections: LOOPS }),
      groupOf(world, 'others', others),
    ]);
    const closed = await generator.run({
      ms: lasting(stage, 1_500, 8_000),
      sending: { flood: { closed: LOOPS } },
      settleMs: 3_000,
    });
    const capacity = groupIn(closed, 'flood').goodput;
    // Until the flood is seen for what it is a fifth of a second goes by: that must not be most of what is measured.
    const ms = lasting(stage, 4_000, 15_000);
    const alone: number[] = [];
    const beside: number[] = [];
    let lag = 0;
    let refused = 0;
    let intended = 0;
    let flooded = 0;
    let turnedAway = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const quiet = await generator.run({ ms, sending: { others: { open: OTHERS * capacity } }, settleMs: 3_000 });
      alone.push(groupIn(quiet, 'others').admitted.p99);
      const loud = await generator.run({
        ms,
        sending: { others: { open: OTHERS * capacity }, flood: { open: FLOOD * capacity } },
        settleMs: 3_000,
      });
      const group = groupIn(loud, 'others');
      const flood = groupIn(loud, 'flood');
      beside.push(group.admitted.p99);
      refused += countOf(group, 429, 503);
      intended += group.intended;
      flooded += countOf(flood, 201);
      turnedAway += countOf(flood, 429);
      lag = Math.max(lag, loud.lagMs, quiet.lagMs);
    }
    verdicts.figure(name, "the shard's capacity, a second", capacity);
    verdicts.figure(name, "others' p99 alone", median(alone), 'ms');
    verdicts.figure(name, "the generator's own lag, p99", lag, 'ms');
    verdicts.timed(lag).most(name, "others' p99 beside the flood", median(beside), 2 * median(alone) + lag, 'ms');
    verdicts.figure(name, "others' p99, times", median(beside) / median(alone));
    verdicts.most(name, 'refused of the others', (refused / intended) * 100, 1, '%');
    verdicts.figure(name, "the flood's goodput, a second", (flooded * 1000) / (ROUNDS * ms));
    verdicts.least(name, "the flood's 429", turnedAway, 1);
    await generator.stop();
  },
};
