/** How the engine's threads were held up while they were loaded: by the garbage collector, and by their own work. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ThreadFigures } from '../figures/schema.js';

/** Of a load, ms since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A thread writes ten times a second. */
const WRITTEN_WITHIN_MS = 150;
const LINE = /^(gc|loop) ([0-9.]+) ([0-9.]+)$/;

/** @param folder that thread-watch.cts writes into @param pid of the engine @returns by role: fronts, workers, folds, main */
export async function threadFigures(
  folder: string,
  pid: number,
  spans: readonly Span[],
): Promise<Record<string, ThreadFigures>> {
  await delay(WRITTEN_WITHIN_MS);
  const seconds = spans.reduce((sum, { from, to }) => sum + (to - from) / 1000, 0);
  const byRole = new Map<string, { threads: number; readonly pauses: number[]; readonly delays: number[] }>();
  for (const file of readdirSync(folder)) {
    const role = roleOf(file, pid);
    if (role === null) continue;
    const noted = byRole.get(role) ?? { threads: 0, pauses: [], delays: [] };
    byRole.set(role, noted);
    noted.threads++;
    const { pauses, delays } = notedWithin(readFileSync(join(folder, file), 'utf8'), spans);
    noted.pauses.push(...pauses);
    noted.delays.push(...delays);
  }
  return Object.fromEntries(
    [...byRole].map(([role, { threads, pauses, delays }]) => [role, figuresOf(threads * seconds, pauses, delays)]),
  );
}

/** Of a log's lines, those within one of the spans; the last line may not be whole yet. */
export function notedWithin(
  log: string,
  spans: readonly Span[],
): { readonly pauses: number[]; readonly delays: number[] } {
  const pauses: number[] = [];
  const delays: number[] = [];
  for (const line of log.slice(0, log.lastIndexOf('\n') + 1).split('\n')) {
    const [, what, at, ms] = LINE.exec(line) ?? [];
    if (what === undefined || !spans.some(({ from, to }) => Number(at) >= from && Number(at) <= to)) continue;
    (what === 'gc' ? pauses : delays).push(Number(ms));
  }
  return { pauses, delays };
}

const ROLES = { front: 'fronts', worker: 'workers', folds: 'folds', main: 'main' } as const;

function roleOf(file: string, pid: number): string | null {
  const [, id, name = ''] = /^([0-9]+)-([a-z]+)/.exec(file) ?? [];
  return Number(id) === pid && name in ROLES ? ROLES[name as keyof typeof ROLES] : null;
}

/** @param seconds of all threads of a role together */
export function figuresOf(seconds: number, pauses: number[], delays: number[]): ThreadFigures {
  const sum = pauses.reduce((total, ms) => total + ms, 0);
  return {
    gcPausesPerSecond: round(pauses.length / seconds),
    gcShare: round(sum / 1000 / seconds, 4),
    gcP99Ms: percentile(pauses, 0.99),
    gcMaxMs: percentile(pauses, 1),
    loopP50Ms: percentile(delays, 0.5),
    loopP99Ms: percentile(delays, 0.99),
    loopMaxMs: percentile(delays, 1),
  };
}

/** The smallest value that so many are not above; 0 of none. */
function percentile(values: number[], share: number): number {
  const sorted = values.sort((a, b) => a - b);
  return round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
}

const round = (value: number, digits = 2): number => Number(value.toFixed(digits));
