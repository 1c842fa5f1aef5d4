/** A disk that fails to sync once, or is slow to: done to the system calls of the server's process that commits. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../crash/support/processes.js';
import { must } from '../checks/failure.js';
import type { Counters } from '../counters.js';
import type { Random } from '../random.js';
import type { EmbeddedWorld } from '../scenes/embedded.js';
import type { Fault } from '../scenes/scene.js';
import type { EmbeddedServer } from '../scenes/servers.js';

const SLOW_MS = 1_000;
const DELAY_MICROS = 200_000;

export function badSync(world: EmbeddedWorld, random: Random, counters: Counters): Fault[] {
  return [
    {
      name: 'an fsync that fails once',
      weight: 2,
      run: async () => {
        const server = random.pick(world.servers);
        const { postmaster } = server;
        const injected = await inject(await committing(server), 'error=EIO:when=1');
        // What was not synced may be gone from the cache too: the server ends itself and recovers from its log.
        await until('the server has noticed', () => injected.hits() > 0);
        await injected.end();
        await until('the server lives', () => server.postmaster !== 0);
        counters.add('fsyncs that failed', injected.hits());
        must(postmaster !== 0, () => 'there was no server to fail');
      },
    },
    {
      name: 'slow fsyncs',
      weight: 1,
      run: async () => {
        const pid = await committing(random.pick(world.servers));
        const injected = await inject(pid, `delay_enter=${DELAY_MICROS}`);
        await delay(SLOW_MS);
        await injected.end();
        counters.add('fsyncs that were slow', injected.hits());
      },
    },
  ];
}

interface Injected {
  /** Calls that were tampered with so far. */
  hits(): number;
  end(): Promise<void>;
}

/** The process of the server that commits; there is none for a moment after a fault before this one. */
async function committing(server: EmbeddedServer): Promise<number> {
  let pid = 0;
  await until('a process commits', async () => {
    pid = await server.writer();
    return pid > 0;
  });
  return pid;
}

async function inject(pid: number, how: string): Promise<Injected> {
  const calls = 'fsync,fdatasync';
  const tracer = spawn('strace', ['-p', String(pid), '-e', `trace=${calls}`, '-e', `inject=${calls}:${how}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  tracer.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(tracer, 'exit');
  await until('the tracer is attached', () => said.includes('attached') || tracer.exitCode !== null);
  must(said.includes('attached'), () => `strace ended: ${said}`);
  return {
    hits: () => [...said.matchAll(/\((?:INJECTED|DELAYED)\)/g)].length,
    end: async () => {
      // Lets go of the process, which goes on.
      tracer.kill('SIGINT');
      await ended;
    },
  };
}
