/** How long an engine needs from kill -9 until it says that it is ready, and what such a machine needs for an empty one. */
import { setTimeout as delay } from 'node:timers/promises';
import { locateEmbedded } from '../../src/store/embedded/embedded.js';
import { isAlive } from '../crash/support/processes.js';
import type { RunningEngine } from '../support/engine.js';
import { postmasterOf } from '../support/postgres.js';

export const SHARDS = ['shard-0', 'shard-1'];
const LOOK_MS = 10;

/** What is killed: the engine's own process, or with it the Postgres of both shards. */
export type Victims = 'engine' | 'engine and databases';

/** An engine without a book on a machine that does nothing else, ms; measured here, rounded up. */
const EMPTY_MS_USUAL: Readonly<Record<Victims, number>> = { engine: 1_000, 'engine and databases': 1_500 };

interface Ready {
  readonly shards: readonly { readonly fold_lag_records: number | null; readonly accounts: number }[];
}

export async function readyz({
  url,
}: RunningEngine): Promise<{ readonly status: number; readonly body: Ready } | null> {
  try {
    const response = await fetch(`${url}/readyz`);
    return { status: response.status, body: (await response.json()) as Ready };
  } catch {
    return null;
  }
}

export const urlsOf = ({ dataDir }: RunningEngine): readonly string[] =>
  Object.values(locateEmbedded(dataDir, SHARDS) ?? {});

/** Kills with -9 by the processes' ids, and waits until /readyz says 200 again. @returns ms from the kill on */
export async function restarted(engine: RunningEngine, victims: Victims): Promise<number> {
  const databases = victims === 'engine' ? [] : await Promise.all(urlsOf(engine).map(postmasterOf));
  const pids = [await engine.enginePid(), ...databases];
  const begun = performance.now();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  while (pids.some(isAlive)) await delay(LOOK_MS);
  for (;;) {
    if ((await readyz(engine))?.status === 200) return performance.now() - begun;
    await delay(LOOK_MS);
  }
}

/**
 * How many times longer than usual this machine takes for an engine without a book, at this moment: what else runs on
 * it, and how quick it is by the hour, lengthen every start alike.
 *
 * @returns 1 or more
 */
export async function slowness(empty: RunningEngine, victims: Victims): Promise<number> {
  return Math.max(1, (await restarted(empty, victims)) / EMPTY_MS_USUAL[victims]);
}
