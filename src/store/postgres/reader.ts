/** Sessions that only read: one that stays, for loads while the shard runs, and one for each long reading. */
import { Mutex } from '../mutex.js';
import type { Session } from '../session.js';
import type { ConnectOptions } from './connect.js';
import type { PgSession } from './session.js';
import { connectSession } from './session.js';

export class Reader {
  readonly #connect: ConnectOptions;
  readonly #mutex = new Mutex();
  readonly #snapshots = new Set<PgSession>();
  #session: PgSession | null = null;

  constructor(connect: ConnectOptions) {
    this.#connect = connect;
  }

  /** One piece of work at a time. @throws StoreUnavailableError */
  use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#mutex.run(async () => {
      if (this.#session === null || this.#session.ended) this.#session = await connectSession(this.#connect);
      return work(this.#session);
    });
  }

  /** A session that sees the database as of now until `done`. */
  async snapshot(): Promise<{ readonly session: Session; readonly done: () => Promise<void> }> {
    const session = await connectSession(this.#connect);
    this.#snapshots.add(session);
    const done = async (): Promise<void> => {
      this.#snapshots.delete(session);
      await session.close();
    };
    await session.exec('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return { session, done };
  }

  close(): void {
    this.#session?.destroy();
    for (const session of this.#snapshots) session.destroy();
  }
}
