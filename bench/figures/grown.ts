/** Points of a growing log, as rows of a table. */
import type { Results } from './schema.js';

export const GROWTH_HEADER = [
  'transactions in the log',
  'single, transactions/s',
  'WAL bytes a transaction',
  'disk bytes',
  'engine resident, MiB',
] as const;

const MIB = 1 << 20;
const whole = (value: number | null): string => (value === null ? '–' : Math.round(value).toLocaleString('en'));

export const growthRow = (point: Results['growth'][number]): string[] => [
  whole(point.stored),
  whole(point.tps),
  whole(point.walBytesPerTransaction),
  whole(point.diskBytesPerTransaction),
  whole(point.residentBytes / MIB),
];
