/**
 * The fence of a shard on a server: the row (log, epoch, owner), the only authority on who may write.
 *
 * Raising it settles what an earlier commit came to. The old session is terminated by its name, then the row is
 * updated; the update waits while a commit of the old epoch still holds the row, and once it is done no such commit can
 * follow. Only an acknowledged raise counts: an answer that was lost is followed by another raise. There is no bound on
 * how long this may take, since every bound would be a guess.
 */

import type { Breaker } from '../../platform/breaker.js';
import { messageOf } from '../../platform/errors.js';
import type { Log } from '../../platform/log.js';
import type { FenceRow } from '../batch-row.js';
import { FencedError, ShardMismatchError, StoreUnavailableError, sqlState } from '../errors.js';
import { lastBatch } from '../recovery.js';
import type { Resolution } from '../shard-store.js';
import type { ControlSession } from './control.js';
import type { PgSession } from './session.js';

const BACKOFF_MS_MAX = 2_000;
/** Classes of errors that trying again does not mend: syntax and access rules, and what is not there. */
const HOPELESS = /^(42|3F|28)/;

/** With the digest of the last batch, which the next one is chained to; null where there is none. */
export interface FenceResolution extends Resolution {
  readonly digest: Buffer | null;
}

export class Fence {
  epoch = 0;
  readonly #control: ControlSession;
  readonly #logId: number;
  /** Random, of this incarnation of the owner. */
  readonly #owner: string;
  readonly #log: Log | undefined;
  readonly #breaker: Breaker;
  #closed = false;

  constructor(control: ControlSession, logId: number, owner: string, log: Log | undefined, breaker: Breaker) {
    this.#control = control;
    this.#logId = logId;
    this.#owner = owner;
    this.#log = log;
    this.#breaker = breaker;
  }

  /** Becomes the owner. @param sessions regular expression of the names of sessions that must not go on */
  async acquire(sessions: string): Promise<FenceResolution> {
    const row = await this.#control.use((session) => this.#read(session));
    return this.#raise(row, sessions);
  }

  /** Raises as the owner that this is. @throws FencedError where another one is */
  resolve(sessions: string): Promise<FenceResolution> {
    return this.#raise(this.row, sessions);
  }

  /** True if the row says that this owner, at this epoch, may write. */
  async isMine(): Promise<boolean> {
    const row = await this.#control.use((session) => this.#read(session));
    return row.owner === this.#owner && row.epoch === this.epoch;
  }

  close(): void {
    this.#closed = true;
  }

  /** What a batch of this owner must find. */
  get row(): FenceRow {
    return { logId: this.#logId, epoch: this.epoch, owner: this.#owner };
  }

  async #raise(from: FenceRow, sessions: string): Promise<FenceResolution> {
    let expected = from;
    for (let attempt = 0; ; attempt++) {
      if (this.#closed) throw new StoreUnavailableError('the store was closed while its fence was being raised');
      try {
        this.#breaker.trying();
        const resolution = await this.#control.use((session) => this.#attempt(session, expected, sessions));
        if (resolution !== null) {
          this.#breaker.succeeded();
          return resolution;
        }
        expected = await this.#mineAgain();
      } catch (error) {
        if (error instanceof FencedError || error instanceof ShardMismatchError || HOPELESS.test(sqlState(error) ?? ''))
          throw error;
        this.#log?.warn(`the fence could not be raised yet: ${messageOf(error)}`);
      }
      // It jitters, so that two owners that meet do not keep meeting.
      await this.#breaker.rest(Math.min(BACKOFF_MS_MAX, 25 * 2 ** attempt));
    }
  }

  /** @returns null if the row is not as expected */
  async #attempt(session: PgSession, expected: FenceRow, sessions: string): Promise<FenceResolution | null> {
    await session.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name ~ $1 AND application_name !~ $2 AND pid <> pg_backend_pid()`,
      [sessions, this.#control.spared],
    );
    const [raised] = await session.query(
      'UPDATE fence SET epoch = epoch + 1, owner = $4 WHERE log_id = $1 AND epoch = $2 AND owner = $3 RETURNING epoch',
      [this.#logId, expected.epoch, expected.owner, this.#owner],
    );
    if (raised === undefined) return null;
    this.epoch = Number(raised.epoch);
    const { last, digest } = await lastBatch(session);
    return { epoch: this.epoch, head: last, digest };
  }

  /** The row was not as expected: mine at a higher epoch is an answer of an earlier attempt that was lost. */
  async #mineAgain(): Promise<FenceRow> {
    const row = await this.#control.use((session) => this.#read(session));
    if (row.owner === this.#owner) return row;
    throw new FencedError(`the shard has another owner since epoch ${row.epoch}; this one stops`);
  }

  async #read(session: PgSession): Promise<FenceRow> {
    const [row] = await session.query('SELECT epoch, owner FROM fence WHERE log_id = $1', [this.#logId]);
    if (row === undefined)
      throw new ShardMismatchError(`the fence of log ${this.#logId} is missing: the database is damaged`);
    return { logId: this.#logId, epoch: Number(row.epoch), owner: String(row.owner) };
  }
}
