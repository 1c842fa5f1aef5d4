/** One round trip of a session that is not the writer's: there, the work on the server, and back. */
import { StoreUnavailableError } from '../../../src/store/errors.js';
import { ConnectionLost, ServerError } from './errors.js';
import type { Backend, Server } from './server.js';

const LOCK_TIMEOUT_MICROS = 500_000;

/**
 * @param work on the server, at one moment
 * @param waits true where it needs the fence's row for itself
 * @throws ConnectionLost, or what the server says
 */
export function call<T>(server: Server, backend: Backend, work: () => T, waits = false): Promise<T> {
  const { loop, random, weather, trace } = server;
  const client = loop.current;
  return new Promise<T>((resolve, reject) => {
    const lost = (): void => {
      server.end(backend);
      loop.after(server.wayMicros(), client, () => reject(new ConnectionLost()));
    };
    const answer = (say: () => void): void => {
      if (random.chance(weather.answerLost)) {
        trace.mark('answer of the database lost');
        lost();
      } else loop.after(server.wayMicros(), client, say);
    };
    const run = (): void => {
      if (!backend.alive) {
        lost();
        return;
      }
      try {
        const result = work();
        answer(() => resolve(result));
      } catch (error) {
        answer(() => reject(error));
      }
    };
    const arrive = (): void => {
      if (weather.isDown || !backend.alive || random.chance(weather.callLost)) {
        lost();
        return;
      }
      if (!waits || server.sharing.size === 0) {
        run();
        return;
      }
      trace.mark('raise waits for a commit');
      let over = false;
      server.whenFree(() => {
        if (over) return;
        over = true;
        // At once: whoever waited longest is let in first.
        run();
      });
      loop.after(LOCK_TIMEOUT_MICROS, server.thread, () => {
        if (over) return;
        over = true;
        answer(() => reject(new ServerError('canceling statement due to lock timeout', '55P03')));
      });
    };
    loop.after(server.wayMicros() + random.between(0, weather.callSlow), server.thread, arrive);
  });
}

/** A connection that is lost is what the engine's own driver calls it. */
export async function asStore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ConnectionLost) throw new StoreUnavailableError(error.message, { cause: error });
    throw error;
  }
}
