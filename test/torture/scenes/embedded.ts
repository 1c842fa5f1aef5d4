/** One engine on two embedded servers, the first of them on a disk that can be filled. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { locateEmbedded } from '../../../src/store/embedded/embedded.js';
import { INSPECTABLE } from '../../crash/support/inspector.js';
import { merchantOf } from '../../crash/support/merchants.js';
import { freePort, until } from '../../crash/support/processes.js';
import type { RunningEngine } from '../../support/engine.js';
import { startEngine } from '../../support/engine.js';
import { LogFollower } from '../checks/log-follower.js';
import { Merchant } from '../clients/merchant.js';
import type { Counters } from '../counters.js';
import type { Machine } from '../machine.js';
import type { Random } from '../random.js';
import { Scene } from './scene.js';
import { EmbeddedServer } from './servers.js';

const DISK_SIZE = '1g';
const SHARDS = ['shard-0', 'shard-1'];

export interface EmbeddedWorld {
  readonly scene: Scene;
  readonly servers: readonly [EmbeddedServer, EmbeddedServer];
  /** Mounted; null where the machine does not let us. */
  readonly disk: string | null;
  engine(): RunningEngine;
  /** Another engine on the same folder and port, after the end of the one before. */
  startAgain(): Promise<void>;
  dispose(): Promise<void>;
}

export async function openEmbedded(
  machine: Machine,
  random: Random,
  counters: Counters,
  say: (line: string) => void,
): Promise<EmbeddedWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-torture-'));
  chmodSync(folder, 0o755);
  const dataDir = join(folder, 'data');
  const disk = machine.tmpfs ? mountDisk(dataDir) : null;
  const env = {
    ...INSPECTABLE,
    // The same at every start, so that clients find it again.
    MILLRACE_HTTP__PORT: String(await freePort()),
    MILLRACE_HTTP__THREADS: '2',
    MILLRACE_DURABILITY__COMMIT_DEADLINE: '1s',
  };
  let engine = await startEngine({ dataDir, env });
  const urls = locateEmbedded(dataDir, SHARDS) ?? {};
  const servers = SHARDS.map(
    (name, shard) => new EmbeddedServer(join(dataDir, 'postgres', name), shard, urls[name] ?? ''),
  );
  const merchants: Merchant[] = [];
  for (const shard of [0, 1, 0, 1] as const) {
    const name = merchantOf(shard, `merchant-${merchants.length}`);
    merchants.push(new Merchant(engine.url, await engine.createKey(name), shard, name, random.fork()));
  }
  await Promise.all(merchants.map((merchant) => merchant.fund()));
  const logs = SHARDS.map((name) => new LogFollower(urls[name] ?? ''));
  return {
    scene: new Scene({ merchants, logs, env: () => ({ MILLRACE_DATA_DIR: dataDir }), counters, random, say }),
    servers: servers as [EmbeddedServer, EmbeddedServer], // SHARDS has two
    disk,
    engine: () => engine,
    startAgain: async () => {
      engine = await startEngine({ dataDir, env });
    },
    dispose: async () => {
      await engine.dispose();
      if (disk !== null) {
        await until('the disk can be taken away', () => unmount(disk));
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Below the engine's own folder, before it makes anything there. */
function mountDisk(dataDir: string): string {
  mkdirSync(dataDir, { mode: 0o755 });
  mkdirSync(join(dataDir, 'postgres'), { mode: 0o755 });
  const disk = join(dataDir, 'postgres', 'shard-0');
  mkdirSync(disk, { mode: 0o755 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_SIZE},mode=755`, 'tmpfs', disk]);
  return disk;
}

function unmount(disk: string): boolean {
  try {
    execFileSync('umount', [disk], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
