/** Whoever reads what the program writes goes away. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { locateEmbedded } from '../../src/store/embedded/embedded.js';
import { startEngine } from '../support/engine.js';
import { postmasterOf } from '../support/postgres.js';
import { MAIN } from '../support/program.js';
import { Journal } from './support/load.js';
import { gone, until } from './support/processes.js';

test('a command whose reader has gone ends as by SIGPIPE, without a word', async () => {
  const command = spawn(process.execPath, [MAIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  command.stdout.destroy();
  let said = '';
  command.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = await once(command, 'close');
  expect(said).toBe('');
  expect(code).toBe(141);
});

test('an engine whose log nobody reads any more goes on, and still starts again what dies', async () => {
  const engine = await startEngine();
  try {
    const pid = await engine.enginePid();
    const url = locateEmbedded(engine.dataDir, ['shard-0'])?.['shard-0'] ?? '';
    const postmaster = () => postmasterOf(url);
    engine.process.stdout?.destroy();
    engine.process.stderr?.destroy();
    const journal = new Journal(engine.url, engine.key, 'unread').start();
    await journal.posted(20);
    // It has something to say of this.
    const killed = await postmaster();
    process.kill(killed, 'SIGKILL');
    await gone(killed);
    await until('Postgres is back', () =>
      postmaster().then(
        (now) => now !== killed,
        () => false,
      ),
    );
    await journal.posted(20);
    await journal.stop();
    await journal.prove();
    expect(await engine.enginePid()).toBe(pid);
    process.kill(pid, 'SIGKILL');
    await gone(pid);
    await until('the parent has started it again', () =>
      engine.enginePid().then(
        (now) => now !== pid,
        () => false,
      ),
    );
  } finally {
    await engine.dispose();
  }
}, 120_000);
