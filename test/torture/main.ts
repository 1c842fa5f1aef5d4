/**
 * `npm run torture -- [--minutes M] [--seed N] [--short]`: the real program in real processes on real databases, clients
 * that remember what they were told, and everything that can go wrong, in an order that the seed decides.
 */
import { parseArgs } from 'node:util';
import type { RunningEngine } from '../support/engine.js';
import { Counters } from './counters.js';
import { movedClock } from './faults/clock.js';
import { fullDisk } from './faults/disk.js';
import { kills, pauses } from './faults/embedded.js';
import { badSync } from './faults/fsync.js';
import { badLines } from './faults/network.js';
import { twoOwners } from './faults/owners.js';
import { lookAround } from './machine.js';
import { Random } from './random.js';
import { corruptPages } from './scenes/corrupt.js';
import { openEmbedded } from './scenes/embedded.js';
import { openNetworked } from './scenes/networked.js';
import type { Fault, Scene } from './scenes/scene.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, short: { type: 'boolean', default: false } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 0xffffffff));
const minutes = Number(values.minutes ?? (values.short ? 1 : 10));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const random = new Random(seed);
const counters = new Counters();

/** Faults come as they are weighted, each of them before any comes again. */
async function rounds(scene: Scene, faults: readonly Fault[], untilMs: number, atOnce: number): Promise<void> {
  const bag = faults.flatMap((fault) => Array<Fault>(fault.weight).fill(fault));
  let queue = random.shuffled(bag);
  do {
    if (queue.length < atOnce) queue = [...queue, ...random.shuffled(bag)];
    say(`round ${counters.of('rounds') + 1}`);
    await scene.round(queue.splice(0, random.between(1, atOnce)));
  } while (performance.now() < untilMs);
}

const minuteMs = 60_000;
async function tortureEmbedded(): Promise<void> {
  const machine = lookAround(say);
  const world = await openEmbedded(machine, random, counters, say);
  await guarded(world, async () => {
    const faults = [
      ...kills(world, random, counters),
      ...pauses(world, random, values.short ? 1_000 : 5_000),
      movedClock(world, random, counters),
      ...(world.disk === null
        ? []
        : [fullDisk(world, world.disk, counters, false), fullDisk(world, world.disk, counters, true)]),
      ...(machine.strace ? badSync(world, random, counters) : []),
    ].filter(({ name }) => name.includes(process.env.FAULT ?? ''));
    await rounds(world.scene, faults, performance.now() + minutes * 0.6 * minuteMs, 3);
    await corruptPages(world, random, counters);
  });
}

async function tortureNetworked(): Promise<void> {
  const world = await openNetworked(random, counters, say);
  await guarded(world, async () => {
    const faults = [...badLines(world, random, counters), twoOwners(world, random, counters)];
    await rounds(world.scene, faults, performance.now() + minutes * 0.4 * minuteMs, 3);
  });
}

/** What the engine said is shown where something is not as promised. */
async function guarded(
  world: { engine(): RunningEngine; dispose(): Promise<void> },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    say(world.engine().log().split('\n').slice(-LOG_LINES).join('\n'));
    throw error;
  } finally {
    await world.dispose();
  }
}

const LOG_LINES = 60;
say(`seed ${seed}, ${minutes} minutes`);
try {
  if (process.env.ONLY !== 'net') await tortureEmbedded();
  if (process.env.ONLY !== 'emb') await tortureNetworked();
} catch (error) {
  say(`FAILED with seed ${seed}: ${(error as Error).stack}`);
  process.exitCode = 1;
} finally {
  say(counters.table());
}
