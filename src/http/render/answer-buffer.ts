/**
 * Memory that answers are written into, one at a time: servers are done with an answer's bytes when `respond` returns.
 * So a front writes all its answers into the same, and none of it is garbage.
 */

export interface AnswerBuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

const KEPT_BYTES_MAX = 8 * 1024 * 1024;
let kept = bufferOf(64 * 1024);

/** Good until the answer is given, which must be before anything else is. @returns at least `size` bytes */
export function answerBuffer(size: number): AnswerBuffer {
  if (size <= kept.bytes.length) return kept;
  const larger = bufferOf(2 ** Math.ceil(Math.log2(size)));
  if (larger.bytes.length <= KEPT_BYTES_MAX) kept = larger;
  return larger;
}

export function bufferOf(size: number): AnswerBuffer {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer) };
}
