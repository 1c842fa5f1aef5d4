/**
 * The seal of a batch: one SHA-256 digest over its rows as they are in binary COPY, its own row and the digest of the
 * batch before it. docs/tamper-evidence.md says the format to the byte.
 *
 * A leaf is up to 32 rows of one book, so that an inclusion path shows its holder no row of anybody else's, and costs
 * one hash where a leaf a record would cost 32.
 */
import { createCipheriv } from 'node:crypto';
import { marksOf } from './marks.js';
import { DIGEST_BYTES, rootOf, sha256, sha256Of } from './merkle.js';
import type { BatchRows } from './rows.js';

/** A batch's row but for what seals it. */
export interface BatchHead {
  readonly prev: number;
  readonly last: number;
  readonly epoch: number;
  /** The running hash that recovery compares. */
  readonly hash: bigint;
}

export interface Seal {
  readonly digest: Buffer;
  readonly marks: Buffer;
}

/** Rows of a leaf; indexes into the batch. */
export interface Leaf {
  readonly rows: readonly number[];
  readonly blind: Buffer;
  /** Its bytes as they are hashed: prefix, blind, rows. */
  readonly bytes: Buffer;
}

export const LEAF_ROWS_MAX = 32;
export const BLIND_BYTES = 16;
export const Prefix = { leaf: 0, node: 1, batch: 2, genesis: 3, blinds: 4 } as const;
export const LEAF_HEADER_BYTES = 1 + BLIND_BYTES;
const START_BYTES = 1 << 16;
const NO_IV = Buffer.alloc(16);

/** What the first batch of a log has in place of the digest before it. */
export function genesisOf(logId: number): Buffer {
  const bytes = Buffer.alloc(5, Prefix.genesis);
  bytes.writeInt32BE(logId, 1);
  return sha256Of(bytes);
}

/** prev, last, epoch, hash: eight bytes each, big-endian. */
export function headBytes({ prev, last, epoch, hash }: BatchHead): Buffer {
  const bytes = Buffer.allocUnsafe(32);
  bytes.writeBigInt64BE(BigInt(prev), 0);
  bytes.writeBigInt64BE(BigInt(last), 8);
  bytes.writeBigInt64BE(BigInt(epoch), 16);
  bytes.writeBigInt64BE(hash, 24);
  return bytes;
}

export function digestOfBatch(previous: Uint8Array, head: BatchHead, leaves: number, root: Uint8Array): Buffer {
  const count = Buffer.allocUnsafe(4);
  count.writeInt32BE(leaves);
  return sha256Of(Buffer.of(Prefix.batch), previous, headBytes(head), count, root);
}

/** Seals batches of one shard; keeps its buffers from one to the next. */
export class BatchSealer {
  readonly #hashKey: Uint8Array;
  #scratch = Buffer.allocUnsafe(START_BYTES);
  #digests = Buffer.allocUnsafe(START_BYTES);

  /** @param hashKey the shard's secret: without it nobody can guess the rows behind a digest that a receipt shows */
  constructor(hashKey: Uint8Array) {
    this.#hashKey = hashKey;
  }

  seal(rows: BatchRows, head: BatchHead, previous: Uint8Array): Seal {
    return { digest: this.digest(rows, head, previous), marks: marksOf(rows) };
  }

  digest(rows: BatchRows, head: BatchHead, previous: Uint8Array): Buffer {
    const leaves = this.digests(rows, head);
    return digestOfBatch(previous, head, leaves.count, rootOf(leaves.digests, leaves.count));
  }

  /** The digests of all leaves, one behind the other, until the next call; `each` sees them as they are made. */
  digests(rows: BatchRows, head: BatchHead, each?: (leaf: Leaf) => void): { digests: Buffer; count: number } {
    const groups = byBook(rows);
    const count = groups.reduce((sum, group) => sum + Math.ceil(group.length / LEAF_ROWS_MAX), 0);
    const blinds = this.#blinds(head, count);
    if (this.#digests.length < count * DIGEST_BYTES) this.#digests = Buffer.allocUnsafe(2 * count * DIGEST_BYTES);
    let leaf = 0;
    for (const group of groups) {
      for (let from = 0; from < group.length; from += LEAF_ROWS_MAX) {
        const to = Math.min(from + LEAF_ROWS_MAX, group.length);
        const bytes = this.#leafBytes(rows, group, from, to, blinds, leaf);
        sha256(bytes, this.#digests, leaf * DIGEST_BYTES);
        each?.({
          rows: group.slice(from, to),
          blind: blinds.subarray(leaf * BLIND_BYTES, (leaf + 1) * BLIND_BYTES),
          bytes: Buffer.from(bytes),
        });
        leaf++;
      }
    }
    return { digests: this.#digests, count };
  }

  #leafBytes(
    { bytes, starts }: BatchRows,
    group: readonly number[],
    from: number,
    to: number,
    blinds: Buffer,
    leaf: number,
  ): Buffer {
    let length = LEAF_HEADER_BYTES;
    for (let at = from; at < to; at++) {
      const row = group[at] as number;
      length += (starts[row + 1] as number) - (starts[row] as number);
    }
    if (this.#scratch.length < length) this.#scratch = Buffer.allocUnsafe(2 * length);
    const scratch = this.#scratch;
    scratch[0] = Prefix.leaf;
    blinds.copy(scratch, 1, leaf * BLIND_BYTES, (leaf + 1) * BLIND_BYTES);
    let end = LEAF_HEADER_BYTES;
    for (let at = from; at < to; ) {
      const first = group[at] as number;
      let last = first;
      // Rows that are neighbours in the batch too are copied as one piece.
      for (at++; at < to && group[at] === last + 1; at++) last++;
      end += bytes.copy(scratch, end, starts[first] as number, starts[last + 1] as number);
    }
    return scratch.subarray(0, length);
  }

  /** AES-128 in counter mode, its key a hash of the secret and the batch: all blinds of a batch for one call. */
  #blinds(head: BatchHead, count: number): Buffer {
    const key = sha256Of(Buffer.of(Prefix.blinds), this.#hashKey, headBytes(head)).subarray(0, 16);
    return createCipheriv('aes-128-ctr', key, NO_IV).update(Buffer.alloc(count * BLIND_BYTES));
  }
}

/** Rows of each book in their order, books by their number. */
function byBook({ books, count }: BatchRows): readonly (readonly number[])[] {
  const groups = new Map<number, number[]>();
  // Rows of one book often come together: a look-up is for the first of them.
  let book = Number.NaN;
  let group: number[] = [];
  for (let row = 0; row < count; row++) {
    if (books[row] !== book) {
      book = books[row] as number;
      const known = groups.get(book);
      group = known ?? [];
      if (known === undefined) groups.set(book, group);
    }
    group.push(row);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, rows]) => rows);
}
