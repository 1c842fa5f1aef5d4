/** A place in a shard's chain, written down outside of its database: history before it cannot be rewritten unseen. */
import type { Position } from '../../ledger/record.js';
import { SealCheck } from '../../store/seal/check.js';
import { genesisOf } from '../../store/seal/seal.js';
import { batchAt, readSealed } from '../../store/seal/stored.js';
import type { Sql } from '../../store/sql.js';
import { sealedShard } from './seals.js';

/** Where a batch ends, and its digest. */
export interface ChainPoint {
  readonly shard: string;
  readonly log: number;
  readonly position: Position;
  /** 64 hexadecimal digits. */
  readonly digest: string;
}

/** What came of a comparison; `message` says what is wrong, for a person. */
export interface ComparedPoint {
  readonly shard: string;
  readonly position: Position;
  readonly ok: boolean;
  readonly message: string;
}

/** The end of the log; the genesis at position 0 where it is empty. */
export async function chainEnd(sql: Sql): Promise<ChainPoint> {
  const { logId: log, name: shard } = await sealedShard(sql);
  const [row] = await sql.query('SELECT last, digest FROM batch ORDER BY prev DESC LIMIT 1');
  if (row === undefined) return { shard, log, position: 0, digest: genesisOf(log).toString('hex') };
  return { shard, log, position: Number(row.last), digest: Buffer.from(row.digest as Uint8Array).toString('hex') };
}

/** Computes the chain from its beginning up to the point: digests that are only stored prove nothing. */
export async function comparePoint(sql: Sql, point: ChainPoint): Promise<ComparedPoint> {
  const { shard, position } = point;
  const said = (ok: boolean, message: string): ComparedPoint => ({ shard, position, ok, message });
  const { logId, hashKey } = await sealedShard(sql);
  if (logId !== point.log) return said(false, `the database has log ${logId}, the checkpoint is of log ${point.log}`);
  if (position > 0 && (await batchAt(sql, position))?.last !== position) {
    return said(false, `no batch ends at position ${position}: history was cut off or rewritten`);
  }
  const seals = new SealCheck(hashKey, genesisOf(logId), 0);
  for await (const slice of readSealed(sql, 0, position)) {
    const fault = seals.check(slice);
    if (fault !== null) return said(false, `position ${fault.position}: ${fault.message}`);
  }
  if (seals.digest.toString('hex') === point.digest) return said(true, 'history up to here is the one that was signed');
  return said(false, `history up to position ${position} was rewritten: it gives another digest than the one signed`);
}
