/**
 * `millrace keys create | list | revoke`. Asks the engine that runs on the data folder, which acts at once; without one,
 * writes to the control log, which every engine follows.
 */
import type { Config } from '../platform/config/config.js';
import { AdminRequestError, ControlRequestError, EngineNotRunningError } from '../platform/errors.js';
import { callEngine } from '../platform/lock.js';
import type { Log } from '../platform/log.js';
import { formatMicros } from '../platform/time.js';
import { ControlLog } from '../store/control/log.js';
import type { ControlKey } from '../store/control/state.js';
import { openDatabases } from './databases.js';
import type { CommandIo } from './io.js';
import { textTable } from './io.js';
import { checkBooks } from './own-books.js';
import { ExitCode } from './serve/exit-codes.js';

export type KeysRequest =
  | {
      readonly action: 'create';
      readonly merchant: string;
      readonly environment: 'test' | 'live';
      readonly scopes: readonly 'force'[];
    }
  | { readonly action: 'list' }
  | { readonly action: 'revoke'; readonly id: string };

/** All of a key but its hash. */
type ShownKey = Omit<ControlKey, 'hash' | 'book'>;

/** @returns the exit code: 0 done, 1 refused (an unknown key, a bad merchant id) */
export async function keysCommand(request: KeysRequest, config: Config, io: CommandIo, log: Log): Promise<number> {
  try {
    return await withKeys(config, log, (keys) => answer(request, keys, io));
  } catch (error) {
    if (!(error instanceof AdminRequestError || error instanceof ControlRequestError)) throw error;
    io.stderr.write(`millrace keys: ${error.message}\n`);
    return ExitCode.failed;
  }
}

interface Keys {
  create(request: Extract<KeysRequest, { action: 'create' }>): Promise<ShownKey & { readonly token: string }>;
  list(): Promise<readonly ShownKey[]>;
  revoke(id: string): Promise<ShownKey>;
}

async function answer(request: KeysRequest, keys: Keys, io: CommandIo): Promise<number> {
  switch (request.action) {
    case 'create': {
      const { token, id, merchant, environment } = await keys.create(request);
      // The key alone on standard output, so that a script can take it.
      io.stderr.write(
        `Key ${id} of merchant ${merchant} (${environment}). It is shown this once and stored nowhere:\n`,
      );
      io.stdout.write(`${token}\n`);
      break;
    }
    case 'list': {
      const rows = (await keys.list()).map((key) => [
        key.id,
        key.merchant,
        key.environment,
        key.scopes.join(' '),
        formatMicros(key.createdAt).slice(0, 19).replace('T', ' '),
        key.revoked ? 'revoked' : 'in force',
      ]);
      io.stdout.write(textTable(['ID', 'MERCHANT', 'ENVIRONMENT', 'SCOPES', 'CREATED (UTC)', 'STATE'], rows));
      break;
    }
    case 'revoke': {
      const { id, merchant } = await keys.revoke(request.id);
      io.stdout.write(`Key ${id} of merchant ${merchant} is revoked.\n`);
      break;
    }
  }
  return ExitCode.ok;
}

async function withKeys<T>(config: Config, log: Log, use: (keys: Keys) => Promise<T>): Promise<T> {
  try {
    return await use(keysOfEngine(config.dataDir));
  } catch (error) {
    if (!(error instanceof EngineNotRunningError)) throw error;
  }
  const databases = await openDatabases(config, log);
  try {
    const control = await ControlLog.open(databases.control);
    return await use(keysOfLog(control, () => checkBooks(control.state, databases.shards, log)));
  } finally {
    await databases.close();
  }
}

function keysOfEngine(folder: string): Keys {
  const ask = async <T>(what: string, fields: object = {}): Promise<T> =>
    (await callEngine(folder, { do: what, ...fields })) as T;
  return {
    create: ({ merchant, environment, scopes }) => ask('keys.create', { merchant, environment, scopes }),
    list: () => ask('keys.list'),
    revoke: (id) => ask('keys.revoke', { id }),
  };
}

function keysOfLog(control: ControlLog, isOfTheShards: () => Promise<void>): Keys {
  return {
    create: async (request) => {
      // As an engine asks before it follows it: a book that has an owner would be somebody else's for good.
      await isOfTheShards();
      const { token, key } = await control.createKey(request);
      return { token, ...key };
    },
    list: () => Promise.resolve([...control.state.keys.values()]),
    revoke: (id) => control.revokeKey(id),
  };
}
