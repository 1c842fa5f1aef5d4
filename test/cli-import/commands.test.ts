import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KeysRequest } from '../../src/cli/keys.js';
import { keysCommand } from '../../src/cli/keys.js';
import { shardsCommand } from '../../src/cli/shards.js';
import { verifyCommand } from '../../src/cli/verify.js';
import type { Config } from '../../src/platform/config/config.js';
import { configOf } from '../../src/platform/config/config.js';
import type { FolderLock } from '../../src/platform/lock.js';
import { openLock } from '../../src/platform/lock.js';
import { createLog } from '../../src/platform/log.js';
import type { EmbeddedServers } from '../../src/store/embedded/embedded.js';
import { startEmbedded } from '../../src/store/embedded/embedded.js';
import { openShardStore } from '../../src/store/open.js';
import { Sink } from '../support/sink.js';

const log = createLog({ level: 'silent' });
let folder: string;
let config: Config;
let storage: { readonly lock: FolderLock; readonly servers: EmbeddedServers } | null = null;

async function capture(command: (io: { stdout: Sink; stderr: Sink }) => Promise<number>) {
  const io = { stdout: new Sink(), stderr: new Sink() };
  const code = await command(io);
  return { code, out: io.stdout.text, err: io.stderr.text };
}
const keys = (request: KeysRequest) => capture((io) => keysCommand(request, config, io, log));

/** What an engine does to its folder before it answers: the lock, the servers, the tables. */
async function startStorage() {
  const lock = await openLock(config.dataDir);
  const names = config.shards.map(({ name }) => name);
  const servers = await startEmbedded({ folder: lock.folder, names, log, settings: { shared_buffers: '16MB' } });
  for (const { name, ranges } of config.shards) {
    const place = { kind: 'postgres', url: servers.urls[name] ?? '' } as const;
    const durability = { acceptLoss: false };
    const store = openShardStore({ place, name, slots: ranges, commitDeadlineMs: 10_000, durability });
    await store.acquire({ takeOver: false });
    await store.close();
  }
  return { lock, servers };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-commands-'));
  chmodSync(folder, 0o755);
  config = configOf({}, folder);
});
afterAll(async () => {
  // Still there where a test failed half-way.
  await storage?.servers.stop();
  await storage?.lock.close();
  rmSync(folder, { recursive: true, force: true });
});

test('without data every command says how to begin', async () => {
  await expect(keys({ action: 'list' })).rejects.toThrow('start the engine first');
  await expect(capture((io) => verifyCommand(config, io, log))).rejects.toThrow('start the engine first');
});

test('keys, shards and verify work beside a running engine and without one', async () => {
  storage = await startStorage();
  const { lock, servers } = storage;
  lock.onRequest((request) => {
    if (request.do === 'shards')
      return config.shards.map(({ name }) => ({
        name,
        state: 'open',
        epoch: 1,
        position: 0,
        lagRecords: 0,
        foldRestMs: name === 'shard-1' ? 12.5 : 0,
        error: null,
        attempts: 0,
        nextAttemptAt: null,
      }));
    throw new Error(`asked to ${request.do}`);
  });
  expect(await keys({ action: 'revoke', id: 'x' })).toMatchObject({
    code: 1,
    err: 'millrace keys: asked to keys.revoke\n',
  });
  const beside = await capture((io) => shardsCommand(config, io, log));
  expect(beside.out).toMatch(
    /^SHARD +SLOTS +STATE +SIZE +POSITION +LAG +EPOCH +OWNER +RATE +BREAKER\nshard-0 +0-8191 +open +[0-9.]+ MiB +0 +0 +1 +[0-9a-f]{8} +0\/s +closed\nshard-1 +8192-16383 +open +[0-9.]+ MiB +0 +0, commits rest +1 /,
  );
  expect((await capture((io) => verifyCommand(config, io, log))).code).toBe(0);
  await servers.stop();
  await lock.close();
  storage = null;

  const created = await keys({ action: 'create', merchant: 'acme', environment: 'test', scopes: [] });
  expect(created.out).toMatch(/^mr_test_[0-9a-z]{12}_[0-9a-z]{32,}\n$/);
  const id = created.out.split('_')[2] ?? '';
  expect((await keys({ action: 'list' })).out).toMatch(new RegExp(`${id} +acme +test .*in force`));
  expect(await keys({ action: 'revoke', id })).toMatchObject({
    code: 0,
    out: `Key ${id} of merchant acme is revoked.\n`,
  });
  expect(await keys({ action: 'revoke', id: 'nothere' })).toMatchObject({ code: 1 });
  expect((await capture((io) => shardsCommand(config, io, log))).out).toContain('no engine here');
  const verified = await capture((io) => verifyCommand(config, io, log));
  expect(verified.code).toBe(0);
  expect(verified.out).toMatch(
    /^shard-0\n( {2}true .*rows\)\n)+shard-1\n( {2}true .*\n)+all true: \d+ checks, [\d,]+ rows\n$/,
  );
}, 120_000);
