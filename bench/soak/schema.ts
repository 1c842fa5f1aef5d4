/**
 * What a soak has come to, as `soak --json` writes it: one schema, from which the type and docs/bench-soak.schema.json are
 * made.
 */
import Type from 'typebox';
import { closed, count, foldLag, number, perRound, ResultsSchema } from '../figures/schema.js';

const Window = Type.Object(
  {
    second: number('At which it ended, from the start of the open loop.'),
    offeredPerSecond: number('Requests that were intended in it, a second.'),
    achievedPerSecond: number('Answers that came in it, also to what was intended before: transactions posted.'),
    errors: count('Answers that were not expected, connections lost, requests given up or unanswered.'),
    errorsByKind: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
      description:
        'The same by status, `connection lost`, `given up` or `unanswered`; what never happened is left out.',
    }),
    p50Ms: number('ms from the intended start of a request to its whole answer.'),
    p99Ms: Type.Number(),
    p999Ms: Type.Number(),
    generatorLagP99Ms: number('How late the generator itself was to send; part of the latency.'),
    engineBytes: count('Resident memory of the engine’s process.'),
    serverBytes: count('Memory of the Postgres servers; what their processes share counts once.'),
    walFileBytes: count('Files of the servers’ WAL, also those that are kept to be used again.'),
    ...foldLag,
  },
  closed,
);

const TrendFigures = Type.Object(
  {
    mean: Type.Number(),
    perHour: number('Slope of a straight line through the windows (least squares).'),
    plusMinus: Type.Union([Type.Number(), Type.Null()], {
      description: 'The slope lies within so much of it at 95 %, if windows are independent; null: too few windows.',
    }),
    direction: Type.Enum(['grows', 'shrinks', 'no trend shown', 'too few windows'], {
      description: 'Grows or shrinks only where the slope is beyond chance.',
    }),
  },
  closed,
);

export const SoakSchema = Type.Object(
  {
    version: Type.Literal(1),
    at: Type.String({ description: 'When it began, RFC 3339, UTC.' }),
    seconds: number('That it took.'),
    machine: ResultsSchema.properties.machine,
    connections: count('In the closed loop all of them are busy; in the open loop this many stand ready.'),
    seed: Type.Integer({ description: 'Of the times of arrival.' }),
    capacity: Type.Object(
      { perSecond: count('Median of the rounds.'), rounds: perRound('Transactions a second.') },
      { ...closed, description: 'Single transactions in a closed loop, by the generator of the open loop.' },
    ),
    share: number('Of the capacity, that was offered.'),
    offeredPerSecond: count('Single transactions, at the times of a Poisson process.'),
    windowS: number('Seconds of a window.'),
    windows: Type.Array(Window, { description: 'Without a pause between them.' }),
    p99: Type.Object(
      {
        firstMs: number('Median of the windows’ p99 in the first third.'),
        lastMs: number('In the last third.'),
        verdict: Type.Enum(['rose', 'fell', 'no difference shown', 'too few windows'], {
          description: 'Rose or fell only where the exact Mann-Whitney test on two sides puts chance at 5 % or less.',
        }),
      },
      closed,
    ),
    trends: Type.Record(Type.String(), TrendFigures, {
      description: 'By figure of the windows, from the second third on: what is filled once at the start is no trend.',
    }),
    engineBytesPerTransaction: number('The slope of the engine’s memory by what was achieved.'),
    settlement: Type.Pick(
      ResultsSchema,
      ['answered', 'dropped', 'stored', 'refused', 'agrees', 'foldLagMs', 'foldLagRecords', 'verify'],
      closed,
    ),
  },
  { ...closed, title: 'Millrace bench, soak', description: 'A long open loop at a share of the capacity.' },
);

export type SoakResults = Type.Static<typeof SoakSchema>;
export type SoakWindow = Type.Static<typeof Window>;
export type TrendFigures = Type.Static<typeof TrendFigures>;
