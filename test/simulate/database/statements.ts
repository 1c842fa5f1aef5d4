/** The statements that an engine puts to its database beside the commit, each by how it begins. */
import type { SqlRow, SqlValue } from '../../../src/store/sql.js';
import { planted } from '../planted.js';
import { HarnessError } from './errors.js';
import type { Server } from './server.js';

type Values = readonly SqlValue[];
type Statement = (server: Server, values: Values, text: string) => readonly SqlRow[];

const STATEMENTS: readonly (readonly [beginning: string, run: Statement])[] = [
  [
    'SELECT f.epoch, (SELECT b.position FROM fold',
    ({ fence, fold }) => [{ epoch: BigInt(fence.epoch), folded: BigInt(fold.position) }],
  ],
  ['SELECT epoch, owner FROM fence', ({ fence }) => [{ epoch: BigInt(fence.epoch), owner: fence.owner }]],
  [
    'SELECT last, hash, digest FROM batch',
    ({ log }) => (log.head === 0 ? [] : [{ last: BigInt(log.head), hash: log.headHash, digest: log.headDigest }]),
  ],
  ['SELECT pg_terminate_backend', terminate],
  ['UPDATE fence SET epoch = epoch + 1', raise],
  [
    'SELECT coalesce(max(end_position)',
    ({ partitions }) => [{ last: BigInt(Math.max(0, ...[...partitions.values()].map(({ end }) => end - 1))) }],
  ],
  ['UPDATE log_partition p SET closed', closePartitions],
  ['SELECT min(first_position)', firstNotIndexed],
  ['SELECT partition FROM key_filter', filters],
  [
    'SELECT bits, by_book FROM key_filter',
    (server, [partition]) => filters(server).filter((filter) => filter.partition === Number(partition)),
  ],
  [
    'SELECT buckets FROM key_filter',
    ({ keyFilters, trace }, [partition]) => {
      trace.mark('key looked up in closed partitions');
      const filter = keyFilters.get(Number(partition));
      return filter === undefined ? [] : [{ buckets: filter.buckets }];
    },
  ],
  [
    'SELECT entries FROM key_bucket',
    ({ keyBuckets }, [partition, bucket]) => {
      const entries = keyBuckets.get(`${partition}:${bucket}`);
      return entries === undefined ? [] : [{ entries: entries.slice() }];
    },
  ],
  [
    'SELECT recorded_at FROM log WHERE position',
    ({ log, trace }, [position]) => {
      trace.mark('key found in a closed partition');
      const row = log.row(Number(position));
      return row === undefined ? [] : [{ recorded_at: row.recordedAt }];
    },
  ],
  ['INSERT INTO key_bucket', insertBuckets],
  ['WITH filter AS', insertFilter],
  [
    'UPDATE log_partition SET keys_indexed',
    ({ partitions }, [upTo]) => {
      for (const row of partitions.values()) row.keysIndexed ||= row.end <= Number(upTo);
      return [];
    },
  ],
  [
    'DELETE FROM key_filter',
    ({ keyFilters }, [gone]) => {
      for (const partition of gone as readonly number[]) keyFilters.delete(partition);
      return [];
    },
  ],
  [
    'DELETE FROM key_bucket',
    ({ keyBuckets }, [gone]) => {
      const partitions = new Set((gone as readonly number[]).map(String));
      for (const key of [...keyBuckets.keys()]) {
        if (partitions.has(key.slice(0, key.indexOf(':')))) keyBuckets.delete(key);
      }
      return [];
    },
  ],
];

/** At one moment of the server. @throws HarnessError for what nobody has said yet */
export function runStatement(server: Server, text: string, values: Values): readonly SqlRow[] {
  const known = STATEMENTS.find(([beginning]) => text.startsWith(beginning));
  if (known === undefined) throw new HarnessError(`the simulated database does not know this statement: ${text}`);
  return known[1](server, values, text);
}

/** The whole of a partition's making is one transaction; what matters here is its row. */
export function makePartition(server: Server, text: string): void {
  const found =
    /INSERT INTO log_partition \(number, first_position, end_position\) VALUES \((\d+), (\d+), (\d+)\)/.exec(text);
  if (found === null) throw new HarnessError(`the simulated database does not know these statements: ${text}`);
  const [, number, first, end] = found;
  if (server.partitions.has(Number(number))) throw new Error(`relation "log_p${number}" already exists`);
  server.partitions.set(Number(number), {
    first: Number(first),
    end: Number(end),
    closed: false,
    keysIndexed: false,
  });
}

/** Whether a statement wants the fence's row for itself. */
export const wantsFence = (text: string): boolean => text.startsWith('UPDATE fence');

function terminate(server: Server, [names, spared]: Values): readonly SqlRow[] {
  server.terminate(expression(String(names)), spared === undefined ? null : expression(String(spared)));
  return [];
}

const expressions = new Map<string, RegExp>();
/** Two hundred runs have fewer than this. */
const EXPRESSIONS_MAX = 4_096;

/** To compile one costs more than all that is done with it. */
function expression(text: string): RegExp {
  let known = expressions.get(text);
  if (known === undefined) {
    if (expressions.size >= EXPRESSIONS_MAX) expressions.clear();
    known = new RegExp(text);
    expressions.set(text, known);
  }
  return known;
}

function raise(server: Server, [, epoch, owner, newOwner]: Values, text: string): readonly SqlRow[] {
  const { fence } = server;
  const asksOwner = text.includes('AND owner = $3') && !planted('raise_without_owner');
  const asksEpoch = text.includes('AND epoch = $2') && !planted('raise_without_owner');
  if ((asksEpoch && fence.epoch !== Number(epoch)) || (asksOwner && fence.owner !== owner)) return [];
  fence.epoch++;
  if (fence.owner !== newOwner) server.trace.mark('fence taken from another owner');
  fence.owner = String(newOwner);
  const { loop, trace, owners } = server;
  const engine = owners.get(fence.owner) ?? -1;
  server.raises.push({ step: trace.nextStep(), at: loop.now, what: 'fence_raised', engine, note: fence.owner });
  trace.say(loop.now, `${server.name} fence ${fence.epoch} ${fence.owner}`);
  return [{ epoch: BigInt(fence.epoch) }];
}

function closePartitions({ partitions }: Server, [before]: Values): readonly SqlRow[] {
  for (const partition of partitions.values()) if (partition.end <= Number(before)) partition.closed = true;
  return [];
}

function firstNotIndexed({ partitions }: Server): readonly SqlRow[] {
  const open = [...partitions.values()].filter(({ keysIndexed }) => !keysIndexed).map(({ first }) => first);
  return [{ first: open.length === 0 ? null : BigInt(Math.min(...open)) }];
}

function filters({ keyFilters }: Server): readonly SqlRow[] {
  return [...keyFilters.values()]
    .sort((a, b) => a.partition - b.partition)
    .map(({ partition, bits, byBook, lastExpiresAt }) => ({
      partition,
      bits: bits.slice(),
      by_book: byBook,
      last_expires_at: lastExpiresAt,
    }));
}

function insertBuckets({ keyBuckets }: Server, values: Values): readonly SqlRow[] {
  const [partition, buckets, starts, lengths, bytes] = values as [number, number[], number[], number[], Uint8Array];
  buckets.forEach((bucket, index) => {
    const key = `${partition}:${bucket}`;
    const start = (starts[index] ?? 0) - 1;
    if (!keyBuckets.has(key)) keyBuckets.set(key, Buffer.from(bytes.slice(start, start + (lengths[index] ?? 0))));
  });
  return [];
}

function insertFilter(server: Server, values: Values): readonly SqlRow[] {
  const [partition, keys, buckets, bits, byBook, lastExpiresAt] = values;
  const number = Number(partition);
  if (!server.keyFilters.has(number)) {
    server.keyFilters.set(number, {
      partition: number,
      keys: Number(keys),
      buckets: Number(buckets),
      bits: Uint8Array.from(bits as Uint8Array),
      byBook: String(byBook),
      lastExpiresAt: Number(lastExpiresAt),
    });
  }
  const row = server.partitions.get(number);
  if (row !== undefined) row.keysIndexed = true;
  server.trace.mark('keys of a partition indexed');
  return [];
}
