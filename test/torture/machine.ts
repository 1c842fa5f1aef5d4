/**
 * What the machine lets a run do. What cannot be had is said loudly; where `MILLRACE_TORTURE_NEEDS` names it
 * (`tmpfs,strace`), its lack is a failure.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Machine {
  /** File systems of a size can be mounted. */
  readonly tmpfs: boolean;
  /** System calls of other processes can be made to fail. */
  readonly strace: boolean;
}

const works = (program: string, ...args: string[]): boolean => {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

export function lookAround(say: (line: string) => void): Machine {
  const machine: Machine = { tmpfs: canMount(), strace: canTrace() };
  const needed = (process.env.MILLRACE_TORTURE_NEEDS ?? '').split(',');
  for (const [what, has] of Object.entries(machine)) {
    if (has) continue;
    if (needed.includes(what)) throw new Error(`this machine is said to have ${what}, and it does not work`);
    say(`*** ${what} DOES NOT WORK ON THIS MACHINE: the faults that need it are left out ***`);
  }
  return machine;
}

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-mount-'));
  const mounted = works('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder);
  if (mounted) works('umount', folder);
  rmSync(folder, { recursive: true, force: true });
  return mounted;
}

const canTrace = (): boolean => works('strace', '-e', 'inject=fdatasync:error=EIO', '-o', '/dev/null', 'true');
