/** Starts that must be refused, in one line and with an exit code of their own; and shards that change hands. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';
import type { TestPostgres } from '../support/postgres.js';
import { startTestPostgres, withClient } from '../support/postgres.js';
import { Journal } from './support/load.js';
import { millrace, until } from './support/processes.js';

// Starts and proofs are many, and the machine may be busy.
vi.setConfig({ testTimeout: 90_000 });

let server: TestPostgres;
let urls: readonly [string, string];
let shards: Readonly<Record<string, string>>;
const engines: RunningEngine[] = [];

beforeAll(async () => {
  server = await startTestPostgres();
  urls = [await server.createDatabase(), await server.createDatabase()];
  shards = {
    MILLRACE_STORE__KIND: 'postgres',
    MILLRACE_SHARDS: JSON.stringify([
      { name: 'shard-0', slots: '0-8191', url: urls[0] },
      { name: 'shard-1', slots: '8192-16383', url: urls[1] },
    ]),
  };
});
afterAll(async () => {
  for (const engine of engines) await engine.dispose();
  await server.stop();
});

async function start(args: readonly string[] = []): Promise<RunningEngine> {
  const engine = await startEngine({ env: shards, args });
  engines.push(engine);
  return engine;
}

/** A folder of its own for a start that is to fail. */
async function refused(env: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-refused-'));
  try {
    return await millrace(['serve'], { MILLRACE_DATA_DIR: join(folder, 'data'), MILLRACE_HTTP__PORT: '0', ...env });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a port in use is one line and exit code 3, before anything is made', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { code, err } = await refused({ MILLRACE_HTTP__PORT: String(port) });
  taken.close();
  expect(err.trim().split('\n')).toEqual([expect.stringContaining(`port ${port} on 127.0.0.1 is in use`)]);
  expect(code).toBe(3);
});

test('a second engine on the same shards is refused in one line; with --take-over the first stops and never writes again', async () => {
  const first = await start();
  const key = await first.createKey('acme');
  const journal = new Journal(first.url, key, 'first').start();
  await journal.posted(50);

  const second = await refused(shards);
  expect(second.err.trim().split('\n').at(-1)).toMatch(/^millrace: shard "shard-\d" is held by .*--take-over$/);
  expect(second.code).toBe(3);
  await journal.posted(50);

  const heir = await start(['--take-over']);
  const stopped = await journal.answered(({ status }) => status === 503);
  expect(stopped.body.code).toMatch(/^(outcome_unknown|shard_unavailable)$/);
  await journal.stop();
  const epochs = await Promise.all(urls.map((url) => fence(url)));

  const answer = await new Journal(first.url, key, 'late').api.transfer('external/card', 'first/late', 1);
  expect(answer.status).toBe(503);
  const inherited = new Journal(heir.url, key, 'heir').start();
  await inherited.posted(50);
  await inherited.prove();
  // What the first engine answered, the second one proves.
  await journal.moveTo(heir.url).prove();
  expect((await answerOf(heir, key, 'first/late')).status).toBe(404);
  expect(await Promise.all(urls.map((url) => fence(url))), 'nobody has raised the fence again').toEqual(epochs);
  const verified = await millrace(['verify'], shards);
  expect(verified.code, verified.out + verified.err).toBe(0);
});

test('an engine that had taken over does not do so again when it was overtaken itself and is started again', async () => {
  const [, heir] = engines;
  if (heir === undefined) throw new Error('the test before has not started it');
  const pid = await heir.enginePid();
  const third = await start(['--take-over']);
  await until('the heir has stopped', async () => (await fetch(`${heir.url}/readyz`)).status === 503);
  const epochs = await Promise.all(urls.map((url) => fence(url)));
  process.kill(pid, 'SIGKILL');
  await until('the heir was started again and refused', () => /millrace: shard "shard-\d" is held by/.test(heir.log()));
  expect(await Promise.all(urls.map((url) => fence(url)))).toEqual(epochs);
  const key = await third.createKey('acme');
  const journal = new Journal(third.url, key, 'third').start();
  await journal.posted(20);
  await journal.prove();
});

const fence = (url: string) =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ epoch: string; owner: string }>('SELECT epoch, owner FROM millrace.fence');
    return rows[0];
  });

const answerOf = (engine: RunningEngine, key: string, account: string) =>
  new Journal(engine.url, key, 'look').api.get(`/v1/accounts/${encodeURIComponent(account)}`);
