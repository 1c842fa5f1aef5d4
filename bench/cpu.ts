/** Who used the processor between two looks, and how often: threads of the engine, its databases, and the load generator. */
import { foldsName } from '../src/store/postgres/names.js';
import type { ProcStat } from './proc.js';
import { commandLine, postmastersOf, processes, switchesOf, threadsOf } from './proc.js';

/** µs by label, such as "engine: fronts" or "postgres: sessions that commit". */
export type CpuTimes = ReadonlyMap<string, number>;

/**
 * @param enginePid of the process that has the threads
 * @param sessions what the databases' sessions call themselves, by process id
 * @param generatorPid of a load generator that outlives the look; 0: none does
 */
export function lookAtCpu(enginePid: number, sessions: ReadonlyMap<number, string>, generatorPid = 0): CpuTimes {
  const times = new Map<string, number>();
  const add = (label: string, micros: number): void => void times.set(label, (times.get(label) ?? 0) + micros);
  for (const thread of threadsOf(enginePid)) add(`engine: ${threadLabel(thread, enginePid)}`, thread.cpuMicros);
  const all = processes();
  const servers = postmastersOf(all, enginePid);
  for (const one of all) {
    if (servers.has(one.id)) add('postgres: short-lived', one.endedChildrenMicros);
    else if (servers.has(one.parent))
      add(`postgres: ${postgresLabel(commandLine(one.id), sessions.get(one.id))}`, one.cpuMicros);
    // wrk has ended by the second look, so it is counted among the ended children of the bench.
    else if (one.id === generatorPid) add('load generator', one.cpuMicros);
    else if (one.id === process.pid) add('load generator', one.endedChildrenMicros);
  }
  const own = process.cpuUsage();
  add('load generator', own.user + own.system);
  return times;
}

/** Context switches by label, of the engine's threads and the sessions of its databases. */
export function lookAtSwitches(enginePid: number, sessions: ReadonlyMap<number, string>): ReadonlyMap<string, number> {
  const switches = new Map<string, number>();
  const add = (label: string, count: number): void => void switches.set(label, (switches.get(label) ?? 0) + count);
  for (const thread of threadsOf(enginePid)) {
    add(`engine: ${threadLabel(thread, enginePid)}`, switchesOf(enginePid, thread.id));
  }
  for (const [pid, name] of sessions) add(`postgres: ${postgresLabel('', name)}`, switchesOf(pid));
  return switches;
}

/** What was used since `before`, without what used nothing. */
export function usedSince(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Map<string, number> {
  const used = new Map<string, number>();
  for (const [label, micros] of after) {
    const difference = micros - (before.get(label) ?? 0);
    if (difference > 0) used.set(label, difference);
  }
  return used;
}

/** Node names all of its own threads alike; the bench has the engine's name themselves (thread-names.cts). */
function threadLabel(thread: ProcStat, enginePid: number): string {
  if (thread.id === enginePid) return 'main';
  const role = /^(front|worker|folds)-/.exec(thread.name)?.[1];
  if (role !== undefined) return role === 'folds' ? role : `${role}s`;
  return 'garbage collection, compilers, file I/O';
}

export function postgresLabel(command: string, session: string | undefined): string {
  if (session !== undefined) {
    if (/^millrace-shard-[0-9]+-[0-9a-f]{8}$/.test(session)) return 'sessions that commit';
    return session.startsWith(foldsName('')) ? 'sessions that fold' : 'other sessions';
  }
  const word = /^postgres: (.*)$/.exec(command)?.[1] ?? '';
  return word.replace(/ [0-9]+$/, '').trim() || 'others';
}
