/** What a shard's database is: one row, written when the database is new and compared at every later start. */
import { randomBytes, randomInt } from 'node:crypto';
import type { SlotRange } from '../platform/config/shards.js';
import type { Restore } from '../platform/ids/id-codec.js';
import { ShardMismatchError } from './errors.js';
import type { Session } from './session.js';

export interface ShardSettings {
  /** As the configuration calls it. */
  readonly name: string;
  readonly slots: readonly SlotRange[];
  /** For a new database. */
  readonly partitionRecords?: number;
  /** For a new database; 1 to 2^31−1. */
  readonly logId?: number;
}

export interface ShardRow {
  readonly logId: number;
  readonly incarnation: number;
  readonly restores: readonly Restore[];
  readonly hashKey: Uint8Array;
  readonly partitionRecords: number;
}

const PARTITION_RECORDS = 1 << 22;
const LOG_ID_MAX = 2 ** 31 - 1;
/** Before the first owner. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * Reads the row, making it (and the fence) in a new database.
 * @throws ShardMismatchError where the database is another shard's, or holds other slots
 */
export async function openShardRow(session: Session, settings: ShardSettings): Promise<ShardRow> {
  const slots = multirange(settings.slots);
  await session.transaction(async (tx) => {
    const logId = settings.logId ?? randomInt(1, LOG_ID_MAX);
    const made = await tx.query(
      `INSERT INTO shard (log_id, name, slots, hash_key, partition_records)
       VALUES ($1, $2, $3::int4multirange, $4, $5) ON CONFLICT DO NOTHING RETURNING log_id`,
      [logId, settings.name, slots, randomBytes(16), settings.partitionRecords ?? PARTITION_RECORDS],
    );
    if (made.length === 1)
      await tx.query('INSERT INTO fence (log_id, epoch, owner) VALUES ($1, 0, $2)', [logId, NOBODY]);
  });
  const [row] = await session.query(
    `SELECT log_id, incarnation, hash_key, partition_records, name, slots::text AS slots,
            slots = $1::int4multirange AS same_slots,
            ${RESTORES} AS restores
       FROM shard`,
    [slots],
  );
  if (row === undefined) throw new ShardMismatchError('the database has no row in the table shard: it is damaged');
  if (row.name !== settings.name) {
    throw new ShardMismatchError(
      `the database is that of shard "${String(row.name)}" and the configuration gives it to "${settings.name}"; name the right database`,
    );
  }
  if (row.same_slots !== true) {
    throw new ShardMismatchError(
      `shard "${settings.name}" holds the slots ${inWords(String(row.slots))} and the configuration says ${inWords(slots)}; set slots back, or merchants lose their ledger`,
    );
  }
  if (settings.logId !== undefined && Number(row.log_id) !== settings.logId) {
    throw new ShardMismatchError(`shard "${settings.name}" has log ${Number(row.log_id)}, not ${settings.logId}`);
  }
  return {
    logId: Number(row.log_id),
    incarnation: Number(row.incarnation),
    restores: readRestores(row.restores),
    hashKey: row.hash_key as Uint8Array,
    partitionRecords: Number(row.partition_records),
  };
}

/** For {@link readRestores}. */
export const RESTORES = `(
  SELECT json_agg(json_build_object('incarnation', r.incarnation, 'after', r.after_position) ORDER BY r.incarnation)
    FROM restore r)::text`;

/** @param text of {@link RESTORES}; null for none */
export const readRestores = (text: unknown): readonly Restore[] =>
  typeof text === 'string' ? (JSON.parse(text) as readonly Restore[]) : [];

/** Postgres keeps the upper end outside. */
const multirange = (slots: readonly SlotRange[]): string =>
  `{${slots.map(([first, last]) => `[${first},${last + 1})`).join(',')}}`;

/** "{[0,100),[200,300)}" as "0-99,200-299" */
const inWords = (ranges: string): string =>
  [...ranges.matchAll(/\[(\d+),(\d+)\)/g)].map(([, first, end]) => `${first}-${Number(end) - 1}`).join(',');
