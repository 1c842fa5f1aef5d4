/**
 * `npm run torture -- [--minutes M] [--seed N] [--short | --long] [--only WORDS]`: the real program in real processes on real
 * databases, clients that remember what they were told, and everything that can go wrong, in an order that the seed
 * decides. Times are the machine's own: a seed gives the same faults again, not the same microseconds.
 */
import { drawnSeed, longCommand, positive, whole } from '../support/command-line.js';
import type { RunningEngine } from '../support/engine.js';
import { must } from './checks/failure.js';
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

interface Given {
  readonly minutes?: number;
  readonly seed?: number;
  readonly short: boolean;
  readonly long: boolean;
  readonly only: string;
}

const {
  short,
  long,
  only,
  seed = drawnSeed(),
  minutes = long ? 25 : 10,
} = longCommand('torture', 'The real program, real processes, real databases, and everything that can go wrong.')
  .option('--minutes <n>', '10 where it is left out, 25 with --long', positive)
  .option('--seed <n>', 'gives the same faults again; drawn where it is left out', whole)
  .option('--short', 'for every change: about a minute and a half', false)
  .option('--long', 'for a release: half an hour, and on until enough has happened', false)
  .option('--only <words>', 'only faults whose names have these words in them', '')
  .parse()
  .opts<Given>();
const minutesMs = minutes * 60_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const random = new Random(seed);
const counters = new Counters();

/** What a run has to see at least. */
const LEAST = short
  ? { kills: 25, ambiguous: 1, owners: 1 }
  : long
    ? { kills: 200, ambiguous: 100, owners: 100 }
    : { kills: 0, ambiguous: 1, owners: 1 };
const AMBIGUOUS = ['ambiguous commits that had happened', 'ambiguous commits that had not happened'] as const;
const OWNERS = 'rounds of two owners';
const NETWORK_MS_SHORT = 15_000;
/** Of the whole time; the networked scene has the rest. */
const EMBEDDED_SHARE = 0.6;
const FAULTS_A_ROUND_MAX = 3;
/** Two owners are the worst that can happen to a ledger: as often as all faults of the lines together. */
const OWNERS_WEIGHT = 15;
const LOG_LINES = 60;

/** Faults come as they are weighted, all of them before any comes again beyond its weight. */
async function rounds(scene: Scene, all: readonly Fault[], goOn: () => boolean): Promise<void> {
  const bag = all.filter(({ name }) => name.includes(only)).flatMap((fault) => Array<Fault>(fault.weight).fill(fault));
  if (bag.length === 0) return;
  let queue = random.shuffled(bag);
  do {
    while (queue.length < FAULTS_A_ROUND_MAX) queue = [...queue, ...random.shuffled(bag)];
    say(`round ${counters.of('rounds') + 1}`);
    const count = short ? Math.min(FAULTS_A_ROUND_MAX, bag.length) : random.between(1, FAULTS_A_ROUND_MAX);
    await scene.round(queue.splice(0, count));
  } while (goOn());
}

async function tortureEmbedded(): Promise<void> {
  const machine = lookAround(say);
  const world = await openEmbedded(machine, random, counters, say);
  await guarded(world, async () => {
    const deadly = kills(world, random, counters);
    const others = [
      ...pauses(world, random, short ? 1_000 : 5_000),
      movedClock(world, random, counters),
      ...(world.disk === null
        ? []
        : [fullDisk(world, world.disk, counters, false), fullDisk(world, world.disk, counters, true)]),
      ...(machine.strace ? badSync(world, random, counters) : []),
    ];
    if (short) {
      const some = random.shuffled(others).slice(0, FAULTS_A_ROUND_MAX);
      await rounds(world.scene, some, () => false);
    } else {
      const end = performance.now() + minutesMs * EMBEDDED_SHARE;
      await rounds(world.scene, [...deadly, ...others], () => performance.now() < end);
    }
    if (only === '' && !hasKilledEnough()) await rounds(world.scene, deadly, () => !hasKilledEnough());
    await corruptPages(world, random, counters, short ? 1 : Number.POSITIVE_INFINITY);
  });
}

async function tortureNetworked(): Promise<void> {
  const world = await openNetworked(random, counters, say);
  await guarded(world, async () => {
    const owners = twoOwners(world, random, counters);
    const lines = badLines(world, random, counters);
    if (short) await rounds(world.scene, [{ ...owners, weight: 1 }], () => false);
    const end = performance.now() + (short ? NETWORK_MS_SHORT : minutesMs * (1 - EMBEDDED_SHARE));
    await rounds(
      world.scene,
      short ? lines : [{ ...owners, weight: OWNERS_WEIGHT }, ...lines],
      () => performance.now() < end || (long && only === '' && !hasSeenEnough()),
    );
  });
}

const hasKilledEnough = (): boolean => counters.of('kills') >= LEAST.kills;
const hasSeenEnough = (): boolean =>
  counters.of(OWNERS) >= LEAST.owners && AMBIGUOUS.every((mark) => counters.of(mark) >= LEAST.ambiguous);

/** What the engine said is shown where something is not as promised. */
async function guarded(
  world: { engine(): RunningEngine; dispose(): Promise<void> },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    say(world.engine().log().split('\n').slice(-LOG_LINES).join('\n'));
    // What is broken may not be taken down in order either: that must not hide what broke first.
    await world.dispose().catch((late: unknown) => say(`and then: ${(late as Error).message}`));
    throw error;
  }
  await world.dispose();
}

/** A run that did not come to what it is for proves nothing. */
function mustHaveReached(): void {
  const least: readonly (readonly [mark: string, times: number])[] = [
    ['kills', LEAST.kills],
    ...AMBIGUOUS.map((mark) => [mark, LEAST.ambiguous] as const),
    [OWNERS, LEAST.owners],
    ['verify runs that were clean', 1],
    ['changed pages that verify found', 1],
  ];
  for (const [mark, times] of least) {
    must(counters.of(mark) >= times, () => `of "${mark}" the run saw ${counters.of(mark)}, not ${times}`);
  }
}

const began = performance.now();
say(`seed ${seed}${short ? ', short' : `, ${minutes} minutes`}`);
try {
  await tortureEmbedded();
  await tortureNetworked();
  if (only === '') mustHaveReached();
  else must(counters.of('rounds') > 0, () => `no fault is called "${only}"`);
} catch (error) {
  say(`FAILED with seed ${seed}: ${(error as Error).stack}`);
  process.exitCode = 1;
} finally {
  say(`\nseed ${seed}, ${Math.round((performance.now() - began) / 1000)} s`);
  say(counters.table());
}
// A request that nobody will answer does not keep a broken run from its end.
process.exit();
