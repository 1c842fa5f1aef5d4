/** The session beside the writer's: raises the fence, terminates, makes partitions. Made anew whenever it is lost. */
import { StoreUnavailableError } from '../errors.js';
import { Mutex } from '../mutex.js';
import type { ConnectOptions } from './connect.js';
import type { PgSession } from './session.js';
import { connectSession } from './session.js';

const DEADLINE_MS = 10_000;

export class ControlSession {
  /** Regular expression of sessions that are never terminated from here: this owner's own lock and control. */
  readonly spared: string;
  readonly #connect: ConnectOptions;
  readonly #mutex = new Mutex();
  #session: PgSession | null = null;
  #closed = false;

  constructor(connect: ConnectOptions, spared: string) {
    this.#connect = connect;
    this.spared = spared;
  }

  /**
   * One piece of work at a time. After `deadlineMs` the connection is cut, and the work fails: what comes next must not
   * wait for an answer that is lost.
   * @throws StoreUnavailableError
   */
  use<T>(work: (session: PgSession) => Promise<T>, deadlineMs = DEADLINE_MS): Promise<T> {
    return this.#mutex.run(async () => {
      if (this.#closed) throw new StoreUnavailableError('the store is closed');
      const session = await this.#connected();
      const deadline = setTimeout(() => session.destroy(), deadlineMs);
      try {
        return await work(session);
      } finally {
        clearTimeout(deadline);
      }
    });
  }

  close(): void {
    this.#closed = true;
    this.#session?.destroy();
  }

  async #connected(): Promise<PgSession> {
    if (this.#session !== null && !this.#session.ended) return this.#session;
    const session = await connectSession(this.#connect);
    this.#session = session;
    return session;
  }
}
