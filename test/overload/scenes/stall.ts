/** Every database stands still under load, clients retry, and it goes on: no state that only the retries keep up. */
import { setTimeout as delay } from 'node:timers/promises';
import { countOf, groupIn, mean, otherThan } from '../measure.js';
import { groupOf } from '../world.js';
import type { Scene } from './scene.js';
import { lasting } from './scene.js';

const LOOPS = 128;
/** Of the capacity: enough that retries on top of it are more than can be served. */
const LOAD = 0.6;
const RETRIES = 20;
const TENTHS_A_SECOND = 10;
const REFUSED_MS = 1_000;

export const stall: Scene = {
  name: 'databases that stand still',
  run: async (stage) => {
    const { world, verdicts } = stage;
    const { name } = stall;
    const stallMs = lasting(stage, 2_000, 10_000);
    const beforeMs = lasting(stage, 2_000, 10_000);
    const afterMs = lasting(stage, 4_000, 20_000);
    const generator = await world.generator([
      groupOf(world, 'all', world.tenants, { connections: LOOPS, retries: RETRIES }),
    ]);
    const closed = await generator.run({
      ms: lasting(stage, 1_500, 8_000),
      sending: { all: { closed: LOOPS } },
      settleMs: 3_000,
    });
    const load = groupIn(closed, 'all').goodput * LOAD;
    const running = generator.run({
      ms: beforeMs + stallMs + afterMs,
      sending: { all: { open: load } },
      settleMs: 10_000,
    });
    await delay(beforeMs);
    const resume = await world.pause([0, 1]);
    await delay(stallMs);
    resume();
    const result = await running;
    const group = groupIn(result, 'all');
    const perSecond = (fromMs: number, toMs: number): number =>
      mean(group.timeline.slice(Math.ceil(fromMs / 100), Math.floor(toMs / 100))) * TENTHS_A_SECOND;
    const former = perSecond(500, beforeMs);
    const again = perSecond(beforeMs + stallMs + afterMs - 3_000, beforeMs + stallMs + afterMs);
    verdicts.figure(name, 'stall', stallMs / 1000, 's');
    verdicts.figure(name, 'before, a second', former);
    const timed = verdicts.timed(result.lagMs);
    timed.least(name, 'throughput again, of the former', again / former, 0.95);
    verdicts.figure(
      name,
      'first second at 95 % after the stall',
      backAfter(group.timeline, beforeMs + stallMs, former),
      's',
    );
    verdicts.least(name, 'refused meanwhile', countOf(group, 503), 1);
    verdicts.most(name, 'refused, p99', group.refused.p99, REFUSED_MS + result.lagMs, 'ms');
    verdicts.most(name, 'answers but 201, 429, 503', otherThan(group, 201, 429, 503), 0);
    verdicts.most(name, 'refusals without Retry-After', group.withoutRetryAfter, 0);
    const given = group.givenUp + group.unanswered;
    timed.most(name, 'given up by clients that retry, of all', (given / group.intended) * 100, 1, '%');
    await generator.stop();
  },
};

/** Seconds. */
function backAfter(timeline: readonly number[], fromMs: number, former: number): number {
  for (let at = Math.ceil(fromMs / 100); at + TENTHS_A_SECOND <= timeline.length; at++) {
    if (mean(timeline.slice(at, at + TENTHS_A_SECOND)) * TENTHS_A_SECOND >= 0.95 * former)
      return at / 10 - fromMs / 1000;
  }
  return Number.POSITIVE_INFINITY;
}
