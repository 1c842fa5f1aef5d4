/** Clients that behave badly, beside honest ones that hardly notice. */
import { setTimeout as delay } from 'node:timers/promises';
import { Company } from '../company/company.js';
import { groupIn, median, otherThan, residentMegabytes, Watch } from '../measure.js';
import { groupOf } from '../world.js';
import type { Scene } from './scene.js';
import { lasting } from './scene.js';

const LOOPS = 64;
const LOAD = 0.4;
const LOOK_MS = 200;
/** An idle connection is cut after 10 s, and a half request too. */
const GIVEN_BACK_MS = 15_000;
const HELD_MEGABYTES = 300;
const KEPT_MEGABYTES = 64;
/** Their arrival is over. */
const SETTLED_MS = 1_000;
/** A p99 of few seconds on a busy machine moves by this much with nothing wrong at all, ms. */
const NOISE_MS = 20;

export const badCompany: Scene = {
  name: 'bad company',
  run: async (stage) => {
    const { world, verdicts, short } = stage;
    const { name } = badCompany;
    const [tenant] = world.tenants;
    if (tenant === undefined) throw new Error('there are no merchants');
    const generator = await world.generator([groupOf(world, 'honest', world.tenants, { connections: LOOPS })]);
    const closed = await generator.run({
      ms: lasting(stage, 1_500, 8_000),
      sending: { honest: { closed: LOOPS } },
      settleMs: 3_000,
    });
    const load = (ms: number) =>
      generator.run({
        ms,
        sending: { honest: { open: groupIn(closed, 'honest').goodput * LOAD } },
        settleMs: 3_000,
      });
    const ms = lasting(stage, 2_500, 15_000);
    const alone: number[] = [];
    const beside: number[] = [];
    let lag = 0;
    let wrong = 0;
    let most = 0;
    const before = residentMegabytes(world.pid);
    for (let round = 0; round < (short ? 1 : 3); round++) {
      const quiet = await load(ms);
      alone.push(groupIn(quiet, 'honest').admitted.p99);
      const watch = new Watch(LOOK_MS, () => residentMegabytes(world.pid));
      const company = await Company.arrive({
        host: '127.0.0.1',
        port: world.engine.port,
        apiKey: tenant.key,
        idle: short ? 2_000 : 10_000,
        drips: short ? 200 : 1_000,
        deaf: short ? 25 : 200,
        deafEveryMs: short ? 50 : 200,
        halves: short ? 100 : 500,
        storm: short ? 50 : 200,
      });
      try {
        await delay(SETTLED_MS);
        const loud = await load(ms);
        const honest = groupIn(loud, 'honest');
        beside.push(honest.admitted.p99);
        wrong += otherThan(honest, 201) + honest.errors;
        lag = Math.max(lag, loud.lagMs, quiet.lagMs);
        const { open, opened, endedByEngine, refused, deafRequests } = await company.report();
        verdicts.figure(name, 'bad connections open', open);
        verdicts.figure(name, 'opened', opened);
        verdicts.figure(name, 'ended by the engine', endedByEngine);
        verdicts.figure(name, 'not let in', refused);
        verdicts.figure(name, 'requests of those who never read', deafRequests);
      } finally {
        await company.leave();
      }
      most = Math.max(most, ...watch.stop());
    }
    verdicts.figure(name, 'honest p99 alone', median(alone), 'ms');
    verdicts.figure(name, "the generator's own lag, p99", lag, 'ms');
    verdicts.timed(lag).most(name, 'honest p99 beside', median(beside), 1.5 * median(alone) + lag + NOISE_MS, 'ms');
    verdicts.most(name, 'honest answers but 201, and connections lost', wrong, 0);
    verdicts.most(name, 'memory taken', most - before, HELD_MEGABYTES, 'MB');
    if (!short) await delay(GIVEN_BACK_MS);
    verdicts.most(name, 'memory kept', residentMegabytes(world.pid) - before, KEPT_MEGABYTES, 'MB');
    await generator.stop();
  },
};
