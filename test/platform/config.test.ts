import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig, printConfig, redactUrl } from '../../src/platform/config/config.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const load = (yaml: string | null, env: Record<string, string> = {}) => {
  if (yaml !== null) writeFileSync(join(folder, 'millrace.yaml'), yaml);
  return loadConfig({ env, cwd: folder });
};
const mistakeOf = (yaml: string | null, env: Record<string, string> = {}): string => {
  try {
    load(yaml, env);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the configuration was taken');
};

describe('configuration', () => {
  test('without a file or a variable every key has its default', () => {
    const config = load(null);
    expect(config.http).toEqual({
      host: '127.0.0.1',
      port: 8080,
      server: 'uws',
      threads: 'auto',
      connections_max: 16384,
    });
    expect(config.dataDir).toBe(join(folder, '.millrace'));
    expect(config.shards.map((shard) => [shard.name, shard.slots, shard.ranges])).toEqual([
      ['shard-0', '0-8191', [[0, 8191]]],
      ['shard-1', '8192-16383', [[8192, 16383]]],
    ]);
    expect(config.keys.windowMicros).toBe(7 * 86_400e6);
    expect(config.limits.backdatingMaxMicros).toBeNull();
    expect(config.auth.staleMaxMs).toBe(900_000);
    expect(config.durability).toEqual({ synchronousCommit: 'on', acceptLoss: false, commitDeadlineMs: 10_000 });
  });

  test('the file stands over the defaults, and the environment over the file', () => {
    const config = load('http: { port: 9000, host: 0.0.0.0 }', {
      MILLRACE_HTTP__PORT: '9001',
      MILLRACE_KEYS__WINDOW: '30d',
    });
    expect(config.http.host).toBe('0.0.0.0');
    expect(config.http.port).toBe(9001);
    expect(config.keys.windowMicros).toBe(30 * 86_400e6);
  });

  test('the environment reaches into lists', () => {
    const yaml = 'store: {kind: postgres}\nshards: [{name: a, url: "postgres://x/y", slots: "0-16383"}]';
    expect(load(yaml, { MILLRACE_SHARDS__0__URL: 'postgres://z/y' }).shards[0]?.url).toBe('postgres://z/y');
  });

  test('it cannot be changed after it was read', () => {
    expect(Object.isFrozen(load(null).shards[0]?.ranges)).toBe(true);
  });

  test.each([
    ['http: { prot: 1 }', 'millrace.yaml: http.prot: there is no such key; did you mean "port"?'],
    ['htttp: { port: 1 }', 'millrace.yaml: htttp: there is no such key; did you mean "http"?'],
    ['http: { port: 70000 }', 'millrace.yaml: http.port: is 70000, must be an integer from 0 to 65535'],
    ['http: { port: "80" }', 'millrace.yaml: http.port: is "80", must be an integer from 0 to 65535'],
    ['http: { server: uwss }', 'millrace.yaml: http.server: is "uwss", must be one of uws, node'],
    ['http: 5', 'millrace.yaml: http: is 5, must be a group of keys'],
    [
      'keys: { window: 7 days }',
      'millrace.yaml: keys.window: is "7 days", must be a duration such as "500ms", "15m" or "7d"',
    ],
    ['workers: { threads: 0 }', 'millrace.yaml: workers.threads: is 0, must be "auto" or an integer from 1 to 64'],
    [
      'store: {kind: postgres}\nshards: [{name: a, slots: "0-16383"}]',
      'shards[0].url: is missing; must be a URL such as postgres://user@host:5432/database',
    ],
    ['shards: [{name: a, slots: "0-100"}]', 'shards: no shard has the slots 101-16383; must have all of 0-16383'],
    [
      'shards: [{name: a, slots: "0-9000"}, {name: b, slots: "9000-16383"}]',
      'shards: a and b both have slot 9000; must have each slot once',
    ],
    ['ring: { bytes: 100000 }', 'ring.bytes: is 100000, must be a power of two, such as 4194304'],
  ])('a mistake is one line that says what would be right: %s', (yaml, line) => {
    expect(mistakeOf(yaml)).toBe(line);
  });

  test('a mistake in a variable names the variable or the key', () => {
    expect(mistakeOf(null, { MILLRACE_HTPP__PORT: '1' })).toBe(
      'MILLRACE_HTPP__PORT: there is no key htpp; did you mean "http"?',
    );
    expect(mistakeOf(null, { MILLRACE_HTTP__PORT: 'x' })).toBe(
      'MILLRACE_HTTP__PORT: http.port: is "x", must be an integer from 0 to 65535',
    );
  });

  test('a file that is no YAML is said in one line, and a named file must exist', () => {
    expect(mistakeOf('http: [')).toMatch(/^millrace\.yaml: [^\n]+$/);
    expect(() => loadConfig({ file: 'no.yaml', env: {}, cwd: folder })).toThrow('no.yaml: there is no such file');
  });

  test('losing answered transactions must be accepted by name', () => {
    expect(mistakeOf('durability: { synchronous_commit: off }')).toContain('accept_loss must name that loss');
    const accepted = 'durability: { synchronous_commit: "off", accept_loss: the last second after a crash }';
    expect(load(accepted).durability.synchronousCommit).toBe('off');
  });

  test('what is printed can be read again, and has no secret in it', () => {
    const yaml =
      'store: {kind: postgres}\nshards: [{name: a, url: "postgres://u:s3cr:e@t@h/d?password=s3cret&x=1", slots: "0-16383"}]';
    const printed = printConfig(load(yaml));
    expect(printed).not.toContain('s3c');
    expect(printed).toContain('postgres://u:***@h/d?password=***&x=1');
    expect(load(printed).http.port).toBe(8080);
    expect(redactUrl('postgres://u@h/d')).toBe('postgres://u@h/d');
  });
});
