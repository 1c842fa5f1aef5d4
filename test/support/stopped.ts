/** All processes of a server, stopped and let go on: to whoever waits for it, it is there and does nothing. */
import { readdirSync, readFileSync } from 'node:fs';

/** The postmaster and all its children. */
export function serverPids(postmaster: number): readonly number[] {
  const children = readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1]) === postmaster;
    } catch {
      return false; // gone meanwhile
    }
  });
  return [postmaster, ...children.map(Number)];
}

/** The postmaster first, so that it starts no other. @returns what lets them go on */
export function stopServer(postmaster: number): () => void {
  process.kill(postmaster, 'SIGSTOP');
  const pids = serverPids(postmaster);
  for (const pid of pids) signal(pid, 'SIGSTOP');
  return () => {
    for (const pid of [...pids].reverse()) signal(pid, 'SIGCONT');
  };
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
