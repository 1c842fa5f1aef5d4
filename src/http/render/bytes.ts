/** Pieces of JSON as bytes. All of them are ASCII. Each function returns where what it wrote ends. */
import type { Micros } from '../../ledger/record.js';
import { formatTime } from './time.js';

const ZERO = 0x30;
const MICROS_PER_SECOND = 1_000_000;
const TWO_31 = 2 ** 31;
/** "2026-11-21T10:17:03." */
const SECOND_LENGTH = 20;
const FRACTION_DIGITS = 6;
const Z = 0x5a;

export const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Copies within the few dozen bytes for which a loop is done before a native copy has begun. */
export function put(from: Uint8Array, start: number, length: number, into: Uint8Array, offset: number): number {
  for (let i = 0; i < length; i++) into[offset + i] = from[start + i] as number; // within `from`
  return offset + length;
}

/** @param value an integer from 0 to 2^53−1 */
export function putInteger(value: number, into: Uint8Array, offset: number): number {
  if (value >= TWO_31) return putText(String(value), into, offset);
  let digits = 1;
  for (let bound = 10; digits < 10 && value >= bound; bound *= 10) digits++;
  putDigits(value, digits, into, offset);
  return offset + digits;
}

let cachedSecond = -1;
const cachedText = new Uint8Array(SECOND_LENGTH);

/** What {@link formatTime} gives. */
export function putTime(micros: Micros, into: Uint8Array, offset: number): number {
  const second = Math.floor(micros / MICROS_PER_SECOND);
  if (second !== cachedSecond) {
    putText(formatTime(micros).substring(0, SECOND_LENGTH), cachedText, 0);
    cachedSecond = second;
  }
  const at = put(cachedText, 0, SECOND_LENGTH, into, offset);
  putDigits(micros - second * MICROS_PER_SECOND, FRACTION_DIGITS, into, at);
  into[at + FRACTION_DIGITS] = Z;
  return at + FRACTION_DIGITS + 1;
}

/** The last digits of an int32. */
function putDigits(value: number, digits: number, into: Uint8Array, offset: number): void {
  let left = value | 0;
  for (let i = digits - 1; i >= 0; i--) {
    const rest = (left / 10) | 0;
    into[offset + i] = ZERO + left - rest * 10;
    left = rest;
  }
}

function putText(text: string, into: Uint8Array, offset: number): number {
  for (let i = 0; i < text.length; i++) into[offset + i] = text.charCodeAt(i);
  return offset + text.length;
}
