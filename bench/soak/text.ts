/** A soak as tables for a terminal. */
import { textTable } from '../../src/cli/io.js';
import { machineText } from '../figures/machine.js';
import { settlementTable } from '../figures/text.js';
import { whole } from '../suite/progress.js';
import { TRENDS } from './figures.js';
import type { SoakResults, SoakWindow } from './schema.js';

const MIB = 2 ** 20;
const mib = (bytes: number): string => whole(bytes / MIB);
const ms = (value: number): string => value.toFixed(2);

/** How a figure is called, and by how much it is divided to be read. */
const SHOWN: Readonly<Record<(typeof TRENDS)[number], readonly [name: string, unit: number]>> = {
  p50Ms: ['p50, ms', 1],
  p99Ms: ['p99, ms', 1],
  p999Ms: ['p99.9, ms', 1],
  engineBytes: ['memory of the engine, MiB', MIB],
  serverBytes: ['memory of the Postgres servers, MiB', MIB],
  foldLagMs: ['folds behind, ms', 1],
  walFileBytes: ['WAL files, MiB', MIB],
};

export function soakText(results: SoakResults): string {
  const { machine, seconds, capacity, share, offeredPerSecond, connections, windows, windowS } = results;
  return [
    `${machineText(machine)}; ${seconds} s`,
    'Load generator, engine and databases all on this machine; durable (fsync and synchronous_commit on).',
    `A closed loop of ${connections} connections came to ${whole(capacity.perSecond)} single transactions/s; ` +
      `${whole(offeredPerSecond)}/s (${Math.round(share * 100)} %) were offered in ${windows.length} windows of ${Number(windowS.toFixed(1))} s.`,
    '',
    windowTable(windows),
    trendTable(results),
    `${verdictLines(results).join('\n')}\n`,
    settlementTable(results.settlement),
  ].join('\n');
}

/** At the terminal while it runs. */
export function windowText(window: SoakWindow): string {
  const { offeredPerSecond, achievedPerSecond, p50Ms, p99Ms, engineBytes, serverBytes, foldLagMs } = window;
  return (
    `offered ${whole(offeredPerSecond)}/s, achieved ${whole(achievedPerSecond)}/s, p50 ${ms(p50Ms)} ms, ` +
    `p99 ${ms(p99Ms)} ms, ${errorsText(window)}; engine ${mib(engineBytes)} MiB, servers ${mib(serverBytes)} MiB, ` +
    `folds ${whole(foldLagMs)} ms behind`
  );
}

/** Of which kind they were tells whether the engine refused, or lost a connection. */
function errorsText({ errors, errorsByKind }: SoakWindow): string {
  const kinds = Object.entries(errorsByKind).map(([kind, count]) => `${kind}: ${whole(count)}`);
  return `${whole(errors)} errors${kinds.length === 0 ? '' : ` (${kinds.join(', ')})`}`;
}

function windowTable(windows: readonly SoakWindow[]): string {
  return textTable(
    [
      'until s',
      'offered/s',
      'achieved/s',
      'errors',
      'p50 ms',
      'p99',
      'p99.9',
      'generator late p99',
      'engine MiB',
      'servers MiB',
      'WAL files MiB',
      'folds behind',
    ],
    windows.map((one) => [
      whole(one.second),
      ...[one.offeredPerSecond, one.achievedPerSecond, one.errors].map(whole),
      ...[one.p50Ms, one.p99Ms, one.p999Ms, one.generatorLagP99Ms].map(ms),
      ...[one.engineBytes, one.serverBytes, one.walFileBytes].map(mib),
      `${(one.foldLagMs / 1000).toFixed(1)} s, ${whole(one.foldLagRecords)} records`,
    ]),
  );
}

function trendTable({ trends }: SoakResults): string {
  return textTable(
    ['from the second third on', 'mean', 'an hour', '± (95 %)', ''],
    TRENDS.flatMap((key) => {
      const trend = trends[key];
      if (trend === undefined) return [];
      const [name, unit] = SHOWN[key];
      const { mean, perHour, plusMinus, direction } = trend;
      const slope = `${perHour > 0 ? '+' : ''}${(perHour / unit).toFixed(1)}`;
      return [
        [name, (mean / unit).toFixed(1), slope, plusMinus === null ? '' : (plusMinus / unit).toFixed(1), direction],
      ];
    }),
  );
}

function verdictLines({ p99, trends, engineBytesPerTransaction }: SoakResults): string[] {
  const memory = (whose: string, direction = 'too few windows', more = ''): string =>
    `Memory of ${whose}: ${direction}${more}.`;
  const engine = trends.engineBytes?.direction;
  const bytes = `${engineBytesPerTransaction.toFixed(1)} bytes a transaction`;
  return [
    `p99: ${ms(p99.firstMs)} ms in the first third, ${ms(p99.lastMs)} ms in the last: ${p99.verdict}.`,
    memory('the engine', engine, engine === 'grows' ? `, ${bytes}` : ''),
    memory('the Postgres servers', trends.serverBytes?.direction),
  ];
}
