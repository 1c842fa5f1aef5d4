/** The bench's command line. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { wholeOf } from './arguments.js';
import { compareText } from './figures/compare.js';
import { below, bestOf, type Floors, floorsText, reachedOf, readFloors } from './figures/floors.js';
import { readResults } from './figures/saved.js';
import type { Results } from './figures/schema.js';
import { textOf } from './figures/text.js';
import { knobCommand } from './knob/command.js';
import { mustGoWith, type RunName } from './options.js';
import { pageOf } from './page/page.js';
import { writePictures } from './page/picture.js';
import { plotsOf } from './page/plots.js';
import { profile } from './profile/profile.js';
import { soakCommand } from './soak/command.js';
import { isSound } from './suite/books.js';
import { LONG, QUICK, type Settings } from './suite/settings.js';
import { type Plan, runSuite } from './suite/suite.js';
import { WORKLOADS, workloadNamed } from './workloads/registry.js';

export interface Command {
  /** It may take so long, ms. */
  readonly maxMs: number;
  /** @returns the exit code */
  run(): Promise<number>;
}

export const HELP = `npm run bench -- [--quick [--stream]] [--json FILE] [--html FILE] [--floors FILE]
npm run bench -- --workload NAME[,NAME] [--connections N,…] [--rates N,…] [--duration SECONDS]
npm run bench -- --growth MILLIONS,… [--quick] [--rounds N] [--duration SECONDS]
npm run bench -- --profile FOLDER [--duration SECONDS]
npm run bench -- knob NAME=VALUE[,NAME=VALUE]… [more of them] [--shape single|batches] [--connections N] [--rounds N]
                 [--duration SECONDS] [--json FILE]
npm run bench -- soak [--minutes N] [--share OF-THE-CAPACITY] [--connections N] [--seed N] [--json FILE]
npm run bench -- report FILE [--html PAGE] [--plots FOLDER]
npm run bench -- compare OLD NEW

Workloads: ${WORKLOADS.map(({ name }) => name).join(', ')}
`;

/** @returns null where help is asked for @throws Error that says what is wrong with the arguments */
export function commandOf(args: readonly string[]): Command | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      stream: { type: 'boolean', default: false },
      json: { type: 'string' },
      html: { type: 'string' },
      plots: { type: 'string' },
      floors: { type: 'string' },
      workload: { type: 'string' },
      connections: { type: 'string' },
      rates: { type: 'string' },
      rounds: { type: 'string' },
      duration: { type: 'string' },
      growth: { type: 'string' },
      profile: { type: 'string' },
      shape: { type: 'string' },
      minutes: { type: 'string' },
      share: { type: 'string' },
      seed: { type: 'string' },
    },
  });
  if (values.help) return null;
  const run = runOf(positionals[0], values);
  mustGoWith(run, values);
  const more = positionals.slice(1);
  switch (run) {
    case 'report':
      return reportCommand(more, values);
    case 'compare':
      return compareCommand(more);
    case 'knob':
      return knobCommand(more, values);
    case 'soak':
      return soakCommand(more, values);
    case '--profile':
      // What makes it this run.
      return profileCommand(values.profile as string, values.duration);
    default:
      return suiteCommand(run, values);
  }
}

function suiteCommand(run: SuiteRun, values: Values): Command {
  const plan = planOf(run, values);
  const floors = values.floors === undefined ? null : readFloors(values.floors);
  return {
    maxMs: plan.settings.allMaxMs * (floors === null ? 1 : 2),
    run: async () => {
      const results = await measure(plan, values);
      if (!isSound(results)) return 1;
      return floors === null ? 0 : holdFloors(floors, results, plan, values);
    },
  };
}

/** @throws Error where there is no such command */
function runOf(command: string | undefined, values: Values): RunName {
  switch (command) {
    case 'report':
    case 'compare':
    case 'knob':
    case 'soak':
      return command;
    case undefined:
      if (values.profile !== undefined) return '--profile';
      if (values.growth !== undefined) return '--growth';
      if (values.workload !== undefined) return '--workload';
      return values.quick ? '--quick' : 'the long run';
    default:
      throw new Error(`there is no command "${command}"`);
  }
}

async function measure(plan: Plan, { json, html }: Pick<Values, 'json' | 'html'>): Promise<Results> {
  const results = await runSuite(plan);
  process.stdout.write(`\n${textOf(results)}\n`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
  if (html !== undefined) writeFileSync(html, pageOf(results));
  return results;
}

/** Where a figure is below its floor, all is measured once more, and the better of the two counts. */
async function holdFloors(floors: Floors, first: Results, plan: Plan, values: Values): Promise<number> {
  const reached = reachedOf(first);
  process.stdout.write(floorsText(floors, reached));
  if (below(floors, reached).length === 0) return 0;
  const again = await measure(plan, values);
  const best = bestOf([reached, reachedOf(again)]);
  process.stdout.write(`The better of two runs:\n${floorsText(floors, best)}`);
  return isSound(again) && below(floors, best).length === 0 ? 0 : 1;
}

const READING_MS = 60_000;
const PROFILE_S = 5;
const PROFILE_MS_MAX = 600_000;

function profileCommand(folder: string, duration: string | undefined): Command {
  const seconds = wholeOf('--duration', duration) ?? PROFILE_S;
  return {
    maxMs: PROFILE_MS_MAX + seconds * 4_000,
    run: async () => {
      await profile(folder, seconds);
      return 0;
    },
  };
}

function reportCommand([file, ...more]: readonly string[], { html, plots }: Pick<Values, 'html' | 'plots'>): Command {
  if (file === undefined || more.length > 0 || (html === undefined && plots === undefined)) {
    throw new Error('report takes FILE, and --html PAGE, --plots FOLDER or both');
  }
  return {
    maxMs: READING_MS,
    run: async () => {
      const results = readResults(file);
      if (html !== undefined) writeFileSync(html, pageOf(results));
      if (plots !== undefined) writePictures(plots, plotsOf(results));
      return 0;
    },
  };
}

function compareCommand([before, after, ...more]: readonly string[]): Command {
  if (before === undefined || after === undefined || more.length > 0) throw new Error('compare takes OLD NEW');
  return {
    maxMs: READING_MS,
    run: async () => {
      process.stdout.write(compareText(readResults(before), readResults(after)));
      return 0;
    },
  };
}

interface Values {
  readonly quick: boolean;
  readonly stream: boolean;
  readonly json?: string | undefined;
  readonly html?: string | undefined;
  readonly plots?: string | undefined;
  readonly floors?: string | undefined;
  readonly profile?: string | undefined;
  readonly workload?: string | undefined;
  readonly connections?: string | undefined;
  readonly rates?: string | undefined;
  readonly rounds?: string | undefined;
  readonly duration?: string | undefined;
  readonly growth?: string | undefined;
}

const MILLION = 1_000_000;

const SUITES = {
  'the long run': 'long',
  '--quick': 'quick',
  '--workload': 'workloads',
  '--growth': 'growth',
} as const satisfies Partial<Record<RunName, Plan['suite']>>;
type SuiteRun = keyof typeof SUITES;

function planOf(run: SuiteRun, values: Values): Plan {
  return {
    suite: SUITES[run],
    settings: settingsOf(values.quick ? QUICK : LONG, values),
    workloads: values.workload?.split(',').map(workloadNamed) ?? (run === 'the long run' ? WORKLOADS : []),
    chosen: {
      connections: listOf('--connections', values.connections),
      rates: listOf('--rates', values.rates),
    },
    growth: (listOf('--growth', values.growth) ?? []).map((millions) => millions * MILLION),
  };
}

function settingsOf(base: Settings, { rounds, duration, workload, stream }: Values): Settings {
  const durationS = wholeOf('--duration', duration);
  const { verifyMaxMs, allMaxMs } = workload === undefined ? base : LONG;
  return {
    ...base,
    verifyMaxMs,
    allMaxMs,
    rounds: wholeOf('--rounds', rounds) ?? base.rounds,
    streamRounds: stream ? base.rounds : base.streamRounds,
    durationS: durationS ?? base.durationS,
    frontS: durationS ?? base.frontS,
    batchS: durationS ?? base.batchS,
    workloads: { ...base.workloads, durationS: durationS ?? base.workloads.durationS },
  };
}

function listOf(name: string, text: string | undefined): number[] | null {
  if (text === undefined) return null;
  return text.split(',').map((one) => wholeOf(name, one) ?? 0);
}
