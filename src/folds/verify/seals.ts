/** Walks the whole chain of digests, and names the first row that was altered, removed, added or moved. */
import type { Position } from '../../ledger/record.js';
import { SealCheck } from '../../store/seal/check.js';
import { genesisOf } from '../../store/seal/seal.js';
import { readSealed } from '../../store/seal/stored.js';
import type { Sql } from '../../store/sql.js';
import type { CheckResult } from './verify.js';

/** What a chain of digests is made with, from the shard's own row. */
export interface SealedShard {
  readonly logId: number;
  readonly name: string;
  readonly hashKey: Uint8Array;
}

export async function sealedShard(sql: Sql): Promise<SealedShard> {
  const [row] = await sql.query('SELECT log_id, name, hash_key FROM shard');
  if (row === undefined) throw new Error('the database has no row in the table shard: it is damaged');
  return { logId: Number(row.log_id), name: String(row.name), hashKey: row.hash_key as Uint8Array };
}

export async function checkSeals(sql: Sql, upTo: Position): Promise<CheckResult> {
  const { logId, hashKey } = await sealedShard(sql);
  const seals = new SealCheck(hashKey, genesisOf(logId), 0);
  const result = { check: 'seals', title: 'every batch of records gives its digest, chained to the one before it' };
  for await (const slice of readSealed(sql, 0, upTo)) {
    const fault = seals.check(slice);
    if (fault === null) continue;
    const { position, book, message } = fault;
    return { ...result, rows: position, ok: false, firstLie: { position, book, account: null, message } };
  }
  return { ...result, rows: upTo, ok: true };
}
