/**
 * Signed 64-bit arithmetic over typed arrays. On the hot path sums are written as `a[i] = BigInt.asIntN(64, a[i] + b[j])`:
 * V8 then adds machine words, and no BigInt object is ever made. For the same reason signs are read through an
 * Int32Array over the same memory, never by comparing with `0n`.
 */
export const INT64_MAX = 9_223_372_036_854_775_807n;

const HIGH_WORD = new Int32Array(new BigInt64Array([1n << 32n]).buffer)[1] === 1 ? 1 : 0;

/** Int32Array over the same memory, for {@link isNegative}. */
export const wordsOf = (values: BigInt64Array): Int32Array =>
  new Int32Array(values.buffer, values.byteOffset, values.length * 2);

export const isNegative = (words: Int32Array, index: number): boolean => (words[index * 2 + HIGH_WORD] as number) < 0;

export const isZero = (words: Int32Array, index: number): boolean =>
  ((words[index * 2] as number) | (words[index * 2 + 1] as number)) === 0;

/** Low and high halves, wherever the machine keeps them. */
export const lowWord = (words: Int32Array, index: number): number => words[index * 2 + 1 - HIGH_WORD] as number;
export const highWord = (words: Int32Array, index: number): number => words[index * 2 + HIGH_WORD] as number;
