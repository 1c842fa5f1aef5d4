/** Bytes to text. */
import { isAscii, isUtf8 } from 'node:buffer';

/** Node's own decoders, which `Buffer` inherits and any `Uint8Array` can be the `this` of; missing in its types. */
interface Slices {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  utf8Slice(this: Uint8Array, start: number, end: number): string;
}
const slices = Buffer.prototype as unknown as Slices;

/** Bytes that are known to be ASCII, as a one-byte string: one native call, no Buffer made. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  return slices.latin1Slice.call(bytes, start, end);
}

/** The text of UTF-8, or null where the bytes are not that. A byte-order mark stays a character. */
export function utf8Text(bytes: Uint8Array): string | null {
  if (isAscii(bytes)) return slices.latin1Slice.call(bytes, 0, bytes.length);
  return isUtf8(bytes) ? slices.utf8Slice.call(bytes, 0, bytes.length) : null;
}
