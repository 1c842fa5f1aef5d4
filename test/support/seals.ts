/** What somebody does who can write to the database and knows how seals are made: seals what is there anew. */
import { sealedShard } from '../../src/folds/verify/seals.js';
import { rowsOfCopy } from '../../src/store/seal/rows.js';
import { BatchSealer, genesisOf } from '../../src/store/seal/seal.js';
import { batchAt, readSealed } from '../../src/store/seal/stored.js';
import type { Sql } from '../../src/store/sql.js';

/** Digests and marks of the batch that holds `position`, and of all batches after it. */
export async function sealAgain(sql: Sql, position: number): Promise<void> {
  const { logId, hashKey } = await sealedShard(sql);
  const [end] = await sql.query('SELECT max(last) AS head FROM batch');
  const prev = (await batchAt(sql, position))?.prev ?? 0;
  const sealer = new BatchSealer(hashKey);
  let digest = prev === 0 ? genesisOf(logId) : ((await batchAt(sql, prev))?.digest ?? genesisOf(logId));
  for await (const { batches, bytes } of readSealed(sql, prev, Number(end?.head), 1)) {
    const [batch] = batches;
    if (batch === undefined) throw new Error('batches follow each other');
    const seal = sealer.seal(rowsOfCopy(bytes), batch, digest);
    await sql.query('UPDATE batch SET digest = $2, marks = $3 WHERE prev = $1', [batch.prev, seal.digest, seal.marks]);
    digest = seal.digest;
  }
}
