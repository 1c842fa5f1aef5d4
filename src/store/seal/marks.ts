/**
 * Marks: 16 bits of each row, kept beside the batch's digest. They prove nothing, and anybody can make them; where a
 * digest says that a batch is not what was committed, they say which of its rows is the first that differs.
 */
import type { BatchRows } from './rows.js';

const MARK_BYTES = 2;

/** @returns a mark a row, two bytes each, big-endian */
export function marksOf({ bytes, starts, count }: BatchRows): Buffer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const marks = Buffer.allocUnsafe(count * MARK_BYTES);
  for (let row = 0; row < count; row++) {
    const mark = markOf(view, starts[row] as number, starts[row + 1] as number);
    marks[row * MARK_BYTES] = mark >>> 8;
    marks[row * MARK_BYTES + 1] = mark;
  }
  return marks;
}

/** @returns the first row whose mark is another, or null; both are marks of as many rows */
export function firstOtherMark(own: Uint8Array, marks: Uint8Array): number | null {
  const at = own.findIndex((byte, index) => byte !== marks[index]);
  return at === -1 ? null : Math.floor(at / MARK_BYTES);
}

/** Four bytes at a time: a multiplication and a shift that folds the high half back. */
function markOf(view: DataView, from: number, to: number): number {
  let mark = to - from;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    mark = Math.imul(mark ^ view.getInt32(at), 0x85ebca6b);
    mark ^= mark >>> 15;
  }
  for (; at < to; at++) {
    mark = Math.imul(mark ^ view.getUint8(at), 0x85ebca6b);
    mark ^= mark >>> 15;
  }
  return (mark ^ (mark >>> 16)) & 0xffff;
}
