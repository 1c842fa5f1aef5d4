/** Asking a database that something may just have been done to. */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { withClient } from '../../support/postgres.js';
import { Broken } from './failure.js';

const PATIENCE_MS = 60_000;
const LOOK_MS = 50;

/**
 * Like `withClient`, begun again while the server is away: one that was killed may go on committing for a moment, so that
 * it ends only when everybody works again.
 * @throws Broken at once; any other error of the last attempt after a minute
 */
export async function whenThere<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const giveUp = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await withClient(url, use);
    } catch (error) {
      if (error instanceof Broken || performance.now() > giveUp) throw error;
      await delay(LOOK_MS);
    }
  }
}
