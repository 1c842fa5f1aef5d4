/** The bench's command line. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Results } from './figures/schema.js';
import { textOf } from './figures/text.js';
import { LONG, QUICK, type Settings } from './suite/settings.js';
import { type Plan, runSuite } from './suite/suite.js';
import { WORKLOADS, workloadNamed } from './workloads/registry.js';

export interface Command {
  /** It may take so long, ms. */
  readonly maxMs: number;
  /** @returns the exit code */
  run(): Promise<number>;
}

export const HELP = `npm run bench -- [--quick] [--json FILE] [--html FILE] [--floors FILE]
npm run bench -- --workload NAME[,NAME] [--connections N,…] [--rates N,…] [--duration SECONDS]
npm run bench -- report FILE --html PAGE
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
      json: { type: 'string' },
      html: { type: 'string' },
      floors: { type: 'string' },
      workload: { type: 'string' },
      connections: { type: 'string' },
      rates: { type: 'string' },
      rounds: { type: 'string' },
      duration: { type: 'string' },
      growth: { type: 'string' },
    },
  });
  if (values.help) return null;
  if (positionals.length > 0) throw new Error(`there is no command "${positionals[0]}"`);
  const plan = planOf(values);
  return {
    maxMs: plan.settings.allMaxMs,
    run: async () => {
      const results = await runSuite(plan);
      process.stdout.write(`\n${textOf(results)}\n`);
      if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
      return isSound(results) ? 0 : 1;
    },
  };
}

/** A verify that time did not allow is no fault. */
const isSound = ({ agrees, verify }: Results): boolean =>
  agrees && (verify === 'clean' || verify.startsWith('not done'));

interface Values {
  readonly quick: boolean;
  readonly workload?: string | undefined;
  readonly connections?: string | undefined;
  readonly rates?: string | undefined;
  readonly rounds?: string | undefined;
  readonly duration?: string | undefined;
  readonly growth?: string | undefined;
}

const MILLION = 1_000_000;

function planOf(values: Values): Plan {
  const base = values.quick ? QUICK : LONG;
  const all = values.quick ? [] : WORKLOADS;
  return {
    suite: values.workload !== undefined ? 'workloads' : values.quick ? 'quick' : 'long',
    settings: settingsOf(base, values),
    workloads: values.workload === undefined ? all : values.workload.split(',').map(workloadNamed),
    chosen: {
      connections: listOf('--connections', values.connections),
      rates: listOf('--rates', values.rates),
    },
    growth: (listOf('--growth', values.growth) ?? []).map((millions) => millions * MILLION),
  };
}

function settingsOf(base: Settings, { rounds, duration }: Values): Settings {
  const durationS = wholeOf('--duration', duration);
  return {
    ...base,
    rounds: wholeOf('--rounds', rounds) ?? base.rounds,
    durationS: durationS ?? base.durationS,
    batchS: durationS ?? base.batchS,
    workloads: { ...base.workloads, durationS: durationS ?? base.workloads.durationS },
  };
}

function listOf(name: string, text: string | undefined): number[] | null {
  if (text === undefined) return null;
  return text.split(',').map((one) => wholeOf(name, one) ?? 0);
}

function wholeOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} takes integers from 1; it has "${text}"`);
  return value;
}
