/** Processes of the bench: whatever is started here is ended here, on every way out. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const running = new Set<ChildProcess>();

export function watch<C extends ChildProcess>(child: C): C {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Asks the process to end, and kills it where it does not within the time. */
export async function end(child: ChildProcess, waitMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), waitMs);
  await ended;
  clearTimeout(killer);
}

const cleanings = new Set<() => Promise<void>>();

/** What has to be done before the bench ends, whatever happens; done once, by calling what this gives or by `endAll`. */
export function cleanUpBy(clean: () => Promise<void>): () => Promise<void> {
  const once = (): Promise<void> => (cleanings.delete(once) ? clean() : Promise.resolve());
  cleanings.add(once);
  return once;
}

export async function endAll(waitMs: number): Promise<void> {
  await Promise.all([...cleanings].map((clean) => clean().catch(() => undefined)));
  await Promise.all([...running].map((child) => end(child, waitMs)));
}
