/** Bytes read as little-endian words, at any offset: a quarter of the loads that reading them one by one takes. */

/** The bytes seen last: a ring is read again and again, and a view of it is made once. */
let viewed: Uint8Array = new Uint8Array(0);
let view = new DataView(viewed.buffer);

/** A view of just these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes;
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return view;
}

/** The `count` bytes before `end`, 0 to 3, as the low bytes of a word. */
export function restBefore(bytes: Uint8Array, end: number, count: number): number {
  if (count === 0) return 0;
  if (count === 1) return bytes[end - 1] as number;
  const two = (bytes[end - count] as number) | ((bytes[end - count + 1] as number) << 8);
  return count === 2 ? two : two | ((bytes[end - 1] as number) << 16);
}
