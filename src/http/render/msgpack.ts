import { Packr } from 'msgpackr';

// No records or extensions: what is sent can be read by any decoder, and by our own strict one.
const packr = new Packr({ useRecords: false, variableMapSize: true });

/** The same content as a JSON text, as msgpack. Amounts beyond 2^53−1 are strings in both. */
export function toMsgpack(json: string): Uint8Array {
  return packr.pack(JSON.parse(json));
}
