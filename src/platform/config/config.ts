/**
 * The configuration as the program reads it: checked, complete, in units that the names say, frozen.
 *
 * One YAML file (`--config FILE`, `MILLRACE_CONFIG`, or ./millrace.yaml where there is one) and environment variables
 * over it: `MILLRACE_HTTP__PORT=9000` sets http.port, two underscores nest, the value is read as YAML. Numbers in the
 * place of a key reach into a list: `MILLRACE_SHARDS__0__URL`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Value } from 'typebox/value';
import { stringify } from 'yaml';
import { ConfigError, messageOf } from '../errors.js';
import { durationMicros } from './duration.js';
import { applyEnvironment, variableFor } from './environment.js';
import { firstMistake } from './mistake.js';
import type { ConfigFile } from './schema.js';
import { ConfigSchema } from './schema.js';
import { resolveShards } from './shards.js';
import { contentOf } from './yaml.js';

export interface LoadOptions {
  /** `--config`; a file that must exist. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export type Config = ReturnType<typeof resolveConfig>;

/** @throws ConfigError with one line: which key, what is wrong, what would be right */
export function loadConfig(options: LoadOptions): Config {
  const given = options.file ?? options.env.MILLRACE_CONFIG;
  const file = resolve(options.cwd, given ?? 'millrace.yaml');
  const exists = existsSync(file);
  if (given !== undefined && !exists) throw new ConfigError(`${given}: there is no such file`);
  const shownName = given ?? 'millrace.yaml';
  const document: unknown = exists ? readYaml(file, shownName) : {};
  const inFile = firstMistake(ConfigSchema, document);
  if (inFile !== null) throw new ConfigError(`${shownName}: ${inFile}`);
  const merged = applyEnvironment(document, options.env);
  const mistake = firstMistake(ConfigSchema, merged);
  if (mistake !== null) {
    const variable = variableFor(mistake.split(':', 1)[0] ?? '', options.env);
    throw new ConfigError(`${variable ?? 'environment'}: ${mistake}`);
  }
  const complete = Value.Default(ConfigSchema, merged) as ConfigFile;
  return resolveConfig(complete, exists ? dirname(file) : options.cwd, exists ? file : null);
}

/** Checks one configuration given as an object; paths are relative to `folder`. */
export function configOf(content: unknown, folder: string): Config {
  const mistake = firstMistake(ConfigSchema, content);
  if (mistake !== null) throw new ConfigError(mistake);
  return resolveConfig(Value.Default(ConfigSchema, structuredClone(content)) as ConfigFile, folder, null);
}

function readYaml(file: string, shownName: string): unknown {
  try {
    // A file of comments only is an empty document.
    return contentOf(readFileSync(file, 'utf8')) ?? {};
  } catch (error) {
    throw new ConfigError(`${shownName}: ${messageOf(error).split('\n')[0]?.replace(/:$/, '') ?? 'cannot be read'}`);
  }
}

function resolveConfig(content: ConfigFile, folder: string, file: string | null) {
  checkTogether(content);
  const dataDir = resolve(folder, content.data_dir);
  return deepFreeze({
    /** Where it was read from; null for defaults alone. */
    file,
    /** The content in the file's own words, all defaults filled in. */
    content,
    http: content.http,
    dataDir,
    store: content.store,
    shards: resolveShards(content),
    control: { url: content.control.url ?? null, pollMs: durationMicros(content.control.poll) / 1000 },
    workers: content.workers,
    ring: { bytes: content.ring.bytes },
    batch: { recordsMax: content.batch.records_max, bytesMax: content.batch.bytes_max },
    folds: { lagRecordsMax: content.folds.lag_records_max },
    inFlightMax: content.in_flight_max,
    admission: {
      queueMs: durationMicros(content.admission.queue) / 1000,
      shareMs: durationMicros(content.admission.share) / 1000,
    },
    durability: {
      synchronousCommit: content.durability.synchronous_commit,
      acceptLoss: content.durability.accept_loss,
      commitDeadlineMs: durationMicros(content.durability.commit_deadline) / 1000,
    },
    keys: {
      windowMicros: durationMicros(content.keys.window),
      keysMax: content.keys.keys_max,
      guaranteed: content.keys.guaranteed,
    },
    limits: {
      accountsMax: content.limits.accounts_max,
      openHoldsMax: content.limits.open_holds_max,
      holdDefaultMicros: durationMicros(content.limits.hold_default),
      /** null: unbounded. */
      backdatingMaxMicros:
        content.limits.backdating_max === null ? null : durationMicros(content.limits.backdating_max),
    },
    currencies: content.currencies,
    auth: { staleMaxMs: durationMicros(content.auth.stale_max) / 1000 },
    backup: resolveBackup(content, dataDir, folder),
    log: content.log,
  });
}

function resolveBackup({ backup, store }: ConfigFile, dataDir: string, folder: string) {
  const intervalMs = durationMicros(backup.interval) / 1000;
  if (intervalMs < 1000 || intervalMs > 86_400_000) {
    throw new ConfigError(`backup.interval: is "${backup.interval}", must be from "1s" to "1d"`);
  }
  if (backup.archive === undefined) return { archive: null, intervalMs };
  const archive = resolve(folder, backup.archive);
  if (store.kind !== 'embedded') {
    throw new ConfigError(
      `backup.archive: is set, and store.kind is "${store.kind}"; must be left out, and your servers archived by their own means`,
    );
  }
  if (`${archive}/`.startsWith(`${dataDir}/`)) {
    throw new ConfigError(
      `backup.archive: is in data_dir, must lie outside it, since it is there for the loss of data_dir`,
    );
  }
  return { archive, intervalMs };
}

/** What no single key shows. */
function checkTogether(content: ConfigFile): void {
  const { ring, durability, limits, keys, http, currencies } = content;
  if ((ring.bytes & (ring.bytes - 1)) !== 0) {
    throw new ConfigError(`ring.bytes: is ${ring.bytes}, must be a power of two, such as 4194304`);
  }
  if (durability.synchronous_commit === 'off' && durability.accept_loss === false) {
    throw new ConfigError(
      'durability.synchronous_commit: is "off", so answered transactions can be lost; must be "on", or durability.accept_loss must name that loss',
    );
  }
  const hold = durationMicros(limits.hold_default);
  if (hold < 1_000_000 || hold > 365 * 86_400_000_000) {
    throw new ConfigError(`limits.hold_default: is "${limits.hold_default}", must be from "1s" to "365d"`);
  }
  if (keys.guaranteed > keys.keys_max) {
    throw new ConfigError(`keys.guaranteed: is ${keys.guaranteed}, must be at most keys.keys_max, ${keys.keys_max}`);
  }
  if (http.server === 'node' && http.threads !== 'auto' && http.threads > 1) {
    throw new ConfigError(`http.threads: is ${http.threads}, must be 1 or "auto" where http.server is "node"`);
  }
  const codes = currencies.custom.map(({ code }) => code);
  const twice = codes.find((code, index) => codes.indexOf(code) !== index);
  if (twice !== undefined) throw new ConfigError(`currencies.custom: names ${twice} twice, must name each code once`);
}

/** The configuration as YAML, defaults included; every secret in it is left out. */
export function printConfig(config: Config): string {
  const redacted = structuredClone(config.content) as unknown as Record<string, unknown>;
  return stringify(redactUrls(redacted));
}

function redactUrls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactUrls);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, redactUrls(member)]));
  }
  return typeof value === 'string' && value.includes('://') ? redactUrl(value) : value;
}

/** A database URL without what gives access: the password, also where it stands as a parameter. */
export function redactUrl(url: string): string {
  return url
    .replace(/^([a-z]+:\/\/[^:/?#]*):.*@/, '$1:***@')
    .replace(/([?&](?:password|sslpassword|sslkey|passfile)=)[^&#]*/gi, '$1***');
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}
