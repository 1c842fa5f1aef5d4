/** How long threads were held up, as rows of a table. */
import type { Driven } from './bulks.js';
import type { ThreadFigures } from './schema.js';

export const HELD_HEADER = [
  'threads held up',
  'which',
  'by the collector',
  'pauses/s',
  'p99 ms',
  'max',
  'event loop late, p50 ms',
  'p99',
  'max',
] as const;

export const heldRows = (all: readonly Driven[]): string[][] =>
  all.flatMap(({ name, figures }) =>
    Object.entries(figures.threads).map(([role, thread]) => [name, role, ...heldRow(thread)]),
  );

const heldRow = (thread: ThreadFigures): string[] => [
  `${(thread.gcShare * 100).toFixed(1)} %`,
  thread.gcPausesPerSecond.toFixed(1),
  ...[thread.gcP99Ms, thread.gcMaxMs, thread.loopP50Ms, thread.loopP99Ms, thread.loopMaxMs].map((ms) => ms.toFixed(1)),
];
