/**
 * A verifier as somebody else would write it from docs/tamper-evidence.md: it shares no code with the product, knows no
 * type of the log, and does everything in the plainest way.
 */
import { createCipheriv, createHash } from 'node:crypto';

const sha256 = (...parts: readonly Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};

export interface BatchColumns {
  readonly prev: bigint;
  readonly last: bigint;
  readonly epoch: bigint;
  readonly hash: bigint;
}

/** "Rows": the copy cut into rows, each with its count of fields, and the value of its tenth field. */
export function rowsOf(copy: Buffer): { readonly bytes: Buffer; readonly book: number }[] {
  const rows: { bytes: Buffer; book: number }[] = [];
  let at = 19;
  while (copy.readInt16BE(at) !== -1) {
    const start = at;
    let book = 0;
    const fields = copy.readInt16BE(at);
    at += 2;
    for (let field = 1; field <= fields; field++) {
      const length = copy.readInt32BE(at);
      at += 4;
      if (field === 10) book = copy.readInt32BE(at);
      if (length > 0) at += length;
    }
    rows.push({ bytes: copy.subarray(start, at), book });
  }
  return rows;
}

export const genesis = (logId: number): Buffer => sha256(Buffer.of(3), int32(logId));

export const columns = ({ prev, last, epoch, hash }: BatchColumns): Buffer =>
  Buffer.concat([int64(prev), int64(last), int64(epoch), int64(hash)]);

export function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0] ?? Buffer.alloc(0);
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(Buffer.of(1), treeHash(leaves.slice(0, half)), treeHash(leaves.slice(half)));
}

export const leafHash = (blind: Buffer, rows: Buffer): Buffer => sha256(Buffer.of(0), blind, rows);

export const batchHash = (previous: Buffer, batch: BatchColumns, leaves: number, root: Buffer): Buffer =>
  sha256(Buffer.of(2), previous, columns(batch), int32(leaves), root);

/** The digest that a batch must have. */
export function digest(copy: Buffer, batch: BatchColumns, previous: Buffer, secret: Uint8Array): Buffer {
  const rows = rowsOf(copy);
  const groups: Buffer[] = [];
  for (const book of [...new Set(rows.map((row) => row.book))].sort((a, b) => a - b)) {
    const own = rows.filter((row) => row.book === book).map(({ bytes }) => bytes);
    for (let from = 0; from < own.length; from += 32) groups.push(Buffer.concat(own.slice(from, from + 32)));
  }
  const key = sha256(Buffer.of(4), secret, columns(batch)).subarray(0, 16);
  const blinds = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(16 * groups.length));
  const leaves = groups.map((group, index) => leafHash(blinds.subarray(16 * index, 16 * index + 16), group));
  return batchHash(previous, batch, leaves.length, treeHash(leaves));
}

/** RFC 9162, section 2.1.3.2. */
export function rootFromPath(leaf: Buffer, index: number, size: number, path: readonly Buffer[]): Buffer {
  let fn = index;
  let sn = size - 1;
  let root = leaf;
  for (const node of path) {
    if (sn === 0) throw new Error('the path is too long');
    if (fn % 2 === 1 || fn === sn) {
      root = sha256(Buffer.of(1), node, root);
      while (fn % 2 === 0 && fn !== 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      root = sha256(Buffer.of(1), root, node);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn !== 0) throw new Error('the path is too short');
  return root;
}
