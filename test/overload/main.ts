/**
 * `npm run overload -- [--minutes M] [--seed N] [--short] [--only WORDS] [--day]`: more load than there is room for, and
 * clients that behave badly, against the real program on real databases. Ratios are of phases of the same run, one after
 * the other, since a machine's speed is not the same from minute to minute.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drawnSeed, longCommand, positive, whole } from '../support/command-line.js';
import { day, dayEnvironment } from './day/day.js';
import { badCompany } from './scenes/company.js';
import { fairness } from './scenes/fairness.js';
import type { Scene } from './scenes/scene.js';
import { shardDown } from './scenes/shard-down.js';
import { stall } from './scenes/stall.js';
import { threeTimes, threeTimesBatches } from './scenes/three-times.js';
import { Verdicts } from './verdicts.js';
import type { World } from './world.js';
import { openWorld } from './world.js';

interface Given {
  readonly minutes: number;
  readonly seed?: number;
  readonly short: boolean;
  readonly only: string;
  readonly day: boolean;
}

const {
  minutes,
  seed = drawnSeed(),
  short,
  only,
  day: isDay,
} = longCommand(
  'overload',
  'More load than there is room for, and clients that behave badly, against the real program.',
)
  .option('--minutes <n>', 'of the day; the other scenes have lengths of their own', positive, 30)
  .option('--seed <n>', 'drawn where it is left out', whole)
  .option('--short', 'for every change: about a minute', false)
  .option('--only <words>', 'only scenes whose names have these words in them', '')
  .option('--day', 'a day at small scale, and nothing else', false)
  .parse()
  .opts<Given>();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const verdicts = new Verdicts(say);

const PLAYS_MAX = 4;
/**
 * Commits that take as long as on a slow disk, and are small: so a shard is what is full first and not the processor, which
 * the generator shares, and a capacity is the same from one minute to the next.
 */
const SLOW_DISK = { syncMs: 20, env: { MILLRACE_BATCH__RECORDS_MAX: '32' } };

async function play(scenes: readonly Scene[], on: { syncMs?: number; env?: Record<string, string> }): Promise<void> {
  const wanted = scenes.filter(({ name }) => name.includes(only));
  if (wanted.length === 0) return;
  const world = await openWorld({ merchants: 4, seed, ...on });
  try {
    for (const scene of wanted) {
      await playUntilKept(scene, world);
    }
  } catch (error) {
    say(world.engine.log().split('\n').slice(-60).join('\n'));
    throw error;
  } finally {
    await world.dispose();
  }
}

/**
 * A scene that did not keep a promise is played again: a machine that others use too is slow now and then, an engine that
 * does not keep it is so each time.
 */
async function playUntilKept(scene: Scene, world: World): Promise<void> {
  for (let play = 1; ; play++) {
    say(play === 1 ? scene.name : `${scene.name}, play ${play}`);
    const trial = verdicts.trial();
    await scene.run({ world, verdicts: trial, short });
    if (trial.broken > 0 && play < PLAYS_MAX) continue;
    if (play > 1) trial.figure(scene.name, 'plays', play);
    verdicts.takeUp(trial);
    return;
  }
}

async function playDay(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-probe-'));
  const probe = fileURLToPath(new URL('day/probe.cjs', import.meta.url));
  try {
    const world = await openWorld({ merchants: 4, seed, env: dayEnvironment(folder, probe) });
    try {
      await day(world, folder, minutes, seed, verdicts);
    } catch (error) {
      say(world.engine.log().split('\n').slice(-60).join('\n'));
      throw error;
    } finally {
      await world.dispose();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const began = performance.now();
say(`seed ${seed}${short ? ', short' : ''}`);
try {
  if (isDay) await playDay();
  else {
    await play([threeTimes, fairness, badCompany, shardDown, stall], SLOW_DISK);
    if (!short || only !== '') await play([threeTimesBatches], {});
  }
  if (verdicts.kept === 0) throw new Error(`nothing is called "${only}"`);
} catch (error) {
  say(`FAILED with seed ${seed}: ${(error as Error).stack}`);
  process.exitCode = 1;
} finally {
  say(`\nseed ${seed}, ${Math.round((performance.now() - began) / 1000)} s`);
  say(verdicts.table());
  say(`\n${verdicts.kept} kept, ${verdicts.broken} broken`);
  if (verdicts.broken > 0) process.exitCode = 1;
}
