/** From the rounds of several engines to what they say of the settings. */
import { verdictOf } from '../figures/compare.js';
import { engineOf, ratesOf, round } from '../figures/results.js';
import { medianOf, ratiosOf } from '../figures/spread.js';
import type { EngineRound } from '../rounds.js';
import type { Settlement } from '../suite/books.js';
import type { KnobResults, VariantFigures } from './schema.js';

/** One engine: all of its rounds, and how its books stood at the end. */
export interface Side {
  readonly name: string;
  readonly rounds: readonly EngineRound[];
  readonly settlement: Settlement;
}

const GENERATOR = 'load generator';

export function sidesOf(defaults: Side, variants: readonly Side[]): Pick<KnobResults, 'defaults' | 'variants'> {
  return {
    defaults: { ...figuresOf(defaults), rounds: { engine: ratesOf(defaults.rounds).map(Math.round) } },
    variants: variants.map((variant) => variantOf(defaults, variant)),
  };
}

function variantOf(defaults: Side, variant: Side): VariantFigures {
  const ours = ratesOf(variant.rounds);
  const theirs = ratesOf(defaults.rounds);
  const ratio = ratiosOf(ours, theirs);
  return {
    name: variant.name,
    ...figuresOf(variant),
    ratio: round(medianOf(ratio), 3),
    verdict: verdictOf(theirs, ours),
    rounds: { engine: ours.map(Math.round), ratio: ratio.map((one) => round(one, 3)) },
  };
}

function figuresOf({ rounds, settlement }: Side) {
  const { rowsPerCommit, foldLagMs, foldLagRecords, latencyMs, cpuMicrosPerTransaction } = engineOf(rounds);
  const sum = (of: readonly [string, number][]): number =>
    round(
      of.reduce((all, [, micros]) => all + micros, 0),
      2,
    );
  const cpu = Object.entries(cpuMicrosPerTransaction);
  return {
    tps: Math.round(medianOf(ratesOf(rounds))),
    rowsPerCommit,
    foldLagMs,
    foldLagRecords,
    latencyMs,
    cpuMicros: sum(cpu),
    cpuMicrosWithoutGenerator: sum(cpu.filter(([label]) => label !== GENERATOR)),
    cpuMicrosPerTransaction,
    settlement,
  };
}
