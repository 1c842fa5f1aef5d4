/**
 * Where strings, names and numbers of the hot shape end. A zero stands behind the body, which none of them goes on over,
 * so no loop looks for the body's end.
 */
import { NAME_CHARACTERS, NAME_LENGTH_MAX } from '../parse/name.js';

const SPACE = 0x20;
export const QUOTE = 0x22;
const DOT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

/** Numbers of up to 15 digits are safe integers. */
const SAFE_DIGITS = 15;

/** Where white space ends. */
export function skipSpace(bytes: Uint8Array, start: number): number {
  let i = start;
  let c = bytes[i];
  while (c === SPACE || c === 0x0a || c === 0x0d || c === 0x09) c = bytes[++i];
  return i;
}

/** Behind a byte that comes next but for white space; −1 where another does, or where `start` is −1 already. */
export function behind(bytes: Uint8Array, start: number, byte: number): number {
  if (start < 0) return -1;
  const at = bytes[start] === byte ? start : skipSpace(bytes, start);
  return bytes[at] === byte ? at + 1 : -1;
}

/** Whether these characters stand there. */
export function spells(bytes: Uint8Array, start: number, expected: string): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected.charCodeAt(i)) return false;
  return true;
}

/** By byte: 1 where it may stand in a string as it is. One look-up a byte costs less than comparing with each bound. */
const STRING_CHARACTERS = new Uint8Array(256).fill(1, SPACE, DELETE);
STRING_CHARACTERS[QUOTE] = 0;
STRING_CHARACTERS[BACKSLASH] = 0;

/** By byte: 1 where it may stand in a segment of an account's name. */
const SEGMENT_CHARACTERS = new Uint8Array(256);
SEGMENT_CHARACTERS.set(NAME_CHARACTERS);

/** Of a string, behind its first quote: where its last quote stands; −1 unless it is printable ASCII without escapes. */
export function stringEnd(bytes: Uint8Array, start: number): number {
  let i = start;
  while (STRING_CHARACTERS[bytes[i] as number] === 1) i++; // a zero stands behind the body
  return bytes[i] === QUOTE ? i : -1;
}

/** The same of an account's name. Names with a segment that begins with a dot are left to the strict way. */
export function nameEnd(bytes: Uint8Array, start: number): number {
  const end = segmentsEnd(bytes, start);
  return end >= 0 && bytes[end] === QUOTE && end - start <= NAME_LENGTH_MAX ? end : -1;
}

/** Behind the segments of a name, with slashes between them; −1 where one is empty or begins with a dot. */
function segmentsEnd(bytes: Uint8Array, start: number): number {
  for (let i = start; ; i++) {
    const segment = i;
    while (SEGMENT_CHARACTERS[bytes[i] as number] === 1) i++; // a zero stands behind the body
    if (i === segment || bytes[segment] === DOT) return -1;
    if (bytes[i] !== SLASH) return i;
  }
}

/** Whether what stands there is such a name, or printable ASCII that JSON needs no escapes for, and nothing else. */
export const isName = (bytes: Uint8Array, start: number, length: number): boolean =>
  length <= NAME_LENGTH_MAX && segmentsEnd(bytes, start) === start + length;

export function isText(bytes: Uint8Array, start: number, length: number): boolean {
  for (let i = start; i < start + length; i++) if (STRING_CHARACTERS[bytes[i] as number] !== 1) return false; // in the body
  return true;
}

/** Of a positive integer: behind its last digit; −1 unless it has 1 to 15 digits and no zero in front. */
export function integerEnd(bytes: Uint8Array, start: number): number {
  let i = start;
  while (((bytes[i] as number) - ZERO) >>> 0 <= 9) i++; // a zero byte stands behind the body
  return i === start || i - start > SAFE_DIGITS || bytes[start] === ZERO ? -1 : i;
}

/** The value of digits. */
export function integerOf(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value = value * 10 + (bytes[i] as number) - ZERO; // within the body
  return value;
}
