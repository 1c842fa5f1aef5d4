/** A shard whose database stands still, and one whose database is killed, take their own merchants down and nobody else. */
import { setTimeout as delay } from 'node:timers/promises';
import { countOf, groupIn, otherThan } from '../measure.js';
import { groupOf } from '../world.js';
import type { Scene } from './scene.js';
import { lasting } from './scene.js';

const LOOPS = 128;
const LOAD = 0.4;
const REFUSED_MS = 1_000;

export const shardDown: Scene = {
  name: 'a shard that is down',
  run: async (stage) => {
    const { world, verdicts } = stage;
    const generator = await world.generator([
      groupOf(
        world,
        'own',
        world.tenants.filter(({ shard }) => shard === 0),
        { connections: LOOPS },
      ),
      groupOf(
        world,
        'others',
        world.tenants.filter(({ shard }) => shard === 1),
        { connections: LOOPS },
      ),
    ]);
    const closed = await generator.run({
      ms: lasting(stage, 1_500, 8_000),
      sending: { own: { closed: LOOPS / 2 }, others: { closed: LOOPS / 2 } },
      settleMs: 3_000,
    });
    const rate = groupIn(closed, 'others').goodput * LOAD;
    const load = (ms: number) =>
      generator.run({ ms, sending: { own: { open: rate }, others: { open: rate } }, settleMs: 12_000 });
    const ms = lasting(stage, 1_500, 12_000);
    for (const way of ['stands still', 'is killed again and again'] as const) {
      const name = `${shardDown.name}: ${way}`;
      const quiet = await load(ms);
      const running = load(ms);
      const end =
        way === 'stands still' ? await world.pause([0]) : keepKilling(() => world.servers[0].signal('SIGKILL'));
      await delay(ms);
      end();
      const down = await running;
      const own = groupIn(down, 'own');
      const before = groupIn(quiet, 'others').admitted.p99;
      const lag = Math.max(down.lagMs, quiet.lagMs);
      verdicts.least(name, 'its own merchants got 503', countOf(own, 503), 1);
      verdicts.most(name, 'within, p99', own.refused.p99, REFUSED_MS + lag, 'ms');
      verdicts.most(name, 'without Retry-After', own.withoutRetryAfter, 0);
      verdicts.most(name, 'its own answers but 201, 503', otherThan(own, 201, 503), 0);
      verdicts.most(name, "the others' answers but 201", otherThan(groupIn(down, 'others'), 201), 0);
      verdicts.figure(name, "the others' p99 before", before, 'ms');
      const meanwhile = groupIn(down, 'others').admitted.p99;
      verdicts.timed(lag).most(name, "the others' p99 meanwhile", meanwhile, 2 * before + lag, 'ms');
      await isBack(() => load(500));
    }
    await generator.stop();
  },
};

/** The engine starts it again each time. */
function keepKilling(kill: () => void): () => void {
  const timer = setInterval(kill, 100);
  return () => clearInterval(timer);
}

async function isBack(look: () => Promise<Parameters<typeof groupIn>[0]>): Promise<void> {
  for (;;) {
    const own = groupIn(await look(), 'own');
    if (otherThan(own, 201) === 0 && own.errors === 0) return;
  }
}
