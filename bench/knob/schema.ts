/**
 * What a measurement of settings has come to, as `knob --json` writes it: one schema, from which the type and
 * docs/bench-knob.schema.json are made.
 */
import Type from 'typebox';
import { Cpu, closed, count, foldLag, Latencies, number, perRound, ResultsSchema } from '../figures/schema.js';

const side = {
  tps: count('Transactions a second, durable. Median of the rounds.'),
  rowsPerCommit: count('Records that a commit had.'),
  ...foldLag,
  latencyMs: Latencies,
  cpuMicros: number('µs of CPU a transaction: the sum of what is below.'),
  cpuMicrosWithoutGenerator: number('The same, the load generator left out.'),
  cpuMicrosPerTransaction: Cpu,
  settlement: Type.Pick(
    ResultsSchema,
    ['answered', 'dropped', 'stored', 'refused', 'agrees', 'foldLagMs', 'foldLagRecords', 'verify'],
    { ...closed, description: 'Of this engine, at the end of all rounds.' },
  ),
};

const rates = perRound('Transactions a second.');

const Defaults = Type.Object(
  { ...side, rounds: Type.Object({ engine: rates }, closed) },
  { ...closed, description: 'The engine with its defaults.' },
);

const VariantFigures = Type.Object(
  {
    name: Type.String({ description: 'The settings as they were given.' }),
    ...side,
    ratio: number('Of the engine with the defaults. Median of the ratios of neighbouring rounds.'),
    verdict: Type.Enum(['better', 'worse', 'no difference shown', 'too few rounds'], {
      description:
        'On transactions a second: better or worse only where the exact Mann-Whitney test on two sides puts chance at 5 % or less.',
    }),
    rounds: Type.Object({ engine: rates, ratio: perRound('engine / defaults') }, closed),
  },
  closed,
);

export const KnobSchema = Type.Object(
  {
    version: Type.Literal(1),
    at: Type.String({ description: 'When it began, RFC 3339, UTC.' }),
    seconds: number('That it took.'),
    machine: ResultsSchema.properties.machine,
    driver: Type.Enum(['wrk', 'autocannon']),
    shape: Type.Enum(['single', 'batches']),
    connections: count('A closed loop on each.'),
    transactions: count('In a request.'),
    durationS: count('Seconds of a round.'),
    defaults: Defaults,
    variants: Type.Array(VariantFigures, { description: 'In the order of the rounds, each after the defaults.' }),
  },
  { ...closed, title: 'Millrace bench, knob', description: 'The measured effect of settings.' },
);

export type KnobResults = Type.Static<typeof KnobSchema>;
export type VariantFigures = Type.Static<typeof VariantFigures>;
