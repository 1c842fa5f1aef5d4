/**
 * Merkle trees as RFC 6962, section 2.1, has them: a leaf is hashed behind a byte 0, a node behind a byte 1, so that
 * none can be taken for the other, and a tree of n leaves splits at the largest power of two below n, so that no leaf
 * stands twice where n is odd.
 */
import { hash } from 'node:crypto';

export const DIGEST_BYTES = 32;
const NODE_PREFIX = 1;

const node = Buffer.alloc(1 + 2 * DIGEST_BYTES);
node[0] = NODE_PREFIX;

/** Asked for as text, a digest comes back in half the time that a buffer of its own takes. */
export const sha256 = (bytes: Uint8Array, into: Buffer, at: number): void => {
  into.write(hash('sha256', bytes, 'binary'), at, 'latin1');
};

export function sha256Of(...parts: readonly Uint8Array[]): Buffer {
  const digest = Buffer.allocUnsafe(DIGEST_BYTES);
  sha256(parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts), digest, 0);
  return digest;
}

/**
 * The root over `count` ≥ 1 digests that stand one behind the other in `leaves`, which is used up on the way.
 *
 * Pairs are hashed level by level and a last one without a partner goes up as it is: the same tree as splitting at the
 * largest power of two.
 */
export function rootOf(leaves: Buffer, count: number): Buffer {
  for (let left = count; left > 1; left = (left + 1) >> 1) level(leaves, left);
  return Buffer.from(leaves.subarray(0, DIGEST_BYTES));
}

/** The neighbours of leaf `index` on its way up, lowest first (RFC 6962, 2.1.1); `leaves` is used up as by `rootOf`. */
export function pathTo(leaves: Buffer, count: number, index: number): readonly Buffer[] {
  const path: Buffer[] = [];
  for (let left = count, at = index; left > 1; left = (left + 1) >> 1, at >>= 1) {
    const other = at ^ 1;
    if (other < left) path.push(Buffer.from(leaves.subarray(other * DIGEST_BYTES, (other + 1) * DIGEST_BYTES)));
    level(leaves, left);
  }
  return path;
}

function level(leaves: Buffer, left: number): void {
  for (let pair = 0; pair < left >> 1; pair++) {
    leaves.copy(node, 1, 2 * pair * DIGEST_BYTES, 2 * (pair + 1) * DIGEST_BYTES);
    sha256(node, leaves, pair * DIGEST_BYTES);
  }
  if (left % 2 === 1) leaves.copy(leaves, (left >> 1) * DIGEST_BYTES, (left - 1) * DIGEST_BYTES, left * DIGEST_BYTES);
}

/** @returns the root that a leaf and its path lead to; null where the path is not one of leaf `index` of `count` */
export function rootBy(leaf: Buffer, index: number, count: number, path: readonly Buffer[]): Buffer | null {
  if (index < 0 || index >= count) return null;
  let digest = leaf;
  let taken = 0;
  for (let left = count, at = index; left > 1; left = (left + 1) >> 1, at >>= 1) {
    // Without a partner it goes up as it is.
    if ((at ^ 1) >= left) continue;
    const other = path[taken++];
    if (other?.length !== DIGEST_BYTES) return null;
    const prefix = Buffer.of(NODE_PREFIX);
    digest = at % 2 === 0 ? sha256Of(prefix, digest, other) : sha256Of(prefix, other, digest);
  }
  return taken === path.length ? digest : null;
}
