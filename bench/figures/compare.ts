/** What has changed between two runs, and whether the rounds allow to say so. */
import { textTable } from '../../src/cli/io.js';
import { machineText } from './machine.js';
import type { MachineFigures, Results } from './schema.js';
import { spreadOf, spreadText } from './spread.js';

export type Verdict = 'better' | 'worse' | 'no difference shown' | 'too few rounds' | 'other machine';

interface Metric {
  readonly name: string;
  readonly digits: number;
  /** A ratio may be compared between machines only if it has one; a rate never. */
  rounds(results: Results): readonly number[] | undefined;
}

/** Chance that rounds which do not differ in truth lie as far apart as these. */
const CHANCE_MAX = 0.05;

const METRICS: readonly Metric[] = [
  ...(['wrk', 'autocannon'] as const).flatMap((driver): Metric[] => [
    {
      name: `single, ${driver}: transactions/s`,
      digits: 0,
      rounds: ({ singleByDriver }) => singleByDriver[driver]?.rounds.engine,
    },
    {
      name: `single, ${driver}: of the bare front`,
      digits: 3,
      rounds: ({ singleByDriver }) => singleByDriver[driver]?.rounds.ratio,
    },
  ]),
  { name: 'batches: transactions/s', digits: 0, rounds: ({ batch }) => batch?.rounds.engine },
  { name: 'batches: of bare COPY', digits: 3, rounds: ({ batch }) => batch?.rounds.ratio },
  { name: 'batches: of bare COPY in pieces', digits: 3, rounds: ({ batch }) => batch?.rounds.ratioInPieces },
  { name: 'stream: transactions/s', digits: 0, rounds: ({ stream }) => stream?.rounds.engine },
  { name: 'stream: of bare COPY', digits: 3, rounds: ({ stream }) => stream?.rounds.ratio },
  { name: 'times the ordinary way', digits: 1, rounds: ({ ordinary }) => ordinary?.rounds.ratio },
];

/** As a table. Of each metric that both have: medians, spread, change, verdict. */
export function compareText(before: Results, after: Results): string {
  const isSame = isSameMachine(before.machine, after.machine);
  const rows = METRICS.flatMap(({ name, digits, rounds }) => {
    const [old, now] = [rounds(before), rounds(after)];
    if (old === undefined || now === undefined || old.length === 0 || now.length === 0) return [];
    const show = (values: readonly number[]): string => {
      const spread = spreadOf(values);
      const median = digits === 0 ? Math.round(spread.median).toLocaleString('en') : spread.median.toFixed(digits);
      return `${median} ${spreadText(spread)}`;
    };
    const change = (spreadOf(now).median / spreadOf(old).median - 1) * 100;
    const verdict = isSame ? verdictOf(old, now) : 'other machine';
    return [[name, show(old), show(now), `${change > 0 ? '+' : ''}${change.toFixed(0)} %`, verdict]];
  });
  return [
    `before: ${before.at}, ${machineText(before.machine)}`,
    `after:  ${after.at}, ${machineText(after.machine)}`,
    '',
    textTable(['', 'before', 'after', 'change', 'verdict'], rows),
  ].join('\n');
}

/** More is better. By the exact Mann-Whitney test on two sides. */
export function verdictOf(before: readonly number[], after: readonly number[]): Exclude<Verdict, 'other machine'> {
  const pairs = before.length * after.length;
  if (chanceOf(pairs, before.length, after.length) > CHANCE_MAX) return 'too few rounds';
  const wins = winsOf(after, before);
  if (chanceOf(wins, before.length, after.length) > CHANCE_MAX) return 'no difference shown';
  return wins * 2 > pairs ? 'better' : 'worse';
}

/** In how many pairs the first is greater; an equal pair is half of one. */
function winsOf(ours: readonly number[], theirs: readonly number[]): number {
  let wins = 0;
  for (const our of ours) for (const their of theirs) wins += our > their ? 1 : our === their ? 0.5 : 0;
  return wins;
}

/**
 * The chance of so many wins, or as many on the other side, or more extreme, among `m` and `n` values in random order.
 * Of equal values it says too much rather than too little.
 */
export function chanceOf(wins: number, m: number, n: number): number {
  const extreme = Math.floor(Math.max(wins, m * n - wins));
  const ways = waysOf(m, n);
  const all = ways.reduce((sum, count) => sum + count, 0);
  const beyond = ways.slice(extreme).reduce((sum, count) => sum + count, 0);
  return Math.min(1, (2 * beyond) / all);
}

/** In how many orders of `m` and `n` values there are 0, 1, 2, … wins: the last value is one of the `m` or of the `n`. */
function waysOf(m: number, n: number): readonly number[] {
  const none: readonly number[] = [1];
  // For 0, 1, … m values, beside so many of the others as have been counted.
  let rows = Array.from({ length: m + 1 }, () => none);
  for (let others = 1; others <= n; others++) {
    const next = [none];
    for (let ours = 1; ours <= m; ours++) {
      const ways = new Array<number>(ours * others + 1).fill(0);
      for (const [wins, count] of next[ours - 1]?.entries() ?? []) ways[wins + others] = count;
      for (const [wins, count] of rows[ours]?.entries() ?? []) ways[wins] = (ways[wins] ?? 0) + count;
      next.push(ways);
    }
    rows = next;
  }
  return rows[m] ?? none;
}

const isSameMachine = (one: MachineFigures, other: MachineFigures): boolean =>
  one.cpus === other.cpus && one.model === other.model && one.memory === other.memory;
