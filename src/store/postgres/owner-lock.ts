/**
 * The advisory lock that says "an engine runs on this shard". It keeps a second engine from starting by mistake; what
 * keeps two owners from both writing is the fence, which does not need it.
 *
 * It belongs to a session of its own, for as long as the owner lives. When that session is lost, a new one queues for
 * the lock again.
 */

import { messageOf } from '../../platform/errors.js';
import type { Log } from '../../platform/log.js';
import { ShardHeldError } from '../errors.js';
import { LockClass } from '../migrate.js';
import type { ConnectOptions } from './connect.js';
import type { PgSession } from './session.js';
import { connectSession } from './session.js';

const RECONNECT_MS = 1_000;
/** How long a take-over waits for the old session to go. Then it goes on: it still queues, and the fence decides. */
const TAKE_OVER_WAIT_MS = 3_000;

const HOLDER = `
  FROM pg_locks l JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.classid = $1::int8::oid AND l.objid = (hashtext($2)::int8 & 4294967295)::oid`;

export class OwnerLock {
  readonly #connect: ConnectOptions;
  readonly #key: readonly [number, string];
  readonly #log: Log | undefined;
  #session: PgSession | null = null;
  #retry: NodeJS.Timeout | null = null;
  /** False before it is taken and after it is released: a session that ends is then not replaced. */
  #wanted = false;

  constructor(connect: ConnectOptions, schema: string, log: Log | undefined) {
    this.#connect = connect;
    this.#key = [LockClass.owner, schema];
    this.#log = log;
  }

  /** @throws ShardHeldError naming who holds it, unless `takeOver` */
  async take(shard: string, takeOver: boolean): Promise<void> {
    const session = await connectSession(this.#connect);
    this.#session = session;
    this.#wanted = true;
    const [row] = await session.query('SELECT pg_try_advisory_lock($1, hashtext($2)) AS taken', this.#key);
    if (row?.taken !== true) {
      if (!takeOver) {
        const holder = await this.#holder(session);
        await this.release();
        throw new ShardHeldError(
          `shard "${shard}" is held by ${holder}; stop that engine, or start this one with --take-over`,
        );
      }
      await this.#evict(session);
    }
    session.onEnd(() => this.#again());
  }

  /** It may be taken again. */
  async release(): Promise<void> {
    this.#wanted = false;
    if (this.#retry !== null) clearTimeout(this.#retry);
    // When this resolves the lock is free. A session that still queues for it is cut after a moment.
    await this.#session?.close();
  }

  async #holder(session: PgSession): Promise<string> {
    const [row] = await session.query(
      `SELECT a.pid, a.application_name, coalesce(a.client_addr::text, 'this machine') AS client, a.backend_start::text AS since ${HOLDER}`,
      this.#key,
    );
    if (row === undefined) return 'an engine that is just stopping';
    return `${String(row.application_name)} (server process ${Number(row.pid)}, from ${String(row.client)}, since ${String(row.since)})`;
  }

  async #evict(session: PgSession): Promise<void> {
    await session.query(`SELECT pg_terminate_backend(a.pid) ${HOLDER}`, this.#key);
    const granted = session.query('SELECT pg_advisory_lock($1, hashtext($2))', this.#key).then(
      () => true,
      () => false,
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), TAKE_OVER_WAIT_MS);
    });
    if (!(await Promise.race([granted, late]))) {
      this.#log?.warn('the earlier owner holds its lock still; going on without it, the fence decides');
    }
    clearTimeout(timer);
  }

  #again(): void {
    if (!this.#wanted) return;
    this.#retry = setTimeout(() => void this.#queue(), RECONNECT_MS);
    this.#retry.unref();
  }

  async #queue(): Promise<void> {
    try {
      const session = await connectSession(this.#connect);
      if (!this.#wanted) return session.destroy();
      this.#session = session;
      session.onEnd(() => this.#again());
      // Waits as long as another owner lives. If the session ends instead, its listener above queues anew.
      session.query('SELECT pg_advisory_lock($1, hashtext($2))', this.#key).catch(() => undefined);
    } catch (error) {
      this.#log?.debug(`the shard's lock could not be queued for: ${messageOf(error)}`);
      this.#again();
    }
  }
}
