/** CPU time by process and by thread, as Linux counts it in /proc. Elsewhere there is none, and the bench says so. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, which Linux has fixed at 100 for everything that it shows. */
const TICK_MICROS = 10_000;

export interface ProcStat {
  readonly id: number;
  /** At most 15 characters; may hold spaces and parentheses. */
  readonly name: string;
  readonly parent: number;
  /** User and system time of it alone, µs; a multiple of 10,000. */
  readonly cpuMicros: number;
  /** Of children that have ended and were waited for, µs. */
  readonly endedChildrenMicros: number;
}

/** @throws Error where the text is not a line of /proc/…/stat */
export function parseStat(text: string): ProcStat {
  const open = text.indexOf('(');
  // The last one: a name may hold parentheses itself.
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) throw new Error(`not a line of /proc/…/stat: ${text.slice(0, 80)}`);
  const rest = text
    .slice(close + 2)
    .split(' ')
    .map(Number);
  const at = (field: number): number => rest[field - 3] ?? 0; // fields are numbered as in proc(5); the third comes first here
  return {
    id: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    parent: at(4),
    cpuMicros: (at(14) + at(15)) * TICK_MICROS,
    endedChildrenMicros: (at(16) + at(17)) * TICK_MICROS,
  };
}

/** null where the process has ended. */
const readStat = (path: string): ProcStat | null => readOf(path, parseStat);

function readOf<T>(path: string, parse: (text: string) => T): T | null {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

/** How often a thread gave the processor away, because it waited or because it had to; 0 where it has ended. */
export const switchesOf = (pid: number, tid = pid): number =>
  readOf(`/proc/${pid}/task/${tid}/status`, parseSwitches) ?? 0;

/** In memory now; 0 where the process has ended. */
export const residentBytes = (pid: number): number => readOf(`/proc/${pid}/status`, parseResident) ?? 0;

/** Its part of memory now: a page that several processes share counts for each in part. 0 where it has ended. */
export const proportionalBytes = (pid: number): number => readOf(`/proc/${pid}/smaps_rollup`, parseProportional) ?? 0;

const KIB = 1024;

const parseResident = (text: string): number => Number(/^VmRSS:\s+([0-9]+) kB$/m.exec(text)?.[1] ?? 0) * KIB;

/** @param text of /proc/…/smaps_rollup */
export const parseProportional = (text: string): number => Number(/^Pss:\s+([0-9]+) kB$/m.exec(text)?.[1] ?? 0) * KIB;

/** @param text of /proc/…/status */
export function parseSwitches(text: string): number {
  const counts = [...text.matchAll(/^(?:non)?voluntary_ctxt_switches:\s+([0-9]+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

const present = (stat: ProcStat | null): stat is ProcStat => stat !== null;

export function threadsOf(pid: number): ProcStat[] {
  return idsIn(`/proc/${pid}/task`)
    .map((tid) => readStat(`/proc/${pid}/task/${tid}/stat`))
    .filter(present);
}

export function processes(): ProcStat[] {
  return idsIn('/proc')
    .map((pid) => readStat(`/proc/${pid}/stat`))
    .filter(present);
}

/** The postmasters that a process has started, among all processes. */
export const postmastersOf = (all: readonly ProcStat[], pid: number): ReadonlySet<number> =>
  new Set(all.filter(({ name, parent }) => name === 'postgres' && parent === pid).map(({ id }) => id));

export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

function idsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^[0-9]+$/.test(name));
  } catch {
    return [];
  }
}
