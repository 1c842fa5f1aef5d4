/**
 * `npm run torture -- [--minutes M] [--seed N] [--short]`: the real program in real processes on real databases, clients
 * that remember what they were told, and everything that can go wrong, in an order that the seed decides.
 */
import { parseArgs } from 'node:util';
import { Counters } from './counters.js';
import { kills, pauses } from './faults/embedded.js';
import { lookAround } from './machine.js';
import { Random } from './random.js';
import { openEmbedded } from './scenes/embedded.js';
import type { Fault } from './scenes/scene.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, short: { type: 'boolean', default: false } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 0xffffffff));
const minutes = Number(values.minutes ?? (values.short ? 1 : 10));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const random = new Random(seed);
const counters = new Counters();

say(`seed ${seed}, ${minutes} minutes`);
const machine = lookAround(say);
const world = await openEmbedded(machine, random, counters, say);
try {
  const faults = [...kills(world, random, counters), ...pauses(world, random, values.short ? 1_000 : 5_000)];
  const bag: Fault[] = faults.flatMap((fault) => Array<Fault>(fault.weight).fill(fault));
  const end = performance.now() + minutes * 60_000;
  let queue = random.shuffled(bag);
  for (let round = 1; performance.now() < end; round++) {
    if (queue.length < 3) queue = [...queue, ...random.shuffled(bag)];
    say(`round ${round}`);
    await world.scene.round(queue.splice(0, random.between(1, 3)));
  }
} catch (error) {
  say(`FAILED with seed ${seed}: ${(error as Error).stack}`);
  say(world.engine().log().slice(-4000));
  process.exitCode = 1;
} finally {
  say(counters.table());
  await world.dispose();
}
