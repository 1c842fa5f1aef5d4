/**
 * `npm run bench`: what a fresh engine does on this machine, and in the same run what the machine could do at most.
 *
 *     npm run bench                              the long run, with all workloads
 *     npm run bench -- --quick                   under a minute, for a first look and for CI
 *     npm run bench -- --workload NAME[,NAME]    these alone; --connections 1,64 and --rates 5000 in place of their own
 *     npm run bench -- --profile FOLDER          where the time goes: stages, and flame graphs of fronts and workers
 *     npm run bench -- report FILE --html PAGE   a page of a run that was kept
 *     npm run bench -- compare OLD NEW           what has changed between two runs
 *     npm run bench -- knob NAME=VALUE …         what settings do, beside the defaults
 *     npm run bench -- soak                      whether a rate lasts, in an open loop of half an hour
 *
 * No speed is asserted without `--floors`: it ends with 1 only where answers and log disagree.
 */
import { endAll } from './children.js';
import { commandOf, HELP } from './command.js';

const END_MS = 35_000;

async function giveUp(why: string): Promise<never> {
  process.stderr.write(`bench: ${why}\n`);
  await endAll(END_MS);
  process.exit(1);
}

process.once('SIGINT', () => void giveUp('interrupted'));
process.once('SIGTERM', () => void giveUp('told to end'));
try {
  const command = commandOf(process.argv.slice(2));
  if (command === null) {
    process.stdout.write(HELP);
  } else {
    setTimeout(() => void giveUp('took too long'), command.maxMs).unref();
    process.exitCode = await command.run();
  }
} catch (error) {
  await giveUp(error instanceof Error ? error.message : String(error));
}
