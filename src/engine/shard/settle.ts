/** What becomes of a batch whose commit was not acknowledged. */
import type { Breaker } from '../../platform/breaker.js';
import type { ShardStore } from '../../store/shard-store.js';
import type { Batch } from './batch.js';
import { isLasting } from './lasting.js';

const RETRY_MS_FIRST = 50;
const RETRY_MS_MAX = 2_000;

/**
 * What never went out (`unsent`) is sent again, ever later, until it does. Else the fence is raised, and the log says what to
 * do: the batch is there, or it is written again under the new epoch.
 * @param how the server refused it (`failed`), it never went out (`unsent`), or nobody knows (`ambiguous`)
 * @returns `committed`: it is there; `gone`: the database does not take it, so memory is ahead of the log
 * @throws FencedError where another owner has the shard
 */
export async function settle(
  store: ShardStore,
  batch: Batch,
  how: 'failed' | 'unsent' | 'ambiguous',
  breaker: Breaker,
  onError: (error: Error) => void,
): Promise<'committed' | 'gone'> {
  let known = how;
  for (let waitMs = RETRY_MS_FIRST; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
    if (known !== 'unsent') {
      const { head } = await store.resolve();
      if (head >= batch.encoder.last) return 'committed';
      if (known === 'failed') return 'gone';
    }
    // Not there for certain, and nobody was told that it was or was not: the same records may go in.
    breaker.trying();
    const result = await store.commit(batch.encoder);
    if (result.type === 'committed') {
      breaker.succeeded();
      return 'committed';
    }
    onError(result.error);
    if (result.type === 'fenced') throw result.error;
    known = result.type;
    await breaker.rest(waitMs);
  }
}

/**
 * Tries until it succeeds, with rests that grow and jitter.
 * @throws what no other attempt will mend
 */
export async function untilItSucceeds(
  attempt: () => Promise<void>,
  onError: (error: Error) => void,
  breaker: Breaker,
): Promise<void> {
  for (let waitMs = RETRY_MS_FIRST; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
    try {
      breaker.trying();
      await attempt();
      breaker.succeeded();
      return;
    } catch (error) {
      if (isLasting(error)) {
        breaker.succeeded();
        throw error;
      }
      onError(error as Error);
      await breaker.rest(waitMs);
    }
  }
}

/**
 * Before a database is asked again that refuses what it is asked: a disk that is full is full for a while, and whoever
 * shares the thread has work to do.
 * @param refusals one after the other, before this one: the first is no reason to wait
 */
export async function restAfter(refusals: number, breaker: Breaker): Promise<void> {
  if (refusals > 0) await breaker.rest(Math.min(RETRY_MS_FIRST * 2 ** (refusals - 1), RETRY_MS_MAX));
}
