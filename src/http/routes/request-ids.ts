/** Ids of requests, as the X-Request-Id field and problems name them. A number until one is written or asked for. */
import { randomBytes } from 'node:crypto';

const BASE = 36;
const DIGIT_BYTES = Uint8Array.from('0123456789abcdefghijklmnopqrstuvwxyz', (digit) => digit.charCodeAt(0));
const PREFIX_LENGTH = 16;
/** Of the largest number, 2^53−1. */
const DIGITS_MAX = 11;

/** Bytes of the longest id. */
export const REQUEST_ID_LENGTH_MAX = PREFIX_LENGTH + DIGITS_MAX;

export class RequestIds {
  /** Unlike those of other fronts, and of this one before its restart. */
  readonly #prefix = `req_${randomBytes(6).toString('hex')}`;
  readonly #prefixBytes = Uint8Array.from(this.#prefix, (character) => character.charCodeAt(0));
  #next = 0;

  next(): number {
    return this.#next++;
  }

  text(number: number): string {
    return this.#prefix + number.toString(BASE);
  }

  /**
   * Writes the id of a request where its answer is made.
   * @returns the offset behind it, at most {@link REQUEST_ID_LENGTH_MAX} on
   */
  encodeInto(number: number, bytes: Uint8Array, offset: number): number {
    for (let index = 0; index < PREFIX_LENGTH; index++) bytes[offset + index] = this.#prefixBytes[index] ?? 0;
    const end = offset + PREFIX_LENGTH + digitCount(number);
    let rest = number;
    for (let at = end - 1; at >= offset + PREFIX_LENGTH; at--) {
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
