/** Sums over phases, and how the engine's process is. */
import { readFileSync } from 'node:fs';
import type { GroupResult, PhaseResult } from '../../bench/load/plan.js';
import { parseStat } from '../../bench/proc.js';

const MEGABYTE_KB = 1024;

/** @throws Error where the phase had no such group */
export function groupIn(phase: PhaseResult, name: string): GroupResult {
  const group = phase.groups[name];
  if (group === undefined) throw new Error(`no group ${name} sent anything`);
  return group;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[sorted.length / 2 - 1] ?? Number.NaN) + upper) / 2;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Answers whose status is none of these. */
export const otherThan = (group: GroupResult, ...statuses: readonly number[]): number =>
  Object.entries(group.statuses).reduce(
    (sum, [status, count]) => (statuses.includes(Number(status)) ? sum : sum + count),
    0,
  );

export const countOf = (group: GroupResult, ...statuses: readonly number[]): number =>
  statuses.reduce((sum, status) => sum + (group.statuses[String(status)] ?? 0), 0);

/** Resident memory of a process, MB. */
export function residentMegabytes(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) / MEGABYTE_KB;
}

/** Of all its threads, µs. */
export const cpuMicros = (pid: number): number => parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).cpuMicros;

/** Looks at something again and again until it is told to stop. */
export class Watch<T> {
  readonly seen: T[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(everyMs: number, look: () => T) {
    this.#timer = setInterval(() => this.seen.push(look()), everyMs);
  }

  /** @returns all that was seen */
  stop(): readonly T[] {
    clearInterval(this.#timer);
    return this.seen;
  }
}
