/**
 * The chain of digests over the batches, computed anew from the bytes that the database took, as docs/tamper-evidence.md
 * says it. Whoever took the shard over, or settled a commit of unknown fate, must have gone on from the right end.
 */
import { createCipheriv, hash } from 'node:crypto';
import type { CommittedBatch, Complaint, History } from '../history.js';

const LEAF_ROWS = 32;
const BLIND_BYTES = 16;
const COPY_HEADER_BYTES = 19;
/** Fields of a row before that of its book. */
const BOOK_FIELD = 9;

const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
  Buffer.from(hash('sha256', Buffer.concat(parts), 'hex'), 'hex');

/** @returns the first batch whose digest is not what its rows and the batch before it make; the others follow from it */
export function judgeSeals({ batches, seals }: History): Complaint[] {
  if (seals === null) return [];
  const { logId, hashKey, rows } = seals;
  const genesis = Buffer.alloc(5, 3);
  genesis.writeInt32BE(logId, 1);
  let before = sha256(genesis);
  for (const [index, batch] of batches.entries()) {
    const { digest, copied } = rows[index] ?? { digest: Buffer.alloc(0), copied: Buffer.alloc(0) };
    const expected = digestOf(batch, Buffer.from(copied.buffer, copied.byteOffset, copied.length), before, hashKey);
    if (!expected.equals(digest)) {
      const said = `the batch up to ${batch.last} of engine ${batch.engine}: ${hex(digest)}`;
      return [{ rule: 'sealed', step: batch.step, said, expected: `${hex(expected)}, after ${hex(before)}` }];
    }
    before = expected;
  }
  return [];
}

function digestOf(batch: CommittedBatch, copied: Buffer, before: Buffer, hashKey: Uint8Array): Buffer {
  const head = Buffer.alloc(32);
  [batch.prev, batch.last, batch.epoch].forEach((value, at) => {
    head.writeBigInt64BE(BigInt(value), 8 * at);
  });
  head.writeBigInt64BE(batch.hash, 24);
  const pieces = piecesOf(copied);
  const key = sha256(Buffer.of(4), hashKey, head).subarray(0, 16);
  const blinds = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(BLIND_BYTES * pieces.length));
  const leaves = pieces.map((rows, leaf) =>
    sha256(Buffer.of(0), blinds.subarray(BLIND_BYTES * leaf, BLIND_BYTES * (leaf + 1)), ...rows),
  );
  const count = Buffer.alloc(4);
  count.writeInt32BE(leaves.length);
  return sha256(Buffer.of(2), before, head, count, rootOf(leaves));
}

/** Rows of each book, books by their numbers, in pieces of 32. */
function piecesOf(copied: Buffer): Buffer[][] {
  const byBook = new Map<number, Buffer[]>();
  for (let at = COPY_HEADER_BYTES; copied.readInt16BE(at) !== -1; ) {
    const start = at;
    const fields = copied.readInt16BE(at);
    let book = 0;
    at += 2;
    for (let field = 0; field < fields; field++) {
      const length = copied.readInt32BE(at);
      if (field === BOOK_FIELD) book = copied.readInt32BE(at + 4);
      at += 4 + Math.max(0, length);
    }
    const rows = byBook.get(book) ?? [];
    byBook.set(book, rows);
    rows.push(copied.subarray(start, at));
  }
  return [...byBook]
    .sort(([a], [b]) => a - b)
    .flatMap(([, rows]) =>
      Array.from({ length: Math.ceil(rows.length / LEAF_ROWS) }, (_, piece) =>
        rows.slice(LEAF_ROWS * piece, LEAF_ROWS * (piece + 1)),
      ),
    );
}

/** Split at the largest power of two below their number (RFC 6962, section 2.1). */
function rootOf(leaves: readonly Buffer[]): Buffer {
  // Of a batch without rows, which must not be, there is no root.
  if (leaves.length <= 1) return leaves[0] ?? Buffer.alloc(0);
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(Buffer.of(1), rootOf(leaves.slice(0, half)), rootOf(leaves.slice(half)));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').slice(0, 16);
