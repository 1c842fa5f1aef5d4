/**
 * A copy of one server's data directory while it works, by Postgres's own rules for that: `pg_backup_start`, the files
 * as they are, `pg_backup_stop`, and the log from the one to the other. Replaying that log makes them one state.
 */
import { mkdir, opendir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { EmbeddedServerError } from '../../platform/errors.js';
import type { Reached } from './archive.js';
import { closeWal } from './close-wal.js';
import type { Copied } from './files.js';
import { copyDurably, syncFolder, useAll } from './files.js';
import { walNames } from './wal.js';

export interface CopiedFile extends Copied {
  /** Within the data directory, with slashes. */
  readonly path: string;
}

export interface ClusterCopy {
  /** Which ledger it is: the server's own number, and how often it was restored. */
  readonly ledger: string;
  readonly files: readonly CopiedFile[];
  readonly folders: readonly string[];
  /** First file of the log that a restore reads. */
  readonly startWal: string;
  readonly segmentBytes: number;
  /** A restore cannot end before this, µs by the database's clock. */
  readonly consistentAt: number;
  /** With the log that was copied along, a restore can go up to here. */
  readonly reached: Reached;
}

/** Folders that are made anew by a server, and left empty here: what is in them is of one run only. */
const EMPTIED = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);
/** Read last and by two equal readings: it says where the log begins. */
const CONTROL_FILE = 'global/pg_control';
const LEFT_OUT =
  /^(postmaster\.(pid|opts)|backup_label(\.old)?|tablespace_map(\.old)?|current_logfiles.*|pgsql_tmp.*|pg_internal\.init.*|recovery\.signal|standby\.signal)$/;

export class ClusterBackup {
  readonly #client: pg.Client;
  readonly #data: string;
  readonly #target: string;
  #startWal = '';
  #ledger = '';
  #segmentBytes = 0;
  #consistentAt = 0;
  readonly #files: CopiedFile[] = [];
  readonly #folders: string[] = [];

  private constructor(client: pg.Client, data: string, target: string) {
    this.#client = client;
    this.#data = data;
    this.#target = target;
  }

  /** @param target a folder for the copy, to be made */
  static async start(url: string, data: string, target: string): Promise<ClusterBackup> {
    const client = new pg.Client({ connectionString: url, application_name: 'millrace-backup' });
    client.on('error', () => undefined);
    await client.connect();
    const backup = new ClusterBackup(client, data, target);
    try {
      await backup.#start();
      return backup;
    } catch (error) {
      await backup.close();
      throw error;
    }
  }

  async #start(): Promise<void> {
    // Keeps the log from here on in place until the session ends.
    await this.#client.query(
      `SELECT pg_create_physical_replication_slot('millrace_backup_' || pg_backend_pid(), true, true)`,
    );
    const { rows } = await this.#client.query<{ wal: string; bytes: string; ledger: string }>(
      `SELECT pg_walfile_name(pg_backup_start('millrace', true)) AS wal,
              (SELECT c.system_identifier || '.' || s.incarnation FROM pg_control_system() c, millrace.shard s) AS ledger,
              (SELECT setting FROM pg_settings WHERE name = 'wal_segment_size') AS bytes`,
    );
    this.#startWal = rows[0]?.wal ?? '';
    this.#segmentBytes = Number(rows[0]?.bytes);
    this.#ledger = rows[0]?.ledger ?? '';
  }

  /** Copies all files and stops the backup. Several servers are copied first; then each is ended by {@link finish}. */
  async copy(): Promise<void> {
    await mkdir(join(this.#target, 'global'), { recursive: true, mode: 0o700 });
    const paths: string[] = [];
    await this.#list('', paths);
    await useAll(paths, (path) => this.#copyFile(path));
    await this.#copyControlFile();
    const { rows } = await this.#client.query<{ at: string; label: string; tablespaces: string }>(
      `SELECT labelfile AS label, spcmapfile AS tablespaces,
              (extract(epoch FROM clock_timestamp()) * 1000000)::int8::text AS at
         FROM pg_backup_stop(false)`,
    );
    const { at, label = '', tablespaces = '' } = rows[0] ?? {};
    if (tablespaces !== '') {
      throw new EmbeddedServerError('a tablespace was added to the server, which a backup cannot copy; drop it');
    }
    await this.#write('backup_label', label);
    this.#consistentAt = Number(at);
  }

  /** Copies the log that belongs to the files. @returns what a restore has to know */
  async finish(): Promise<ClusterCopy> {
    const reached = await closeWal(this.#client);
    for (const name of walNames(this.#startWal, reached.wal, this.#segmentBytes))
      await this.#copyFile(`pg_wal/${name}`);
    for (const folder of this.#folders) syncFolder(join(this.#target, folder));
    syncFolder(this.#target);
    await this.close();
    return {
      ledger: this.#ledger,
      files: this.#files,
      folders: this.#folders,
      startWal: this.#startWal,
      segmentBytes: this.#segmentBytes,
      consistentAt: this.#consistentAt,
      reached,
    };
  }

  /** Ends the session, and with it a backup that is under way. */
  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }

  /** Makes the folders as it meets them. */
  async #list(folder: string, paths: string[]): Promise<void> {
    for await (const entry of await opendir(join(this.#data, folder))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (LEFT_OUT.test(entry.name) || path === CONTROL_FILE) continue;
      if (entry.isDirectory()) {
        await mkdir(join(this.#target, path), { recursive: true, mode: 0o700 });
        this.#folders.push(path);
        if (!EMPTIED.has(path)) await this.#list(path, paths);
      } else if (entry.isFile()) {
        paths.push(path);
      }
    }
  }

  async #copyFile(path: string): Promise<void> {
    try {
      this.#files.push({ path, ...(await copyDurably(join(this.#data, path), join(this.#target, path))) });
    } catch (error) {
      // Tables and their files come and go; the log has what of that matters. The log itself may not be missing.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || path.startsWith('pg_wal/')) throw error;
    }
  }

  async #copyControlFile(): Promise<void> {
    const read = (): Promise<Buffer> => readFile(join(this.#data, CONTROL_FILE));
    let content = await read();
    for (;;) {
      const again = await read();
      if (again.equals(content)) return this.#write(CONTROL_FILE, content);
      content = again;
    }
  }

  async #write(path: string, content: string | Buffer): Promise<void> {
    const draft = join(this.#target, `${path}.draft`);
    await writeFile(draft, content, { mode: 0o600 });
    this.#files.push({ path, ...(await copyDurably(draft, join(this.#target, path))) });
    await rm(draft);
    syncFolder(dirname(join(this.#target, path)));
  }
}
