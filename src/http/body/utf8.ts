/** Bytes to text. */
import { isAscii, isUtf8 } from 'node:buffer';
import { asciiText } from '../../engine/wire/text.js';

/** Node's own decoder, which `Buffer` inherits and any `Uint8Array` can be the `this` of; missing in its types. */
interface Slices {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
}
const slices = Buffer.prototype as unknown as Slices;

/** The text of UTF-8, or null where the bytes are not that. A byte-order mark stays a character. */
export function utf8Text(bytes: Uint8Array): string | null {
  if (isAscii(bytes)) return asciiText(bytes, 0, bytes.length);
  return isUtf8(bytes) ? slices.utf8Slice.call(bytes, 0, bytes.length) : null;
}
