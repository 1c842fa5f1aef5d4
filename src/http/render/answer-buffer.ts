/**
 * Memory that answers are written into, one at a time: servers are done with an answer's bytes when `respond` returns.
 * So a front writes all its answers into the same, and none of it is garbage.
 */

const KEPT_BYTES_MAX = 8 * 1024 * 1024;
let kept = new Uint8Array(64 * 1024);

/** Good until the answer is given, which must be before anything else is. @returns at least `size` bytes */
export function answerBuffer(size: number): Uint8Array {
  if (size <= kept.length) return kept;
  const larger = new Uint8Array(2 ** Math.ceil(Math.log2(size)));
  if (larger.length <= KEPT_BYTES_MAX) kept = larger;
  return larger;
}
