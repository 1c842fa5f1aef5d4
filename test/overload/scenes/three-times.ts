/**
 * Three times of what the engine can do, in an open loop. What it can do is measured in the same run, before and after
 * each flood, by the same generator: the machine is nobody's alone.
 */
import { countOf, cpuMicros, groupIn, mean, median, otherThan, residentMegabytes, Watch } from '../measure.js';
import { groupOf } from '../world.js';
import type { Scene, Stage } from './scene.js';
import { lasting } from './scene.js';

const LOOK_MS = 250;
/** What waits is bounded by `admission.queue`, 250 ms; a second is that with the swings of a shared machine. */
const ADMITTED_MS = 1_000;
const REFUSED_MS = 25;
const REFUSED_CPU_MICROS = 100;

interface Work {
  readonly name: string;
  /** Transactions in each request. */
  readonly batch: number;
  /** Connections that keep the shards at it. */
  readonly loops: number;
  /** Whose merchants send. */
  readonly shards: readonly number[];
  /** Of what was done. */
  readonly status: number;
  /** Of the capacity, at least. */
  readonly goodput: number;
}

export const threeTimes = sceneOf({
  name: 'three times the capacity',
  batch: 1,
  loops: 128,
  shards: [0],
  status: 201,
  goodput: 0.9,
});

/**
 * What is full first is the processor, which the generator shares: what it spends on three times as many bodies of 13 kB, and the
 * engine on reading past them, is missing from the work.
 */
export const threeTimesBatches = sceneOf({
  name: 'three times the capacity, batches of 100 on a quick disk',
  batch: 100,
  loops: 32,
  shards: [0, 1],
  status: 200,
  goodput: 0.6,
});

function sceneOf(work: Work): Scene {
  return { name: work.name, run: (stage) => run(stage, work) };
}

async function run(stage: Stage, { name, batch, loops, shards, status, goodput }: Work): Promise<void> {
  const { world, verdicts } = stage;
  const tenants = world.tenants.filter(({ shard }) => shards.includes(shard));
  const generator = await world.generator([groupOf(world, 'all', tenants, { batch, connections: loops })]);
  const rounds = stage.short ? 1 : 2;
  const capacity = async () =>
    generator.run({ ms: lasting(stage, 1_500, 8_000), sending: { all: { closed: loops } }, settleMs: 3_000 });
  const half = (perSecond: number, ms: number) =>
    generator.run({ ms, sending: { all: { open: perSecond / 2 } }, settleMs: 5_000 });
  await capacity();
  const capacities: number[] = [];
  const before = await cost(stage, async () => {
    const result = groupIn(await capacity(), 'all');
    capacities.push(result.goodput);
    return result;
  });
  const calm = await half(capacities[0] ?? 0, lasting(stage, 1_000, 5_000));
  const goodputs: number[] = [];
  const floods: Awaited<ReturnType<typeof flood>>[] = [];
  for (let round = 0; round < rounds; round++) {
    floods.push(await flood(stage, generator, capacities.at(-1) ?? 0));
    if (round < rounds - 1) capacities.push(groupIn(await capacity(), 'all').goodput);
    goodputs.push(floods.at(-1)?.group.goodput ?? 0);
  }
  // What is left of the flood has five seconds to be gone.
  await half(capacities[0] ?? 0, lasting(stage, 1_000, 5_000));
  const after = await half(capacities[0] ?? 0, lasting(stage, 1_000, 5_000));
  capacities.push(groupIn(await capacity(), 'all').goodput);

  const lag = Math.max(...floods.map(({ lagMs }) => lagMs));
  const groups = floods.map(({ group }) => group);
  const timed = verdicts.timed(lag);
  verdicts.figure(name, 'capacity, a second', mean(capacities));
  verdicts.figure(name, 'intended, a second', mean(floods.map(({ intended }) => intended)));
  timed.least(name, 'goodput of capacity', median(goodputs) / median(capacities), goodput);
  verdicts.figure(name, "the generator's own lag, p99", lag, 'ms');
  verdicts.figure(name, 'admitted, p50', median(groups.map(({ admitted }) => admitted.p50)), 'ms');
  timed.most(name, 'admitted, p99', median(groups.map(({ admitted }) => admitted.p99)), ADMITTED_MS + lag, 'ms');
  timed.most(name, 'refused, p50', median(groups.map(({ refused }) => refused.p50)), REFUSED_MS, 'ms');
  verdicts.least(
    name,
    'refused',
    groups.reduce((sum, group) => sum + countOf(group, 429, 503), 0),
    1,
  );
  verdicts.most(
    name,
    'answers but 2xx, 429, 503',
    sumOf(groups, (group) => otherThan(group, status, 429, 503)),
    0,
  );
  verdicts.most(
    name,
    'refusals without Retry-After',
    sumOf(groups, ({ withoutRetryAfter }) => withoutRetryAfter),
    0,
  );
  // One that the engine ends for being idle may be written to at the same moment.
  const lost = (sumOf(groups, ({ errors }) => errors) / sumOf(groups, ({ intended }) => intended)) * 100;
  verdicts.most(name, 'connections lost, of all requests', lost, 1, '%');
  const perPosting = before.cpu / countOf(before.result, status);
  const flooded = floods.reduce((sum, { cpu }) => sum + cpu, 0);
  const spent = flooded - perPosting * sumOf(groups, (group) => countOf(group, status));
  const perRefusal = spent / sumOf(groups, (group) => countOf(group, 429, 503));
  verdicts.figure(name, 'engine CPU a request', perPosting, 'µs');
  verdicts.most(name, 'engine CPU a refusal', perRefusal, REFUSED_CPU_MICROS, 'µs');
  const grown = median(floods.map(({ resident }) => growth(resident)));
  verdicts.most(name, 'resident memory, over the last half', Math.abs(grown) * 100, 10, '%');
  const wasCalm = groupIn(calm, 'all');
  const isCalm = groupIn(after, 'all');
  verdicts.most(name, 'refused when it is over', countOf(isCalm, 429, 503), 0);
  timed.most(
    name,
    'p99 when it is over',
    isCalm.admitted.p99,
    2 * wasCalm.admitted.p99 + Math.max(calm.lagMs, after.lagMs),
    'ms',
  );
  await generator.stop();
}

const sumOf = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((sum, one) => sum + of(one), 0);

async function flood(stage: Stage, generator: Awaited<ReturnType<Stage['world']['generator']>>, capacity: number) {
  const watch = new Watch(LOOK_MS, () => residentMegabytes(stage.world.pid));
  const { result, cpu } = await cost(stage, () =>
    generator.run({
      ms: lasting(stage, 4_000, 30_000),
      sending: { all: { open: 3 * capacity } },
      settleMs: 5_000,
    }),
  );
  const resident = watch.stop();
  const group = groupIn(result, 'all');
  return { group, cpu, resident, lagMs: result.lagMs, intended: (group.intended * 1000) / result.ms };
}

/** CPU time of the engine's process meanwhile, µs. */
async function cost<T>(
  { world }: Stage,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpu: number }> {
  const before = cpuMicros(world.pid);
  const result = await work();
  return { result, cpu: cpuMicros(world.pid) - before };
}

/** Of the last quarter over the one before it. */
function growth(seen: readonly number[]): number {
  const half = Math.floor(seen.length / 2);
  const three = Math.floor((seen.length * 3) / 4);
  return mean(seen.slice(three)) / mean(seen.slice(half, three)) - 1;
}
