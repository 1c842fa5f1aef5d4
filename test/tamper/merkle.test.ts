import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pathTo, rootBy, rootOf } from '../../src/store/seal/merkle.js';

const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const leafOf = (data: Uint8Array): Buffer => sha256(Buffer.of(0), data);

/** Section 2.1 of RFC 6962, word for word. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return only;
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(Buffer.of(1), treeHash(leaves.slice(0, half)), treeHash(leaves.slice(half)));
}

const leavesOf = (count: number): Buffer[] => Array.from({ length: count }, (_, index) => leafOf(Buffer.of(index)));

describe('a Merkle tree', () => {
  it('has the roots that are published for the tree of certificate transparency', () => {
    const data = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const leaves = data.map((hex) => leafOf(Buffer.from(hex, 'hex')));
    const root = (count: number): string => rootOf(Buffer.concat(leaves.slice(0, count)), count).toString('hex');
    expect(root(1)).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    expect(root(2)).toBe('fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125');
    expect(root(3)).toBe('aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77');
    expect(root(8)).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  });

  it('is split at the largest power of two, whatever the number of leaves', () => {
    for (let count = 1; count <= 70; count++) {
      const leaves = leavesOf(count);
      expect(rootOf(Buffer.concat(leaves), count), String(count)).toEqual(treeHash(leaves));
    }
  });

  it('leads from every leaf to its root, and by no other path, place or size', () => {
    for (let count = 1; count <= 33; count++) {
      const leaves = leavesOf(count);
      const root = treeHash(leaves);
      for (const [index, leaf] of leaves.entries()) {
        const path = pathTo(Buffer.concat(leaves), count, index);
        expect(rootBy(leaf, index, count, path)).toEqual(root);
        expect(rootBy(leafOf(Buffer.of(200)), index, count, path)).not.toEqual(root);
        expect(rootBy(leaf, index, count, [...path, root])).toBeNull();
        expect(rootBy(leaf, count, count, path)).toBeNull();
        expect(rootBy(leaf, -1, count, path)).toBeNull();
        if (count > 1) {
          expect(rootBy(leaf, index ^ 1, count, path)).not.toEqual(root);
          expect(rootBy(leaf, index, count, path.slice(1))).toBeNull();
          expect(rootBy(leaf, index, count, [Buffer.alloc(31), ...path.slice(1)])).toBeNull();
        }
      }
    }
  });
});
