/** From what was measured to the results that are written down. */
import type { Latencies, LoadResult } from '../../src/cli/bench/load.js';
import { tps } from '../../src/cli/bench/load.js';
import type { EngineRound } from '../rounds.js';
import type { Settlement } from '../suite/books.js';
import type { BatchRounds, SingleRounds } from '../suite/driven.js';
import type { BatchFigures, OrdinaryFigures, Results, SingleFigures } from './schema.js';
import { medianOf, ratiosOf } from './spread.js';

interface Measured
  extends Pick<
    Results,
    'suite' | 'at' | 'seconds' | 'machine' | 'disk' | 'latency' | 'workloads' | 'growth' | 'stages' | 'memory'
  > {
  readonly singles: readonly SingleRounds[];
  readonly batch: BatchRounds | null;
  readonly stream: BatchRounds | null;
  readonly settlement: Settlement;
}

export function resultsOf({ singles, batch, stream, settlement, seconds, ...rest }: Measured): Results {
  const figures = singles.map(singleOf);
  return {
    version: 1,
    ...rest,
    seconds: round(seconds, 1),
    single: figures[0] ?? null,
    singleByDriver: Object.fromEntries(figures.map((single) => [single.driver, single])),
    batch: batch === null ? null : batchOf(batch),
    stream: stream === null ? null : batchOf(stream),
    ordinary: ordinaryOf(singles),
    pgbench: pgbenchOf(singles),
    ...settlement,
  };
}

function singleOf({ driver, connections, engine, front, threads }: SingleRounds): SingleFigures {
  const ours = ratesOf(engine);
  const limits = front.map(tps);
  const ratio = ratiosOf(ours, limits);
  return {
    tps: Math.round(medianOf(ours)),
    ratioToFront: round(medianOf(ratio), 3),
    driver,
    connections,
    front: Math.round(medianOf(limits)),
    ...engineOf(engine),
    threads,
    rounds: { engine: ours.map(Math.round), front: limits.map(Math.round), ratio: ratio.map((one) => round(one, 3)) },
  };
}

function batchOf({
  driver,
  connections,
  transactions,
  engine,
  copy,
  copyInPieces,
  threads,
}: BatchRounds): BatchFigures {
  const ours = ratesOf(engine);
  const ratio = ratiosOf(ours, copy);
  const ratioInPieces = ratiosOf(ours, copyInPieces);
  return {
    tps: Math.round(medianOf(ours)),
    ratioToCopy: round(medianOf(ratio), 3),
    ratioToCopyInPieces: round(medianOf(ratioInPieces), 3),
    driver,
    connections,
    transactions,
    copy: Math.round(medianOf(copy)),
    copyInPieces: Math.round(medianOf(copyInPieces)),
    ...engineOf(engine),
    threads,
    rounds: {
      engine: ours.map(Math.round),
      copy: copy.map(Math.round),
      ratio: ratio.map((one) => round(one, 3)),
      copyInPieces: copyInPieces.map(Math.round),
      ratioInPieces: ratioInPieces.map((one) => round(one, 3)),
    },
  };
}

function ordinaryOf(singles: readonly SingleRounds[]): OrdinaryFigures | null {
  const single = singles.find(({ ordinary }) => ordinary.length > 0);
  if (single === undefined) return null;
  const theirs = single.ordinary.map(tps);
  const ratio = ratiosOf(ratesOf(single.engine), theirs);
  return {
    tps: Math.round(medianOf(theirs)),
    ratio: round(medianOf(ratio), 1),
    rounds: { ordinary: theirs.map(Math.round), ratio: ratio.map((one) => round(one, 1)) },
  };
}

function pgbenchOf(singles: readonly SingleRounds[]): Results['pgbench'] {
  const single = singles.find(({ pgbench }) => pgbench.length > 0);
  if (single === undefined) return null;
  const ratio = medianOf(ratiosOf(ratesOf(single.engine), single.pgbench));
  return { tps: Math.round(medianOf(single.pgbench)), ratio: round(ratio, 1) };
}

/** What a driver's rounds say of the engine, whatever it was sent. */
export function engineOf(rounds: readonly EngineRound[]) {
  return {
    rowsPerCommit: Math.round(medianOf(rounds.map(({ rowsPerCommit }) => rowsPerCommit))),
    foldLagMs: medianOf(rounds.map(({ foldLag }) => foldLag.ms)),
    foldLagRecords: medianOf(rounds.map(({ foldLag }) => foldLag.records)),
    latencyMs: latencyOf(rounds.map(({ load }) => load)),
    cpuMicrosPerTransaction: perTransaction(rounds, ({ cpu }) => cpu, 2),
    walBytesPerTransaction: Math.round(
      rounds.reduce((sum, round) => sum + round.walBytes, 0) / Math.max(1, postedIn(rounds)),
    ),
    switchesPerTransaction: perTransaction(rounds, ({ switches }) => switches, 4),
  };
}

function latencyOf(loads: readonly LoadResult[]): Latencies {
  const of = (pick: (latency: Latencies) => number): number => medianOf(loads.map(({ latency }) => pick(latency)));
  return {
    p50: of((latency) => latency.p50),
    p90: of((latency) => latency.p90),
    p99: of((latency) => latency.p99),
    p999: of((latency) => latency.p999),
    max: of((latency) => latency.max),
  };
}

const postedIn = (rounds: readonly EngineRound[]): number => rounds.reduce((sum, { load }) => sum + load.posted, 0);

/** By label, what most was used of first. */
function perTransaction(
  rounds: readonly EngineRound[],
  of: (round: EngineRound) => ReadonlyMap<string, number>,
  digits: number,
): Record<string, number> {
  const total = new Map<string, number>();
  for (const one of rounds) for (const [label, used] of of(one)) total.set(label, (total.get(label) ?? 0) + used);
  const sorted = [...total].sort((a, b) => b[1] - a[1]);
  const posted = Math.max(1, postedIn(rounds));
  return Object.fromEntries(sorted.map(([label, used]) => [label, round(used / posted, digits)]));
}

export const ratesOf = (rounds: readonly EngineRound[]): number[] => rounds.map(({ load }) => tps(load));

export const round = (value: number, digits: number): number => Number(value.toFixed(digits));
