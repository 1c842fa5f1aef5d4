/**
 * One fault, in a process of its own: `trial.js NAME FIRST_SEED SEEDS`. Runs seeds until one is complained about and
 * prints what was found as one line of JSON.
 */
import { register } from 'node:module';
import { plant } from '../planted.js';
import type { Trial } from './find.js';
import { FAULTS, SOUND } from './list/index.js';
import { BUILD, SOURCES } from './places.js';

const [name, first, seeds] = process.argv.slice(2);
const fault = [SOUND, ...FAULTS].find((one) => one.name === name);
if (fault === undefined) throw new Error(`there is no fault called ${name}`);

register('./hooks.js', import.meta.url, { data: { fault, sources: SOURCES.href, build: BUILD.href } });
plant(fault.planted ?? []);
// Loaded now, behind the hooks.
const { run } = await import('../run.js');

const from = Number(first);
// Outside of any promise: a run empties their queue again and again.
setImmediate(() => {
  for (let seed = from; seed < from + Number(seeds); seed++) {
    const [complaint] = run({ seed }).complaints;
    if (complaint === undefined) continue;
    say({ seeds: seed - from + 1, seed, rule: complaint.rule, said: complaint.said.split('\n')[0] ?? '' });
    return;
  }
  say(null);
});

function say(found: Trial): void {
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
