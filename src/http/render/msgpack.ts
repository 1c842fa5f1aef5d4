/** The same content as a JSON text, as msgpack. */
export function toMsgpack(_json: string): Uint8Array {
  throw new Error('not built yet');
}
