/** Strings to bytes. Most are short and ASCII, where a loop beats a call into the engine several times over. */

const NONE = -1;
const LOOP_CHARACTERS_MAX = 64;
const encoder = new TextEncoder();

/** Most bytes that `writeText` takes. */
export const textSizeMax = (text: string | null): number => 4 + (text === null ? 0 : text.length * 3);

/**
 * Writes a COPY field: int32 length, big-endian (−1 for none), and UTF-8.
 * @returns where it ends
 */
export function writeText(bytes: Uint8Array, view: DataView, offset: number, text: string | null): number {
  if (text === null) {
    view.setInt32(offset, NONE);
    return offset + 4;
  }
  const length = writeUtf8(bytes, offset + 4, text);
  view.setInt32(offset, length);
  return offset + 4 + length;
}

/** @returns how many bytes it took */
function writeUtf8(bytes: Uint8Array, offset: number, text: string): number {
  if (text.length > LOOP_CHARACTERS_MAX) return encoder.encodeInto(text, bytes.subarray(offset)).written;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 127) return encoder.encodeInto(text, bytes.subarray(offset)).written;
    bytes[offset + index] = code;
  }
  return text.length;
}

/** Node's own decoder, which `Buffer` inherits and any `Uint8Array` can be the `this` of; missing in its types. */
const slices = Buffer.prototype as unknown as { latin1Slice(this: Uint8Array, start: number, end: number): string };

/** Bytes that are known to be ASCII, as a one-byte string: one native call, no Buffer made. */
export const asciiText = (bytes: Uint8Array, start: number, end: number): string =>
  slices.latin1Slice.call(bytes, start, end);

/** For what is known to be ASCII: names of accounts, routes. @returns where it ends */
export function writeAscii(bytes: Uint8Array, offset: number, text: string): number {
  for (let index = 0; index < text.length; index++) bytes[offset + index] = text.charCodeAt(index);
  return offset + text.length;
}
