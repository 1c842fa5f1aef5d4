/** An engine with its defaults on two embedded servers, and merchants on both shards with open accounts. */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { LoadGenerator } from '../../bench/load/generator.js';
import type { Group } from '../../bench/load/plan.js';
import { openAccounts } from '../../src/cli/bench/open-accounts.js';
import { batchRequests, singleRequests } from '../../src/cli/bench/requests.js';
import { locateEmbedded } from '../../src/store/embedded/embedded.js';
import { merchantOf } from '../crash/support/merchants.js';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';
import { withClient } from '../support/postgres.js';
import { EmbeddedServer } from '../torture/scenes/servers.js';

const SHARDS = ['shard-0', 'shard-1'] as const;
const ACCOUNTS = 1000;

export interface Tenant {
  readonly name: string;
  readonly shard: 0 | 1;
  readonly key: string;
}

export interface World {
  readonly engine: RunningEngine;
  readonly pid: number;
  readonly servers: readonly [EmbeddedServer, EmbeddedServer];
  readonly tenants: readonly Tenant[];
  /** A generator of its own process; it ends with the world at the latest. */
  generator(groups: readonly Group[]): Promise<LoadGenerator>;
  /** Stops all processes of these databases that the engine talks to. @returns lets them go on; called by `dispose` at the latest */
  pause(shards: readonly (0 | 1)[]): Promise<() => void>;
  dispose(): Promise<void>;
}

export interface WorldOptions {
  /** Merchants on each shard. */
  readonly merchants: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly seed: number;
  /** ms that each COMMIT takes longer, as on a disk that is slow to sync. @defaultValue 0 */
  readonly syncMs?: number;
}

export async function openWorld(options: WorldOptions): Promise<World> {
  const engine = await startEngine({ env: { MILLRACE_KEYS__KEYS_MAX: '50000000', ...options.env } });
  const urls = locateEmbedded(engine.dataDir, SHARDS) ?? {};
  const [first, second] = SHARDS.map(
    (name, shard) => new EmbeddedServer(resolve(engine.dataDir, 'postgres', name), shard, urls[name] ?? ''),
  );
  if (first === undefined || second === undefined) throw new Error('there are two shards');
  const servers = [first, second] as const;
  const tenants: Tenant[] = [];
  for (let index = 0; index < options.merchants; index++) {
    for (const shard of [0, 1] as const) {
      const name = merchantOf(shard, `tenant-${index}`);
      tenants.push({ name, shard, key: await engine.createKey(name) });
    }
  }
  for (const { key } of tenants) await openAccounts({ url: engine.url, key, accounts: ACCOUNTS });
  if (options.syncMs !== undefined) await Promise.all(servers.map(({ url }) => slowSync(url, options.syncMs ?? 0)));
  const generators: LoadGenerator[] = [];
  const stopped = new Set<number>();
  const goOn = (): void => {
    for (const pid of stopped) signalIfThere(pid, 'SIGCONT');
    stopped.clear();
  };
  return {
    engine,
    pid: await engine.enginePid(),
    servers,
    tenants,
    generator: async (groups) => {
      const generator = await LoadGenerator.start({
        host: '127.0.0.1',
        port: engine.port,
        groups,
        seed: options.seed + generators.length,
      });
      generators.push(generator);
      return generator;
    },
    pause: async (shards) => {
      for (const shard of shards) {
        for (const pid of [servers[shard].postmaster, ...(await servers[shard].backends())]) stopped.add(pid);
      }
      for (const pid of stopped) signalIfThere(pid, 'SIGSTOP');
      return goOn;
    },
    dispose: async () => {
      goOn();
      await Promise.all(generators.map((generator) => generator.stop()));
      await engine.dispose();
      rmSync(engine.dataDir, { recursive: true, force: true });
    },
  };
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** Postgres waits this long before each flush, whoever else commits. */
async function slowSync(url: string, ms: number): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(`ALTER SYSTEM SET commit_delay = ${ms * 1000}`);
    await client.query('ALTER SYSTEM SET commit_siblings = 0');
    await client.query('SELECT pg_reload_conf()');
  });
}

export interface GroupOptions extends Partial<Omit<Group, 'name' | 'requests'>> {
  /** Transactions in each request. @defaultValue 1 */
  readonly batch?: number;
}

/** Postings of these merchants. */
export function groupOf(world: World, name: string, tenants: readonly Tenant[], options: GroupOptions = {}): Group {
  const { batch = 1, ...rest } = options;
  const workload = { url: world.engine.url, keys: tenants.map(({ key }) => key), accounts: ACCOUNTS };
  const templates = batch === 1 ? singleRequests(workload) : batchRequests(workload, batch);
  return { name, requests: { templates }, connections: 32, connectionsMax: 2000, patienceMs: 5_000, ...rest };
}
