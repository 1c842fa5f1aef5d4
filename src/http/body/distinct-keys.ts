/**
 * Whether the keys of a batch are all different, without a string or a set: a table of indexes that is used again for
 * every batch, open addressing over a quick hash of the keys' bytes.
 */
import { PLAIN_WORDS, Plain, type PlainPosts } from '../../engine/wire/plain-post.js';

const EMPTY = -1;
/** Steps that a key may take on average. The hash is not keyed: who aims collisions is left to the strict way. */
const STEPS_PER_KEY = 8;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

const SIZE_MIN = 64;
let table = new Int32Array(1024);

/** @returns false where two keys are equal, or cannot be told apart soon enough */
export function keysDiffer(posts: PlainPosts): boolean {
  const { bytes, fields, count } = posts;
  // Half of it stays empty. Only as much is cleared as is used: most batches are far from the largest.
  let size = SIZE_MIN;
  while (size < count * 2) size *= 2;
  if (size > table.length) table = new Int32Array(size);
  const slots = table.fill(EMPTY, 0, size);
  let stepsLeft = count * STEPS_PER_KEY;
  for (let index = 0; index < count; index++) {
    const start = fields[index * PLAIN_WORDS + Plain.keyStart] ?? 0;
    const length = fields[index * PLAIN_WORDS + Plain.keyLength] ?? 0;
    let slot = hashOf(bytes, start, length) & (size - 1);
    for (;;) {
      const other = slots[slot] ?? EMPTY;
      if (other === EMPTY) break;
      const otherRow = other * PLAIN_WORDS;
      if (
        fields[otherRow + Plain.keyLength] === length &&
        sameBytes(bytes, fields[otherRow + Plain.keyStart] ?? 0, start, length)
      ) {
        return false;
      }
      if (--stepsLeft < 0) return false;
      slot = (slot + 1) & (size - 1);
    }
    slots[slot] = index;
  }
  return true;
}

function hashOf(bytes: Uint8Array, start: number, length: number): number {
  let hash = FNV_OFFSET | 0;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (bytes[start + i] as number), FNV_PRIME); // within the body
  // The lowest bits hang on few of the bytes; the highest on all.
  return hash ^ (hash >>> 15);
}

/** From the end, where keys that were counted up differ. */
function sameBytes(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = length - 1; i >= 0; i--) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
