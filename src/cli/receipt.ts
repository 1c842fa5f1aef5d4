/** `millrace receipt`: proof that a transaction stands in the log, for somebody who cannot see the database. */
import type { Receipt } from '../folds/verify/receipt.js';
import { makeReceipt } from '../folds/verify/receipt.js';
import type { Config } from '../platform/config/config.js';
import type { Log } from '../platform/log.js';
import { readReceipt, writeNew } from './evidence/files.js';
import { faultOfReceipt } from './evidence/receipt-check.js';
import { askShards } from './evidence/shards.js';
import { isSignedBy, readPrivateKey, readPublicKey, signPoint } from './evidence/signature.js';
import type { CommandIo } from './io.js';
import { ExitCode } from './serve/exit-codes.js';

/**
 * @param output a new file; standard output without it
 * @returns the exit code: 0, or 1 where there is no such transaction
 */
export async function receiptCommand(
  { transaction, output, sign }: { readonly transaction: string; readonly output?: string; readonly sign?: string },
  config: Config,
  io: CommandIo,
  log: Log,
): Promise<number> {
  const key = sign === undefined ? null : readPrivateKey(sign);
  const found: readonly (Receipt | null)[] = await askShards(config, log, { do: 'receipt', transaction }, ({ sql }) =>
    makeReceipt(sql, transaction),
  );
  const receipt = found.find((one) => one !== null);
  if (receipt === undefined || receipt === null) {
    io.stderr.write(`there is no transaction ${transaction}\n`);
    return ExitCode.failed;
  }
  const { shard, log: logId, batch, record } = receipt;
  const point = { shard, log: logId, position: batch.last, digest: batch.digest };
  const checkpoint = key && signPoint(point, key, new Date(), { id: transaction, position: record.position });
  const content = { ...receipt, ...(checkpoint === null ? {} : { checkpoint }) };
  if (output === undefined) io.stdout.write(`${JSON.stringify(content, null, 2)}\n`);
  else writeNew(output, content);
  return ExitCode.ok;
}

/** Offline. @returns the exit code: 0 the receipt proves what it says, 1 it does not */
export function verifyReceipt(
  { file, publicKey }: { readonly file: string; readonly publicKey?: string },
  io: CommandIo,
): number {
  const key = publicKey === undefined ? null : readPublicKey(publicKey);
  const receipt = readReceipt(file);
  const { transaction, batch, record, checkpoint } = receipt;
  const fault = faultOfReceipt(receipt) ?? signatureFault();
  if (fault !== null) {
    io.stdout.write(`LIE   ${transaction}: ${fault}\n`);
    return ExitCode.failed;
  }
  io.stdout.write(`true  position ${record.position} stands in the batch ${batch.prev + 1} to ${batch.last}\n`);
  io.stdout.write(`      digest ${batch.digest}\n`);
  if (key !== null) io.stdout.write(`      signed ${checkpoint?.time ?? ''} for ${transaction}\n`);
  else io.stdout.write('      no key was given: it proves as much as you trust this digest and the id\n');
  return ExitCode.ok;

  function signatureFault(): string | null {
    if (key === null) return null;
    if (checkpoint === undefined) return 'it is not signed';
    return isSignedBy(checkpoint, key) ? null : 'the signature is not of this key';
  }
}
