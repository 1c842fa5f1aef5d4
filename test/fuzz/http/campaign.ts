/** A run of the fuzzer: several merchants at a time, each with its own row of requests out of the seed. */
import { Random } from '../support/random.js';
import { mutateBytes } from './bytes.js';
import type { Engines } from './engines.js';

import { anyRequest } from './request.js';

export interface CampaignOptions {
  readonly seed: string;
  /** Requests over all merchants, to each of the two engines. */
  readonly requests: number;
  /** performance.now() after which no further request is sent. */
  readonly until: number;
}

/** Pairs of strangers that are fuzzed side by side. */
const STRANGERS = 4;
const WITNESS_EVERY = 25;

/** Bodies and heads with faults, whole requests that arrive as they are announced. @throws Finding */
export async function fuzzRequests(engines: Engines, options: CampaignOptions): Promise<number> {
  const pairs = (await Promise.all(Array.from({ length: STRANGERS }, () => engines.strangers()))).flat();
  const each = Math.ceil(options.requests / pairs.length);
  let sent = 0;
  let stopped = false;
  await together(pairs, async (pair, lane) => {
    for (let serial = 0; serial < each && !stopped && performance.now() < options.until; serial++) {
      const random = new Random(options.seed, lane, serial);
      try {
        await pair.ask(anyRequest(random, { fitting: 0.3 }));
        sent++;
        if (serial % WITNESS_EVERY === WITNESS_EVERY - 1) await pair.probe();
      } catch (error) {
        stopped = true;
        throw error;
      }
    }
    await pair.probe();
  });
  return sent;
}

/** Whole requests with bytes changed anywhere, the head included. @throws Finding */
export async function fuzzBytes(engines: Engines, options: CampaignOptions): Promise<void> {
  const pairs = (await Promise.all(Array.from({ length: STRANGERS }, () => engines.strangers()))).flat();
  let serial = 0;
  let stopped = false;
  await together(pairs, async (pair) => {
    while (serial < options.requests && !stopped && performance.now() < options.until) {
      const random = new Random(options.seed, 'bytes', serial++);
      try {
        await pair.askAlone(mutateBytes(anyRequest(random, { fitting: 1 }), random));
      } catch (error) {
        stopped = true;
        throw error;
      }
    }
    await pair.settled();
    await pair.probe();
  });
}

/** All of them to their end, then the first that failed. */
async function together<T>(items: readonly T[], run: (item: T, index: number) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(items.map(run));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
