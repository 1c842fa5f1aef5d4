/**
 * Keeps the archive close behind: closes the file that the server writes to, waits until it is archived, and notes up to
 * when the archive now holds everything. Without that note nobody could tell a quiet hour from a lost one.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { messageOf } from '../../platform/errors.js';
import type { Log } from '../../platform/log.js';
import type { ArchivePlace } from './archive.js';
import { writeReached } from './archive.js';
import { closeWal } from './close-wal.js';

export interface WatchOptions {
  readonly name: string;
  readonly url: string;
  readonly place: ArchivePlace;
  readonly intervalMs: number;
  readonly log: Log;
}

const LOOK_MS = 50;
const LAST_ROUND_MS_MAX = 5000;
/** Rounds without the archive coming nearer, after which the operator hears of it. */
const PATIENCE_ROUNDS = 3;

export class ArchiveWatch {
  readonly #options: WatchOptions;
  readonly #ended = new AbortController();
  readonly #running: Promise<void>;
  #client: pg.Client | null = null;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Archives what was written until now, as far as the server can in a short time, and ends. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#running;
    await this.#round(LAST_ROUND_MS_MAX).catch((error: unknown) => {
      this.#options.log.warn(`${this.#options.name}: the last of the log is not archived yet: ${messageOf(error)}`);
    });
    await this.#client?.end().catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { intervalMs, name, log } = this.#options;
    const { signal } = this.#ended;
    let failed = 0;
    while (!signal.aborted) {
      try {
        await this.#round(intervalMs, signal);
        if (failed >= PATIENCE_ROUNDS) log.info(`${name}: the archive has caught up`);
        failed = 0;
      } catch (error) {
        failed++;
        if (failed === PATIENCE_ROUNDS) {
          log.error(`${name}: the archive falls behind: ${messageOf(error)}; the servers keep what is not archived`);
        }
      }
      await delay(intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #round(patienceMs: number, signal?: AbortSignal): Promise<void> {
    const { place } = this.#options;
    const client = await this.#connected();
    const drop = async (error: unknown): Promise<never> => {
      this.#client = null;
      await client.end().catch(() => undefined);
      throw error;
    };
    const reached = await closeWal(client).catch(drop);
    const file = join(place.wal, reached.wal);
    const until = performance.now() + patienceMs;
    while (!existsSync(file) || (await waitsForArchive(client, reached.wal).catch(drop))) {
      if (signal?.aborted === true) return;
      if (performance.now() > until) throw new Error(`${reached.wal} is not archived; see the server's log`);
      await delay(LOOK_MS, undefined, { ref: false });
    }
    writeReached(place, reached);
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client !== null) return this.#client;
    const client = new pg.Client({
      connectionString: this.#options.url,
      connectionTimeoutMillis: 2000,
      query_timeout: 5000,
      application_name: 'millrace-archive',
    });
    client.on('error', () => {
      if (this.#client === client) this.#client = null;
    });
    await client.connect();
    this.#client = client;
    return client;
  }
}

/**
 * Whether the server has still to archive it. A file of that name in the archive proves nothing: where the data folder was
 * put back to an earlier state by other means than a restore, it is another one.
 */
async function waitsForArchive(client: pg.Client, wal: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM pg_ls_archive_statusdir() WHERE name = $1', [`${wal}.ready`]);
  return rowCount !== 0;
}
