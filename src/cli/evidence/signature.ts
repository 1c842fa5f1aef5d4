/** Ed25519 signatures over places in a chain of digests. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ChainPoint } from '../../folds/verify/checkpoint.js';
import { ConfigError, messageOf } from '../../platform/errors.js';

/** What is signed beside the place. */
export interface SignedPoint extends ChainPoint {
  /** RFC 3339, when it was signed. */
  readonly time: string;
  /** In a receipt: the id that its record is known by, which nobody can compute from the record. */
  readonly transaction?: { readonly id: string; readonly position: number };
  /** Ed25519, base64. */
  readonly signature: string;
}

/** The text that is signed: lines, each ended by a line feed. */
export function signedText({
  shard,
  log,
  position,
  digest,
  time,
  transaction,
}: Omit<SignedPoint, 'signature'>): Buffer {
  const lines = [
    'millrace checkpoint 1',
    `shard ${shard}`,
    `log ${log}`,
    `position ${position}`,
    `digest ${digest}`,
    `time ${time}`,
    ...(transaction === undefined ? [] : [`transaction ${transaction.id} at ${transaction.position}`]),
  ];
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

export function signPoint(
  point: ChainPoint,
  key: KeyObject,
  time: Date,
  transaction?: SignedPoint['transaction'],
): SignedPoint {
  const unsigned = { ...point, time: time.toISOString(), ...(transaction === undefined ? {} : { transaction }) };
  return { ...unsigned, signature: sign(null, signedText(unsigned), key).toString('base64') };
}

export const isSignedBy = (point: SignedPoint, key: KeyObject): boolean =>
  verify(null, signedText(point), key, Buffer.from(point.signature, 'base64'));

/** @param file PEM (PKCS #8) @throws ConfigError */
export const readPrivateKey = (file: string): KeyObject => readKey(file, 'private', createPrivateKey);
/** @param file PEM (SPKI) @throws ConfigError */
export const readPublicKey = (file: string): KeyObject => readKey(file, 'public', createPublicKey);

function readKey(file: string, which: string, read: (pem: Buffer) => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = read(readFileSync(file));
  } catch (error) {
    throw new ConfigError(`${file} is no ${which} key in PEM: ${messageOf(error)}`);
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new ConfigError(`${file} has a key of type ${key.asymmetricKeyType}; an Ed25519 key is needed`);
  }
  return key;
}
