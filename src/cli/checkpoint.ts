/** `millrace checkpoint`: where every shard's chain of digests stands, signed; and whether history still leads there. */
import type { ChainPoint, ComparedPoint } from '../folds/verify/checkpoint.js';
import { chainEnd, comparePoint } from '../folds/verify/checkpoint.js';
import type { Config } from '../platform/config/config.js';
import type { Log } from '../platform/log.js';
import { DetachedFileError } from '../store/errors.js';
import type { Sql } from '../store/sql.js';
import type { ShardDatabase } from './databases.js';
import { CHECKPOINT_FORMAT, type CheckpointFile, readCheckpoints, writeNew } from './evidence/files.js';
import { askShards } from './evidence/shards.js';
import { isSignedBy, readPrivateKey, readPublicKey, signPoint } from './evidence/signature.js';
import type { CommandIo } from './io.js';
import { ExitCode } from './serve/exit-codes.js';

/** @returns the exit code */
export async function exportCheckpoint(
  { file, sign }: { readonly file: string; readonly sign: string },
  config: Config,
  io: CommandIo,
  log: Log,
): Promise<number> {
  const key = readPrivateKey(sign);
  const ends: readonly ChainPoint[] = await askShards(config, log, { do: 'checkpoint.ends' }, ({ sql }) =>
    chainEnd(sql),
  );
  const now = new Date();
  const content: CheckpointFile = {
    format: CHECKPOINT_FORMAT,
    checkpoints: ends.map((end) => signPoint(end, key, now)),
  };
  writeNew(file, content);
  for (const { shard, position, digest } of ends) io.stdout.write(`${shard}  position ${position}  ${digest}\n`);
  return ExitCode.ok;
}

/** @returns the exit code: 0 history is the one that was signed, 1 it is not */
export async function verifyCheckpoint(
  { file, publicKey }: { readonly file: string; readonly publicKey: string },
  config: Config,
  io: CommandIo,
  log: Log,
): Promise<number> {
  const key = readPublicKey(publicKey);
  const { checkpoints } = readCheckpoints(file);
  for (const point of checkpoints) {
    if (isSignedBy(point, key)) continue;
    io.stdout.write(`LIE   ${point.shard}: the signature is not of this key\n`);
    return ExitCode.failed;
  }
  const points = checkpoints.map(({ shard, log: logId, position, digest }) => ({
    shard,
    log: logId,
    position,
    digest,
  }));
  const compared = (
    await askShards(config, log, { do: 'checkpoint.compare', points }, (shard) => compareShard(shard, points))
  ).flat();
  for (const { shard, position, ok, message } of compared) {
    io.stdout.write(`${ok ? 'true ' : 'LIE  '} ${shard}, position ${position}: ${message}\n`);
  }
  const missing = points.filter(({ shard }) => !compared.some((point) => point.shard === shard));
  for (const { shard } of missing) io.stdout.write(`LIE   ${shard}: the configuration has no such shard\n`);
  return missing.length === 0 && compared.every(({ ok }) => ok) ? ExitCode.ok : ExitCode.failed;
}

/** Also where old partitions stand in files: without them the log would seem to lack what was signed. */
async function compareShard(shard: ShardDatabase, points: readonly ChainPoint[]): Promise<readonly ComparedPoint[]> {
  const own = points.filter((point) => point.shard === shard.name);
  if (own.length === 0) return [];
  try {
    const sql = await shard.wholeLog();
    try {
      return await comparePoints(sql, shard.name, own);
    } finally {
      await sql.close();
    }
  } catch (error) {
    if (!(error instanceof DetachedFileError)) throw error;
    const { message } = error;
    return own.map(({ position }) => ({ shard: shard.name, position, ok: false, message }));
  }
}

/** Those points that are of this shard. */
export async function comparePoints(
  sql: Sql,
  name: string,
  points: readonly ChainPoint[],
): Promise<readonly ComparedPoint[]> {
  const compared: ComparedPoint[] = [];
  for (const point of points) if (point.shard === name) compared.push(await comparePoint(sql, point));
  return compared;
}
