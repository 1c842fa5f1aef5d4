/** What is done to an engine and its own servers while merchants are at work. */
import { setTimeout as delay } from 'node:timers/promises';
import { throwInThread } from '../../crash/support/inspector.js';
import { gone, until } from '../../crash/support/processes.js';
import { whenThere } from '../checks/database.js';
import { must } from '../checks/failure.js';
import type { Counters } from '../counters.js';
import type { Random } from '../random.js';
import type { EmbeddedWorld } from '../scenes/embedded.js';
import type { Fault } from '../scenes/scene.js';
import type { EmbeddedServer } from '../scenes/servers.js';

const KILLS = 'kills';

/** Faults that end processes. */
export function kills(world: EmbeddedWorld, random: Random, counters: Counters): Fault[] {
  const killEngine = async (): Promise<void> => {
    const pid = await world.engine().enginePid();
    process.kill(pid, 'SIGKILL');
    counters.add(KILLS);
    await gone(pid);
  };
  const killServer = async (server: EmbeddedServer, signal: NodeJS.Signals): Promise<void> => {
    const { postmaster } = server;
    if (postmaster === 0) return;
    process.kill(postmaster, signal);
    counters.add(KILLS);
    await gone(postmaster);
  };
  return [
    { name: 'kill -9 of the engine', weight: 4, run: killEngine },
    { name: 'kill -9 of one Postgres', weight: 4, run: () => killServer(random.pick(world.servers), 'SIGKILL') },
    {
      name: 'kill -9 of the engine and both Postgres at once',
      weight: 2,
      run: async () => {
        await Promise.all([killEngine(), ...world.servers.map((server) => killServer(server, 'SIGKILL'))]);
      },
    },
    {
      name: 'kill -9 of the engine and its parent',
      weight: 1,
      run: async () => {
        await world.engine().kill();
        counters.add(KILLS, 2);
        await world.startAgain();
      },
    },
    {
      name: 'kill -9 of the engine while it starts again',
      weight: 1,
      run: async () => {
        await killEngine();
        await until('it is back so far', () =>
          world
            .engine()
            .enginePid()
            .then(Boolean, () => false),
        );
        await killEngine();
      },
    },
    {
      name: 'pg_ctl stop -m immediate',
      weight: 3,
      run: async () => {
        if (await random.pick(world.servers).stopImmediately()) counters.add(KILLS);
      },
    },
    {
      name: 'a backend terminated in the middle of a COPY',
      weight: 3,
      run: () => terminateInCopy(random.pick(world.servers), counters),
    },
  ];
}

async function terminateInCopy(server: EmbeddedServer, counters: Counters): Promise<void> {
  await whenThere(server.url, async (client) => {
    // Whoever copies waits for this lock, so that the end comes before the COMMIT and not after it.
    await client.query('BEGIN; LOCK TABLE millrace.log IN EXCLUSIVE MODE');
    // Found and ended in one statement: on a slow machine the engine gives a COPY up that waits, and ends it itself.
    await until('a COPY waits', async () => {
      // Within a transaction the list of sessions is looked up once: one that connects later would never be seen.
      await client.query('SELECT pg_stat_clear_snapshot()');
      const { rows } = await client.query<{ ended: boolean }>(
        `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
          WHERE application_name ~ '^millrace-shard-\\d-[0-9a-f]{8}$' AND wait_event_type = 'Lock'`,
      );
      return rows.some(({ ended }) => ended);
    });
    await client.query('ROLLBACK');
  });
  counters.add(KILLS);
}

/** Faults that hold processes up, or end them in order. */
export function pauses(world: EmbeddedWorld, random: Random, pauseMs: number): Fault[] {
  return [
    {
      name: 'SIGSTOP of the engine',
      weight: 1,
      run: async () => {
        const pid = await world.engine().enginePid();
        await stopped([pid], pauseMs);
      },
    },
    {
      name: 'SIGSTOP of a Postgres',
      weight: 2,
      run: async () => {
        const server = random.pick(world.servers);
        await stopped([server.postmaster, ...(await server.backends())], pauseMs);
      },
    },
    {
      name: 'a thread that writes shards throws',
      weight: 1,
      run: async () => throwIn(world, /piscina/),
    },
    {
      name: 'a front throws',
      weight: 1,
      run: async () => throwIn(world, /http\/front\/thread/),
    },
    {
      name: 'SIGTERM under load',
      weight: 1,
      run: async () => {
        const code = await world.engine().stop();
        must(code === 0, () => `after SIGTERM the engine ended with ${code}`);
        await world.startAgain();
      },
    },
  ];
}

async function throwIn(world: EmbeddedWorld, module: RegExp): Promise<void> {
  const engine = world.engine();
  await throwInThread(await engine.enginePid(), engine.log, module);
}

async function stopped(pids: readonly number[], forMs: number): Promise<void> {
  const living = pids.filter((pid) => pid > 0);
  for (const pid of living) process.kill(pid, 'SIGSTOP');
  try {
    await delay(forMs);
  } finally {
    for (const pid of living) continueIfThere(pid);
  }
}

function continueIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It was ended meanwhile.
  }
}
