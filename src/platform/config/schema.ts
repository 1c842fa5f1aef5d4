/**
 * The configuration file: one schema, from which its TypeScript type, its validation, its defaults and
 * config/millrace.schema.json are made. `expected` completes the sentence "must be …".
 */

import type { Static, TObject, TProperties } from 'typebox';
import Type from 'typebox';

/** An object without unknown keys, whose defaults come from its members. */
const section = <P extends TProperties>(description: string, members: P): TObject<P> =>
  Type.Object(members, { additionalProperties: false, default: {}, description });

const integer = (minimum: number, maximum: number, value: number, description: string) =>
  Type.Integer({ minimum, maximum, default: value, description });

const duration = (value: string, description: string) =>
  Type.String({
    pattern: '^[0-9]+(us|ms|s|m|h|d)$',
    default: value,
    description,
    expected: 'a duration such as "500ms", "15m" or "7d"',
  });

const words = <W extends string[]>(values: readonly [...W], value: W[number], description: string) =>
  Type.Enum(values, { default: value, description });

const autoOr = (maximum: number, description: string) =>
  Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 1, maximum })], {
    default: 'auto',
    description,
    expected: `"auto" or an integer from 1 to ${maximum}`,
  });

const name = (description: string) =>
  Type.String({
    pattern: '^[a-z0-9][a-z0-9-]{0,31}$',
    description,
    expected: 'a name of 1 to 32 lower-case letters, digits and hyphens',
  });

const postgresUrl = (description: string) =>
  Type.String({
    pattern: '^postgres(ql)?://',
    description,
    expected: 'a URL such as postgres://user@host:5432/database',
  });

const Shard = Type.Object(
  {
    name: name('Name of the shard, kept for ever.'),
    url: Type.Optional(postgresUrl('Where its database is. For store.kind postgres only.')),
    slots: Type.String({
      pattern: '^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$',
      description: 'The slots it holds: ranges of 0 to 16383, such as "0-8191" or "0-99,200-299".',
      expected: 'ranges of slots such as "0-8191"',
    }),
  },
  { additionalProperties: false },
);

const CustomCurrency = Type.Object(
  {
    code: Type.String({
      pattern: '^[A-Z0-9_]{3,12}$',
      description: 'Its code.',
      expected: '3 to 12 of A-Z, 0-9 and _',
    }),
    exponent: Type.Integer({ minimum: 0, maximum: 18, description: 'Decimal places of its minor unit.' }),
  },
  { additionalProperties: false },
);

export const ConfigSchema = Type.Object(
  {
    http: section('The door for merchants.', {
      host: Type.String({ minLength: 1, default: '127.0.0.1', description: 'Address to listen on.' }),
      port: integer(0, 65535, 8080, 'Port to listen on; 0 for any free one.'),
      server: words(['uws', 'node'], 'uws', 'uws: uWebSockets.js (native). node: node:http, one thread.'),
      threads: autoOr(64, 'Front threads.'),
      connections_max: integer(1, 1048576, 16384, 'Connections of one front at a time; one more is closed at once.'),
    }),
    data_dir: Type.String({
      minLength: 1,
      default: './.millrace',
      description: "Folder for what this engine keeps on this machine; relative to the configuration file's folder.",
    }),
    store: section('Where the shards are.', {
      kind: words(
        ['embedded', 'postgres', 'pglite'],
        'embedded',
        'embedded: servers that Millrace runs itself. postgres: servers of yours. pglite: no native code, no fsync.',
      ),
    }),
    shards: Type.Array(Shard, {
      default: [],
      maxItems: 256,
      description: 'The shards; all 16384 slots, each once. Empty: two for embedded, one for pglite.',
    }),
    control: section('The log of merchants and API keys.', {
      url: Type.Optional(postgresUrl("Its database. Default: the first shard's.")),
      poll: duration('500ms', 'How often changes made by other engines are looked for.'),
    }),
    workers: section('The threads that own the shards.', { threads: autoOr(64, 'Worker threads.') }),
    ring: section('The rings between fronts and workers.', {
      bytes: integer(
        65536,
        1073741824,
        4194304,
        'Bytes of one ring; one each way for each front and worker. A power of two.',
      ),
    }),
    batch: section('Bounds of one commit.', {
      records_max: integer(1, 65536, 8192, 'Records in one commit.'),
      bytes_max: integer(65536, 268435456, 8388608, 'Bytes in one commit.'),
    }),
    folds: section('Balances and look-ups in SQL.', {
      lag_records_max: integer(
        10000,
        1000000000,
        2000000,
        'Records that the folds of a shard may be behind, which a start has to read; from half of it on commits slow down.',
      ),
    }),
    in_flight_max: integer(1, 1048576, 32768, 'Requests of one front that may wait for their answer.'),
    admission: section('What is let in before it is refused.', {
      queue: duration('250ms', 'How much work may wait for a shard, as the time that the shard needs for it.'),
      share: duration(
        '5ms',
        'From this wait on, a merchant that holds more than its share of the queue is refused, if others are at work.',
      ),
    }),
    durability: section('What an answer promises.', {
      synchronous_commit: words(
        ['on', 'remote_apply', 'remote_write', 'local', 'off'],
        'on',
        'As Postgres understands it.',
      ),
      accept_loss: Type.Union([Type.Literal(false), Type.String({ minLength: 1 })], {
        default: false,
        description: 'Names, in your own words, the loss that you accept where an answer is less than durable.',
        expected: 'false, or a text that names the loss that you accept',
      }),
      commit_deadline: duration('10s', 'How long a COMMIT may take before its shard resolves it by the fence.'),
    }),
    keys: section('The memory of idempotency keys.', {
      window: duration('7d', 'How long a key is remembered.'),
      keys_max: integer(1000, 4294967295, 100000000, 'Keys that one shard remembers.'),
      guaranteed: integer(0, 4294967295, 10000, "Keys of these that are each merchant's own."),
    }),
    limits: section('Bounds of the ledger, by shard.', {
      accounts_max: integer(1, 2147483647, 5000000, 'Accounts of one shard.'),
      open_holds_max: integer(1, 2147483647, 1000000, 'Pending transactions of one shard.'),
      hold_default: duration('7d', 'How long a hold lives that does not say (1 s to 365 d).'),
      backdating_max: Type.Union([Type.Null(), Type.String({ pattern: '^[0-9]+(us|ms|s|m|h|d)$' })], {
        default: null,
        description: 'How far back effective_at may lie; null: any time.',
        expected: 'null, or a duration such as "365d"',
      }),
    }),
    currencies: section('Currencies beside ISO 4217.', {
      custom: Type.Array(CustomCurrency, { default: [], maxItems: 1000, description: "The operator's own." }),
    }),
    auth: section('API keys.', {
      stale_max: duration('15m', 'How long known keys work while the control database is away.'),
    }),
    backup: section('Going back to a chosen second. For embedded servers.', {
      archive: Type.Optional(
        Type.String({
          minLength: 1,
          description:
            "Folder for backups and for all that the servers write after them; outside data_dir, relative to the configuration file's folder. Missing: nothing is archived.",
        }),
      ),
      interval: duration(
        '10s',
        'How much of the newest work the archive may lack: what was written is archived this often.',
      ),
    }),
    log: section('Logging.', {
      level: words(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], 'info', 'The least level that is written.'),
      format: words(['auto', 'json', 'text'], 'auto', 'auto: text at a terminal, JSON otherwise.'),
    }),
  },
  {
    additionalProperties: false,
    title: 'Millrace',
    description: 'Configuration of the Millrace engine.',
  },
);

/** The file's content, all defaults filled in. */
export type ConfigFile = Static<typeof ConfigSchema>;
