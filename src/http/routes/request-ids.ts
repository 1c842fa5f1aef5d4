/** Ids of requests, as the X-Request-Id field and problems name them. A number until one is written or asked for. */
import { randomBytes } from 'node:crypto';

const BASE = 36;
const DIGIT_BYTES = Uint8Array.from('0123456789abcdefghijklmnopqrstuvwxyz', (digit) => digit.charCodeAt(0));
/** Digits of the largest number, 2^53−1. */
export const REQUEST_DIGITS_MAX = 11;

export class RequestIds {
  /** Unlike those of other fronts, and of this one before its restart. */
  readonly #prefix = `req_${randomBytes(6).toString('hex')}`;
  #next = 0;

  /** @param count so many in a row @returns the first of them */
  next(count = 1): number {
    const first = this.#next;
    this.#next += count;
    return first;
  }

  text(number: number): string {
    return this.#prefix + number.toString(BASE);
  }

  /** What all ids of this front begin with; {@link encodeInto} leaves it to whoever writes many. */
  get prefix(): string {
    return this.#prefix;
  }

  /**
   * Writes what stands behind the prefix, where an answer is made byte by byte.
   * @returns the offset behind it, at most {@link REQUEST_DIGITS_MAX} on
   */
  encodeInto(number: number, bytes: Uint8Array, offset: number): number {
    const end = offset + digitCount(number);
    let rest = number;
    for (let at = end - 1; at >= offset; at--) {
      const higher = Math.floor(rest / BASE);
      bytes[at] = DIGIT_BYTES[rest - higher * BASE] ?? 0;
      rest = higher;
    }
    return end;
  }
}

function digitCount(number: number): number {
  let count = 1;
  for (let limit = BASE; number >= limit; limit *= BASE) count++;
  return count;
}
