/** Results as tables for a terminal. */
import { textTable } from '../../src/cli/io.js';
import type { Settlement } from '../suite/books.js';
import { type Bulk, bulksOf, drivenOf } from './bulks.js';
import { GROWTH_HEADER, growthRow } from './grown.js';
import { HELD_HEADER, heldRows } from './held.js';
import { diskText, machineText } from './machine.js';
import type { Results, SingleFigures, WorkloadFigures } from './schema.js';
import { spreadOf, spreadText } from './spread.js';

export function textOf(results: Results): string {
  const { singleByDriver, memory, workloads } = results;
  const singles = Object.values(singleByDriver);
  const bulks = bulksOf(results);
  const parts = [
    `${machineText(results.machine)}; ${results.seconds} s`,
    diskText(results.disk),
    'Load generator, engine and databases all on this machine; durable (fsync and synchronous_commit on).',
    '',
    speedTable(singles, bulks),
    ordinaryTable(results),
    pgbenchTable(results),
    closedLatencyTable(singles, bulks),
    openLatencyTable(results),
    ...singles.map(({ driver, cpuMicrosPerTransaction: cpu }) => cpuTable(`single, by ${driver}`, cpu)),
    ...bulks.map(({ name, figures }) => cpuTable(name, figures.cpuMicrosPerTransaction)),
    heldTable(results),
    workloadTable(workloads),
    growthTable(results),
    ...Object.entries(results.stages).flatMap(([load, threads]) =>
      Object.entries(threads).map(([thread, stages]) => stagesTable(load, thread, stages)),
    ),
    memory === null
      ? ''
      : textTable(
          ['memory', 'bytes', 'goal'],
          [
            [`an account (name of ${memory.nameCharacters} characters)`, memory.account.toFixed(1), '120'],
            ['a remembered key', memory.key.toFixed(1), '40'],
          ],
        ),
    settlementTable(results),
  ];
  return parts.filter((part, index) => part !== '' || index === 3).join('\n');
}

const whole = (value: number): string => Math.round(value).toLocaleString('en');
const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;
const withSpread = (rounds: readonly number[]): string => {
  const spread = spreadOf(rounds);
  return `${whole(spread.median)} ${spreadText(spread)}`;
};
const behind = ({ foldLagMs, foldLagRecords }: Pick<Results, 'foldLagMs' | 'foldLagRecords'>): string =>
  `${(foldLagMs / 1000).toFixed(1)} s, ${whole(foldLagRecords)} records`;

function speedTable(singles: readonly SingleFigures[], bulks: readonly Bulk[]): string {
  const rows = singles.map(({ driver, connections, ratioToFront, rounds, rowsPerCommit, ...rest }) => [
    `single, ${driver}, ${connections} connections`,
    withSpread(rounds.engine),
    withSpread(rounds.front),
    'bare front',
    percent(ratioToFront),
    whole(rowsPerCommit),
    behind(rest),
  ]);
  for (const { name, figures } of bulks) {
    const { connections, rounds, rowsPerCommit } = figures;
    for (const [which, limit, ratio] of [
      ['bare COPY', rounds.copy, figures.ratioToCopy],
      ['bare COPY in pieces', rounds.copyInPieces, figures.ratioToCopyInPieces],
    ] as const) {
      rows.push([
        `${name}, ${connections} connections`,
        withSpread(rounds.engine),
        withSpread(limit),
        which,
        percent(ratio),
        whole(rowsPerCommit),
        behind(figures),
      ]);
    }
  }
  if (rows.length === 0) return '';
  return textTable(
    ['transactions a second', 'engine', 'limit', 'which', 'reached', 'rows a commit', 'folds behind'],
    rows,
  );
}

function ordinaryTable({ ordinary }: Results): string {
  if (ordinary === null) return '';
  return textTable(
    ['the ordinary way (Fastify, pg, a SQL transaction a request)', 'transactions a second', 'the engine does'],
    [['single, same requests, same server', whole(ordinary.tps), `${ordinary.ratio} times as many`]],
  );
}

function pgbenchTable({ pgbench }: Results): string {
  if (pgbench === null) return '';
  return textTable(
    ['pgbench (TPC-B, scale 10, 20 sessions)', 'transactions a second', 'the engine does'],
    [['five statements a transaction, same server', whole(pgbench.tps), `${pgbench.ratio} times as many`]],
  );
}

function closedLatencyTable(singles: readonly SingleFigures[], bulks: readonly Bulk[]): string {
  const named = singles.map(({ driver, latencyMs }) => [`single, ${driver}`, latencyMs] as const);
  const all = [...named, ...bulks.map(({ name, figures }) => [name, figures.latencyMs] as const)];
  if (all.length === 0) return '';
  return textTable(
    ['latency in a closed loop, ms', 'p50', 'p90', 'p99', 'p99.9', 'max'],
    all.map(([name, { p50, p90, p99, p999, max }]) => [name, ...[p50, p90, p99, p999, max].map((ms) => ms.toFixed(1))]),
  );
}

function openLatencyTable({ latency, workloads }: Results): string {
  const all = [
    ...(latency === null ? [] : [['single', latency] as const]),
    ...workloads.flatMap(({ name, open }) => open.map((one) => [name, one] as const)),
  ];
  if (all.length === 0) return '';
  return textTable(
    ['latency in an open loop, ms', 'offered/s', 'achieved/s', 'errors', 'p50', 'p90', 'p99', 'p99.9', 'max'],
    all.map(([name, { offeredPerSecond, achievedPerSecond, errors, p50Ms, p90Ms, p99Ms, p999Ms, maxMs }]) => [
      name,
      ...[offeredPerSecond, achievedPerSecond, errors].map(whole),
      ...[p50Ms, p90Ms, p99Ms, p999Ms, maxMs].map((ms) => ms.toFixed(2)),
    ]),
  );
}

function workloadTable(workloads: readonly WorkloadFigures[]): string {
  if (workloads.length === 0) return '';
  return textTable(
    [
      'workload, closed loop',
      'connections',
      'transactions/s',
      'of the bare front',
      'p50',
      'p99 ms',
      'errors',
      'folds behind',
    ],
    workloads.flatMap(({ name, closed }) =>
      closed.map((one) => [
        name,
        String(one.connections),
        whole(one.tps),
        one.frontPerSecond === 0 ? '–' : percent(one.requestsPerSecond / one.frontPerSecond),
        one.p50Ms.toFixed(1),
        one.p99Ms.toFixed(1),
        whole(one.errors),
        behind(one),
      ]),
    ),
  );
}

function cpuTable(title: string, cpu: Readonly<Record<string, number>>): string {
  const rows = Object.entries(cpu);
  return textTable(
    [`CPU µs a transaction, ${title}`, ''],
    [...rows.filter(([, micros]) => micros >= 0.005), ['all', sumOf(cpu)] as const].map(([label, micros]) => [
      label,
      micros.toFixed(2),
    ]),
  );
}

/** What held the threads up, and what else a transaction cost. */
function heldTable(results: Results): string {
  const all = drivenOf(results);
  if (all.length === 0) return '';
  const costs = all.map(({ name, figures: { walBytesPerTransaction, switchesPerTransaction } }) => [
    name,
    whole(walBytesPerTransaction),
    sumOf(switchesPerTransaction).toFixed(3),
  ]);
  return `${textTable(HELD_HEADER, heldRows(all))}\n${textTable(['a transaction', 'WAL bytes', 'context switches'], costs)}`;
}

const sumOf = (parts: Readonly<Record<string, number>>): number =>
  Object.values(parts).reduce((sum, part) => sum + part, 0);

function growthTable({ growth }: Results): string {
  if (growth.length === 0) return '';
  return textTable(GROWTH_HEADER, growth.map(growthRow));
}

/** @param stages µs a transaction */
export const stagesTable = (load: string, thread: string, stages: Readonly<Record<string, number>>): string =>
  textTable(
    [`${load}, ${thread}: µs a transaction, idle time left out`, ''],
    [...Object.entries(stages), ['all', sumOf(stages)] as const].map(([stage, micros]) => [stage, micros.toFixed(2)]),
  );

export function settlementTable(results: Settlement): string {
  return textTable(
    ['settlement', ''],
    [
      ['answered as posted', whole(results.answered)],
      ['dropped by a driver at the end of rounds, at most', whole(results.dropped)],
      ['stored', whole(results.stored)],
      ['refusals stored', whole(results.refused)],
      ['answered = stored, but for the dropped', results.agrees ? 'yes' : 'NO'],
      ['folds behind when the last load ended', behind(results)],
      ['verify', results.verify],
    ],
  );
}
