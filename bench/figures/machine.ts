/** Where a run took place. */
import { execFileSync } from 'node:child_process';
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import type { DiskFigures, MachineFigures } from './schema.js';

/** To be called before the bench loads the machine itself. */
export function describeMachine(): MachineFigures {
  return {
    cpus: availableParallelism(),
    model: cpus()[0]?.model.trim() ?? 'unknown',
    memory: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${type()} ${release()} ${arch()}`,
    commit: commitOf(),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
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

export const machineText = ({
  model,
  cpus: count,
  memory,
  platform,
  node,
  commit,
  loadBefore,
}: MachineFigures): string =>
  `${model}, ${count} cores, ${memory} GiB; ${platform}; Node ${node}; commit ${commit}; load before ${loadBefore}`;

export const diskText = ({ syncsPerSecond, p50Ms, p99Ms }: DiskFigures): string =>
  `Disk: ${syncsPerSecond.toLocaleString('en')} pages written and synced a second, one after the other; p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
