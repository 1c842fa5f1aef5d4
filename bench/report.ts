/** What the bench says: progress while it runs, a table and a file at the end. */
import { execFileSync } from 'node:child_process';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import type { DriverName, Latencies, LoadResult } from '../src/cli/bench/load.js';
import { textTable } from '../src/cli/io.js';
import type { MemoryFigures } from './memory.js';
import type { EngineRound } from './rounds.js';
import type { Spread } from './stats.js';
import { spreadOf, spreadText } from './stats.js';

export interface Machine {
  readonly cpus: number;
  readonly model: string;
  /** GiB. */
  readonly memory: number;
  readonly node: string;
  readonly platform: string;
  /** Of the program that was measured, or "unknown". */
  readonly commit: string;
}

/** By driver, in the order of the rounds. */
export interface SingleRounds {
  readonly driver: DriverName;
  readonly connections: number;
  readonly front: readonly LoadResult[];
  readonly engine: readonly EngineRound[];
  /** The ordinary way, where it was loaded in between. */
  readonly ordinary: readonly LoadResult[];
}

export interface BatchRounds {
  readonly driver: DriverName;
  readonly connections: number;
  readonly transactions: number;
  readonly engine: readonly EngineRound[];
  /** Rows a second, one COPY a commit. */
  readonly copy: readonly number[];
  /** Rows a second, with commits cut into as many COPYs as the engine's. */
  readonly copyInPieces: readonly number[];
}

export interface Settlement {
  /** Transactions that were answered as posted. */
  readonly answered: number;
  /** Transactions of requests that the generator dropped at the end of a round: posted or not, nobody was told. */
  readonly dropped: number;
  /** Transactions in the log. */
  readonly stored: number;
  /** Remembered refusals in the log. */
  readonly refused: number;
  /** Every answered one is stored, and no more than could be. */
  readonly agrees: boolean;
  readonly verify: string;
}

export interface Measured {
  readonly machine: Machine;
  readonly seconds: number;
  readonly singles: readonly SingleRounds[];
  readonly batch: BatchRounds;
  readonly settlement: Settlement;
  readonly memory: MemoryFigures;
}

export function describeMachine(): Machine {
  return {
    cpus: availableParallelism(),
    model: cpus()[0]?.model.trim() ?? 'unknown',
    memory: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${type()} ${release()} ${arch()}`,
    commit: commitOf(),
  };
}

function commitOf(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}

const rate = (load: LoadResult): number => load.posted / load.seconds;
const medianOf = (values: readonly number[]): number => spreadOf(values).median;

/** Of two series that were measured in turn: the median of the ratios of neighbours, so that a slow minute counts for both. */
export const ratioOf = (ours: readonly number[], limit: readonly number[]): number =>
  medianOf(ours.map((value, index) => value / (limit[index] ?? Number.NaN)));

function latencyOf(rounds: readonly EngineRound[]): Latencies {
  const of = (pick: (latency: Latencies) => number): number => medianOf(rounds.map(({ load }) => pick(load.latency)));
  return {
    p50: of((l) => l.p50),
    p90: of((l) => l.p90),
    p99: of((l) => l.p99),
    p999: of((l) => l.p999),
    max: of((l) => l.max),
  };
}

/** µs a transaction by label, the dearest first. */
function cpuOf(rounds: readonly EngineRound[]): [string, number][] {
  const posted = rounds.reduce((sum, { load }) => sum + load.posted, 0);
  const total = new Map<string, number>();
  for (const { cpu } of rounds) for (const [label, micros] of cpu) total.set(label, (total.get(label) ?? 0) + micros);
  return [...total].map(([label, micros]): [string, number] => [label, micros / posted]).sort((a, b) => b[1] - a[1]);
}

/** For `--json`. */
export function jsonOf(measured: Measured): unknown {
  const { singles, batch, settlement } = measured;
  const of = (single: SingleRounds) => {
    const ours = single.engine.map(({ load }) => rate(load));
    const front = single.front.map(rate);
    return {
      tps: Math.round(medianOf(ours)),
      ratioToFront: round(ratioOf(ours, front), 3),
      driver: single.driver,
      connections: single.connections,
      front: Math.round(medianOf(front)),
      rowsPerCommit: Math.round(medianOf(single.engine.map(({ rowsPerCommit }) => rowsPerCommit))),
      foldLag: medianOf(single.engine.map(({ foldLag }) => foldLag)),
      rounds: { engine: ours.map(Math.round), front: front.map(Math.round) },
      latencyMs: latencyOf(single.engine),
      cpuMicrosPerTransaction: Object.fromEntries(
        cpuOf(single.engine).map(([label, micros]) => [label, round(micros, 2)]),
      ),
    };
  };
  const batches = batch.engine.map(({ load }) => rate(load));
  const first = singles[0] === undefined ? null : of(singles[0]);
  return {
    machine: measured.machine,
    seconds: round(measured.seconds, 1),
    single: first,
    singleByDriver: Object.fromEntries(singles.map((single) => [single.driver, of(single)])),
    batch: {
      tps: Math.round(medianOf(batches)),
      ratioToCopy: round(ratioOf(batches, batch.copy), 3),
      ratioToCopyInPieces: round(ratioOf(batches, batch.copyInPieces), 3),
      driver: batch.driver,
      connections: batch.connections,
      transactions: batch.transactions,
      copy: Math.round(medianOf(batch.copy)),
      copyInPieces: Math.round(medianOf(batch.copyInPieces)),
      rowsPerCommit: Math.round(medianOf(batch.engine.map(({ rowsPerCommit }) => rowsPerCommit))),
      foldLag: medianOf(batch.engine.map(({ foldLag }) => foldLag)),
      rounds: { engine: batches.map(Math.round), copy: batch.copy.map(Math.round) },
      latencyMs: latencyOf(batch.engine),
      cpuMicrosPerTransaction: Object.fromEntries(
        cpuOf(batch.engine).map(([label, micros]) => [label, round(micros, 2)]),
      ),
    },
    latency:
      first === null
        ? null
        : {
            p50Ms: first.latencyMs.p50,
            p99Ms: first.latencyMs.p99,
            p999Ms: first.latencyMs.p999,
            maxMs: first.latencyMs.max,
          },
    ordinary: ordinaryOf(singles),
    ...settlement,
    memory: measured.memory,
  };
}

function ordinaryOf(singles: readonly SingleRounds[]): { readonly tps: number; readonly ratio: number } | null {
  const single = singles.find(({ ordinary }) => ordinary.length > 0);
  if (single === undefined) return null;
  const theirs = single.ordinary.map(rate);
  const ours = single.engine.map(({ load }) => rate(load));
  return { tps: Math.round(medianOf(theirs)), ratio: round(ratioOf(ours, theirs), 1) };
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

export function textOf(measured: Measured): string {
  const { machine, singles, batch, settlement, memory } = measured;
  const parts = [
    `${machine.model}, ${machine.cpus} cores, ${machine.memory} GiB; ${machine.platform}; Node ${machine.node}; commit ${machine.commit}`,
    'Load generator, engine and databases all on this machine; durable (fsync and synchronous_commit on).',
    '',
    speedTable(singles, batch),
    ordinaryTable(singles),
    latencyTable(singles, batch),
    ...singles.map((single) => cpuTable(`single, by ${single.driver}`, single.engine)),
    cpuTable(`batches of ${batch.transactions}, by ${batch.driver}`, batch.engine),
    textTable(
      ['memory', 'bytes', 'goal'],
      [
        [`an account (name of ${memory.nameCharacters} characters)`, memory.account.toFixed(1), '120'],
        ['a remembered key', memory.key.toFixed(1), '40'],
      ],
    ),
    textTable(
      ['settlement', ''],
      [
        ['answered as posted', whole(settlement.answered)],
        ['dropped by the generator at the end of rounds, at most', whole(settlement.dropped)],
        ['stored', whole(settlement.stored)],
        ['refusals stored', whole(settlement.refused)],
        ['answered = stored, but for the dropped', settlement.agrees ? 'yes' : 'NO'],
        ['verify', settlement.verify],
      ],
    ),
  ];
  return parts.join('\n');
}

const whole = (value: number): string => Math.round(value).toLocaleString('en');
const withSpread = (spread: Spread): string => `${whole(spread.median)} ${spreadText(spread)}`;
const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;

function speedTable(singles: readonly SingleRounds[], batch: BatchRounds): string {
  const rows = singles.map(({ driver, connections, engine, front }) => {
    const ours = engine.map(({ load }) => rate(load));
    const limit = front.map(rate);
    return [
      `single, ${driver}, ${connections} connections`,
      withSpread(spreadOf(ours)),
      withSpread(spreadOf(limit)),
      'bare front',
      percent(ratioOf(ours, limit)),
      whole(medianOf(engine.map(({ rowsPerCommit }) => rowsPerCommit))),
      whole(medianOf(engine.map(({ foldLag }) => foldLag))),
    ];
  });
  const ours = batch.engine.map(({ load }) => rate(load));
  for (const [which, limit] of [
    ['bare COPY', batch.copy],
    ['bare COPY in pieces', batch.copyInPieces],
  ] as const) {
    rows.push([
      `batches of ${batch.transactions}, ${batch.driver}, ${batch.connections} connections`,
      withSpread(spreadOf(ours)),
      withSpread(spreadOf(limit)),
      which,
      percent(ratioOf(ours, limit)),
      whole(medianOf(batch.engine.map(({ rowsPerCommit }) => rowsPerCommit))),
      whole(medianOf(batch.engine.map(({ foldLag }) => foldLag))),
    ]);
  }
  return textTable(
    ['transactions a second', 'engine', 'limit', 'which', 'reached', 'rows a commit', 'fold behind by'],
    rows,
  );
}

function ordinaryTable(singles: readonly SingleRounds[]): string {
  const ordinary = ordinaryOf(singles);
  if (ordinary === null) return '';
  return textTable(
    ['the ordinary way (Fastify, pg, a SQL transaction a request)', 'transactions a second', 'the engine does'],
    [['single, same requests, same server', whole(ordinary.tps), `${ordinary.ratio} times as many`]],
  );
}

function latencyTable(singles: readonly SingleRounds[], batch: BatchRounds): string {
  const row = (name: string, rounds: readonly EngineRound[]): string[] => {
    const { p50, p90, p99, p999, max } = latencyOf(rounds);
    return [name, ...[p50, p90, p99, p999, max].map((ms) => ms.toFixed(1))];
  };
  return textTable(
    ['latency, ms', 'p50', 'p90', 'p99', 'p99.9', 'max'],
    [
      ...singles.map(({ driver, engine }) => row(`single, ${driver}`, engine)),
      row(`batches of ${batch.transactions}, ${batch.driver}`, batch.engine),
    ],
  );
}

function cpuTable(title: string, rounds: readonly EngineRound[]): string {
  const rows = cpuOf(rounds);
  const sum = rows.reduce((total, [, micros]) => total + micros, 0);
  return textTable(
    [`CPU µs a transaction, ${title}`, ''],
    [...rows.filter(([, micros]) => micros >= 0.005), ['all', sum] as const].map(([label, micros]) => [
      label,
      micros.toFixed(2),
    ]),
  );
}
