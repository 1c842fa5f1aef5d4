/** Ties the control log to the running engine: every change of keys and merchants goes to the threads at once. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SlotMap } from '../../engine/slot.js';
import type { ApiKeyEntry, ShardSpec } from '../../engine/supervisor/messages.js';
import type { Supervisor } from '../../engine/supervisor/supervisor.js';
import { hashApiKey, parseApiKey } from '../../platform/api-key.js';
import type { Config } from '../../platform/config/config.js';
import type { Log } from '../../platform/log.js';
import type { ControlChange } from '../../store/control/control.js';
import { Control as ControlFollower } from '../../store/control/control.js';
import type { CreatedKey, CreateKey } from '../../store/control/log.js';
import type { ControlKey } from '../../store/control/state.js';
import { createPortSql } from '../../store/port-sql.js';
import { createPgSql } from '../../store/postgres/sql.js';
import type { Sql } from '../../store/sql.js';
import { checkBooks } from '../own-books.js';

export interface FirstKey {
  readonly token: string;
  readonly merchant: string;
  readonly environment: 'test' | 'live';
}

export interface Control {
  createKey(request: CreateKey): Promise<CreatedKey>;
  revokeKey(id: string): Promise<ControlKey>;
  keys(): readonly ControlKey[];
  /** The key that a default run prints at every start; null where the operator brings the databases. */
  firstKey(): Promise<FirstKey | null>;
  close(): Promise<void>;
}

interface Options {
  readonly config: Config;
  readonly supervisor: Supervisor;
  readonly shards: readonly ShardSpec[];
  readonly log: Log;
}

const FIRST_MERCHANT = 'demo';

export async function openControl({ config, supervisor, shards, log }: Options): Promise<Control> {
  const follower = await ControlFollower.start({
    connect: () => connect(config, supervisor, shards),
    copyFile: join(config.dataDir, 'keys.jsonl'),
    pollMs: config.control.pollMs,
    staleMaxMs: config.auth.staleMaxMs,
    log,
    accept: (state) => withShards(supervisor, shards, (databases) => checkBooks(state, databases, log)),
  });
  const slots = SlotMap.of(shards);
  const publish = ({ whole, merchants, keys }: ControlChange): void => {
    for (const { merchant, testBook, liveBook } of merchants) {
      supervisor.addMerchant({ book: testBook, merchant, environment: 'test' });
      supervisor.addMerchant({ book: liveBook, merchant, environment: 'live' });
    }
    supervisor.setKeys({ whole, keys: keys.map((key) => entryOf(key, slots)), stale: follower.stale });
  };
  publish(follower.everything);
  follower.onChange(publish);
  return {
    createKey: (request) => follower.createKey(request),
    revokeKey: (id) => follower.revokeKey(id),
    keys: () => follower.keys,
    firstKey: () => (config.store.kind === 'postgres' ? Promise.resolve(null) : firstKey(config.dataDir, follower)),
    close: () => follower.close(),
  };
}

async function withShards(
  supervisor: Supervisor,
  shards: readonly ShardSpec[],
  use: (databases: readonly { readonly name: string; readonly sql: Sql }[]) => Promise<void>,
): Promise<void> {
  const databases = shards.map((spec) => ({
    name: spec.name,
    sql: databaseOf(supervisor, spec, { connectTimeoutMs: 1_000 }),
  }));
  try {
    await use(databases);
  } finally {
    await Promise.all(databases.map(({ sql }) => sql.close().catch(() => undefined)));
  }
}

async function connect(config: Config, supervisor: Supervisor, shards: readonly ShardSpec[]): Promise<Sql> {
  if (config.control.url !== null) return controlSql(config.control.url);
  const [first] = shards;
  if (first === undefined) throw new Error('an engine has a shard at least');
  return databaseOf(supervisor, first);
}

const databaseOf = (
  supervisor: Supervisor,
  { shard, place }: ShardSpec,
  options: { readonly connectTimeoutMs?: number } = {},
): Sql => (place.kind === 'postgres' ? controlSql(place.url, options) : createPortSql(supervisor.sqlPort(shard)));

const controlSql = (url: string, options: { readonly connectTimeoutMs?: number } = {}): Sql =>
  createPgSql({ url, connectionsMax: 1, applicationName: 'millrace-control', ...options });

function entryOf({ id, hash, merchant, environment, book, scopes, revoked }: ControlKey, slots: SlotMap): ApiKeyEntry {
  return { id, hash, merchant, environment, book, shard: slots.shardOf(merchant), scopes, revoked };
}

/** The key in `.millrace/dev-key`, made where there is none that works. */
async function firstKey(dataDir: string, follower: ControlFollower): Promise<FirstKey> {
  const file = join(dataDir, 'dev-key');
  const kept = readKept(file);
  const known = kept === null ? undefined : follower.keys.find(({ hash }) => hash === hashApiKey(kept));
  if (kept !== null && known !== undefined && !known.revoked) {
    return { token: kept, merchant: known.merchant, environment: known.environment };
  }
  const { token } = await follower.createKey({ merchant: FIRST_MERCHANT, environment: 'test', scopes: [] });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return { token, merchant: FIRST_MERCHANT, environment: 'test' };
}

function readKept(file: string): string | null {
  try {
    const token = readFileSync(file, 'utf8').trim();
    return parseApiKey(token) === null ? null : token;
  } catch {
    return null;
  }
}
