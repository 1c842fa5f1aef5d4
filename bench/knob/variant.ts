/** Settings as the command line names them, for one engine beside the one with the defaults. */

import { configOf } from '../../src/platform/config/config.js';
import { applyEnvironment } from '../../src/platform/config/environment.js';
import { defaultSettings } from '../../src/store/embedded/settings.js';
import type { ServerSettings } from '../server-settings.js';

export interface Variant {
  /** As it was given, such as `batch.records_max=800,postgres.wal_compression=lz4`. */
  readonly name: string;
  /** Of the engine. */
  readonly environment: Readonly<Record<string, string>>;
  readonly server: ServerSettings;
}

const SERVER_PREFIX = 'postgres.';
/** Settings that say where the engine is: the bench starts each in a folder and at a port of its own. */
const PLACES = /^(data_dir|http\.port|store|shards|control)(\.|$)/;
/** Given with each start, which is stronger than ALTER SYSTEM. */
const ON_COMMAND_LINE = new Set([...Object.keys(defaultSettings(1)), 'unix_socket_directories']);
/** The engine's sessions set these for themselves, which is stronger than the server's setting. */
const OF_SESSIONS = new Set([
  'application_name',
  'bytea_output',
  'client_encoding',
  'datestyle',
  'default_transaction_isolation',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'lock_timeout',
  'plan_cache_mode',
  'search_path',
  'statement_timeout',
  'tcp_keepalives_count',
  'tcp_keepalives_idle',
  'tcp_keepalives_interval',
]);
const LOSS = 'the ledger of a bench is thrown away';

/**
 * @param text settings by their dotted names, with commas between them
 * @throws Error that names the setting and what is wrong with it
 */
export function variantOf(text: string): Variant {
  const environment: Record<string, string> = {};
  const server: Record<string, string> = {};
  for (const one of text.split(',')) {
    const [, name = '', value = ''] = /^([a-z0-9_.]+)=(.*)$/.exec(one) ?? [];
    if (name === '') throw new Error(`knob takes NAME=VALUE[,NAME=VALUE]…; it has "${one}"`);
    if (name.startsWith(SERVER_PREFIX)) {
      const setting = name.slice(SERVER_PREFIX.length);
      refuseServerSetting(setting);
      server[setting] = value;
    } else {
      if (PLACES.test(name)) throw new Error(`${name}: is the bench's own, which starts fresh engines side by side`);
      environment[variableOf(name)] = value;
    }
  }
  // Said for the user: who tries a setting here has nothing to lose by it.
  if (variableOf('durability.synchronous_commit') in environment) {
    environment[variableOf('durability.accept_loss')] ??= LOSS;
  }
  // What the engine would refuse at its start is refused before any is started.
  configOf(applyEnvironment({}, environment), '/');
  return { name: text, environment, server };
}

const variableOf = (name: string): string => `MILLRACE_${name.toUpperCase().replaceAll('.', '__')}`;

function refuseServerSetting(name: string): void {
  if (ON_COMMAND_LINE.has(name)) {
    throw new Error(
      `postgres.${name}: the engine gives it on the servers' command line, which ALTER SYSTEM cannot change`,
    );
  }
  if (OF_SESSIONS.has(name)) {
    throw new Error(
      `postgres.${name}: the engine's sessions set it for themselves, so the server's would not be theirs`,
    );
  }
}
