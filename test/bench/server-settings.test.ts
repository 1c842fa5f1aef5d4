import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { applyServerSettings } from '../../bench/server-settings.js';
import { createLog } from '../../src/platform/log.js';
import { type EmbeddedServers, startEmbedded } from '../../src/store/embedded/embedded.js';
import { withClient } from '../support/postgres.js';

const NAME = 'shard-0';
let root: string;
let folder: string;
let servers: EmbeddedServers;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bench-servers-'));
  chmodSync(root, 0o755);
  folder = join(root, 'data');
  mkdirSync(folder, { mode: 0o700 });
  servers = await startEmbedded({
    folder,
    names: [NAME],
    settings: { shared_buffers: '16MB' },
    log: createLog({ level: 'silent' }),
  });
});
afterAll(async () => {
  await servers.stop();
  rmSync(root, { recursive: true });
});

const url = () => servers.urls[NAME] ?? '';
const shown = (name: string): Promise<string> =>
  withClient(url(), async (client) => {
    const { rows } = await client.query<{ value: string }>('SELECT current_setting($1) AS value', [name]);
    return rows[0]?.value ?? '';
  });

it('settings of a server hold for all of it, also those that are read at its start alone', async () => {
  await applyServerSettings(folder, servers.urls, { commit_delay: '100', max_worker_processes: '3' });
  expect([await shown('commit_delay'), await shown('max_worker_processes')]).toEqual(['100', '3']);
});

it('one that the server does not know or take is named, with its own words', async () => {
  const given = (settings: Record<string, string>) => applyServerSettings(folder, servers.urls, settings);
  await expect(given({ commit_dely: '1' })).rejects.toThrow(
    /^postgres\.commit_dely: unrecognized configuration parameter/,
  );
  await expect(given({ commit_delay: 'much' })).rejects.toThrow(/^postgres\.commit_delay: invalid value/);
});

it('one that the command line gives is not taken for changed', async () => {
  await expect(applyServerSettings(folder, servers.urls, { shared_buffers: '32MB' })).rejects.toThrow(
    'postgres.shared_buffers: the server takes it from the command line',
  );
});
