/** Engines on databases of a server of the operator's own, with bad lines before the databases and before the engine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { merchantOf } from '../../crash/support/merchants.js';
import type { RunningEngine } from '../../support/engine.js';
import { startEngine } from '../../support/engine.js';
import { startTestPostgres } from '../../support/postgres.js';
import { LogFollower } from '../checks/log-follower.js';
import { Merchant } from '../clients/merchant.js';
import type { Counters } from '../counters.js';
import { TcpProxy } from '../network/tcp-proxy.js';
import type { Random } from '../random.js';
import { Scene } from './scene.js';

export interface NetworkedWorld {
  readonly scene: Scene;
  /** Before the databases, by shard. */
  readonly databases: readonly TcpProxy[];
  /** Before whichever engine the clients are sent to. */
  readonly front: TcpProxy;
  engine(): RunningEngine;
  /** Another engine on the same shards, which takes them; clients are sent to it from then on. */
  takeOver(): Promise<{ readonly before: RunningEngine; readonly after: RunningEngine }>;
  dispose(): Promise<void>;
}

export async function openNetworked(
  random: Random,
  counters: Counters,
  say: (line: string) => void,
): Promise<NetworkedWorld> {
  const server = await startTestPostgres();
  const urls = [await server.createDatabase(), await server.createDatabase()];
  const databases = [
    await TcpProxy.start({ path: server.socketPath }),
    await TcpProxy.start({ path: server.socketPath }),
  ];
  const slots = ['0-8191', '8192-16383'];
  const shards = urls.map((url, shard) => {
    const { username, pathname } = new URL(url);
    const through = `postgres://${username}@127.0.0.1:${databases[shard]?.port}${pathname}`;
    return { name: `shard-${shard}`, slots: slots[shard], url: through };
  });
  const env = {
    MILLRACE_STORE__KIND: 'postgres',
    MILLRACE_SHARDS: JSON.stringify(shards),
    MILLRACE_HTTP__THREADS: '1',
    MILLRACE_DURABILITY__COMMIT_DEADLINE: '1s',
  };
  const folder = mkdtempSync(join(tmpdir(), 'millrace-torture-'));
  let started = 0;
  const start = (args: readonly string[] = []): Promise<RunningEngine> =>
    startEngine({ dataDir: join(folder, `engine-${started++}`), env, args });
  let engine = await start();
  const front = await TcpProxy.start({ host: '127.0.0.1', port: engine.port });
  const merchants: Merchant[] = [];
  for (const shard of [0, 1] as const) {
    const name = merchantOf(shard, `networked-${shard}`);
    const key = await engine.createKey(name);
    merchants.push(new Merchant(`http://127.0.0.1:${front.port}`, key, shard, name, random.fork()));
  }
  await Promise.all(merchants.map((merchant) => merchant.fund()));
  const logs = urls.map((url) => new LogFollower(url));
  return {
    scene: new Scene({
      merchants,
      logs,
      // Straight to the databases: what is checked is the data and not the line.
      env: () => ({
        ...env,
        MILLRACE_DATA_DIR: join(folder, 'commands'),
        MILLRACE_SHARDS: JSON.stringify(shards.map((shard, index) => ({ ...shard, url: urls[index] }))),
      }),
      counters,
      random,
      say,
    }),
    databases,
    front,
    engine: () => engine,
    takeOver: async () => {
      const before = engine;
      const after = await start(['--take-over']);
      engine = after;
      front.target = { host: '127.0.0.1', port: after.port };
      return { before, after };
    },
    dispose: async () => {
      await engine.dispose();
      await front.stop();
      for (const proxy of databases) await proxy.stop();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
