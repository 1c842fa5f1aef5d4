/**
 * FNV-1a over a record. Each step is a bijection of what came before, so a change of any one byte always shows; nobody makes
 * a collision on purpose here, where both sides are threads of one process. About a nanosecond a byte.
 */
import { DamagedRecordError } from '../ring/damage.js';

export const CHECKSUM_BYTES = 4;
const BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

function checksum(bytes: Uint8Array, from: number, to: number): number {
  let sum = BASIS;
  for (let at = from; at < to; at++) sum = Math.imul(sum ^ (bytes[at] as number), PRIME); // from and to are within
  return sum;
}

/** Writes the sum of a record behind it. @returns where it ends */
export function sealRecord(bytes: Uint8Array, view: DataView, from: number, end: number): number {
  view.setInt32(end, checksum(bytes, from, end), true);
  return end + CHECKSUM_BYTES;
}

/** @returns where the record ends without its checksum @throws DamagedRecordError */
export function openRecord(bytes: Uint8Array, view: DataView, from: number, end: number): number {
  const sealed = end - CHECKSUM_BYTES;
  if (sealed < from || view.getInt32(sealed, true) !== checksum(bytes, from, sealed)) {
    throw new DamagedRecordError(`a record of ${end - from} bytes does not have its checksum`);
  }
  return sealed;
}
