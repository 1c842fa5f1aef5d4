/** Numbers and times of JSON as bytes. Each function returns where what it wrote ends. */
import { asciiPiece, putPiece } from '../../engine/wire/ascii-copy.js';
import type { Micros } from '../../ledger/record.js';
import type { AnswerBuffer } from './answer-buffer.js';
import { formatTime } from './time.js';

const ZERO = 0x30;
const MICROS_PER_SECOND = 1_000_000;
const TWO_31 = 2 ** 31;
const SECOND_LENGTH = 20;
const FRACTION_DIGITS = 6;
const Z = 0x5a;
/** Of every time, in characters. */
export const TIME_LENGTH = SECOND_LENGTH + FRACTION_DIGITS + 1;

/** @param value an integer from 0 to 2^53−1 */
export function putInteger(value: number, into: Uint8Array, offset: number): number {
  if (value >= TWO_31) return putText(String(value), into, offset);
  let digits = 1;
  for (let bound = 10; digits < 10 && value >= bound; bound *= 10) digits++;
  putDigits(value, digits, into, offset);
  return offset + digits;
}

/** "2026-11-21T10:17:03." of the time before. */
let cachedText = asciiPiece('');
let cachedSecond = -1;

/** What {@link formatTime} gives. */
export function putTime(micros: Micros, into: AnswerBuffer, offset: number): number {
  const second = Math.floor(micros / MICROS_PER_SECOND);
  if (second !== cachedSecond) {
    cachedText = asciiPiece(formatTime(micros).substring(0, SECOND_LENGTH));
    cachedSecond = second;
  }
  const at = putPiece(cachedText, into.view, offset);
  putDigits(micros - second * MICROS_PER_SECOND, FRACTION_DIGITS, into.bytes, at);
  into.bytes[at + FRACTION_DIGITS] = Z;
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
