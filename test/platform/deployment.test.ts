import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/platform/config/config.js';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
  readonly healthcheck?: object;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, object>>;
  readonly networks: Readonly<Record<string, object>>;
}

const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as Compose;
/** As Compose fills in variables that are not set. */
const filled = (text: string): string => text.replace(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1');

test('the engine of docker-compose.yml has a configuration that the program takes, with a server for each shard', () => {
  const environment = compose.services.engine?.environment ?? {};
  const env = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, filled(value)]));
  const config = loadConfig({ env, cwd: '/' });
  expect(config.store.kind).toBe('postgres');
  expect(config.durability.synchronousCommit).toBe('on');
  for (const { name, url } of config.shards) {
    expect(new URL(url ?? '').hostname).toBe(name);
    const server = compose.services[name];
    expect(server?.healthcheck).toBeDefined();
    for (const setting of ['fsync=on', 'full_page_writes=on', 'synchronous_commit=on'])
      expect(server?.command).toContain(setting);
    expect(compose.services.engine?.depends_on?.[name]?.condition).toBe('service_healthy');
  }
});

test('every volume and network that a service names is declared, and every service has an image or a build', () => {
  for (const service of Object.values(compose.services)) {
    expect(service.image ?? service.build).toBeDefined();
    for (const volume of service.volumes) expect(compose.volumes).toHaveProperty([volume.split(':')[0] ?? '']);
    for (const network of service.networks) expect(compose.networks).toHaveProperty([network]);
  }
});

test('docker compose takes the file, where there is one to ask', () => {
  if (hasCompose()) execFileSync('docker', ['compose', '--file', 'docker-compose.yml', 'config', '--quiet']);
  expect(Object.keys(compose.services)).toEqual(['shard-0', 'shard-1', 'engine']);
});

test('the configuration without native code is one that the program takes', () => {
  const config = loadConfig({ file: 'native-free-config/millrace.yaml', env: {}, cwd: process.cwd() });
  expect(config.http.server).toBe('node');
  expect(config.store.kind).toBe('pglite');
  expect(config.shards).toHaveLength(1);
  expect(config.durability.acceptLoss).not.toBe(false);
  expect(config.dataDir).toBe(`${process.cwd()}/native-free-config/.millrace`);
});

function hasCompose(): boolean {
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
