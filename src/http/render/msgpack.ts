import { Packr } from 'msgpackr';

// No records or extensions: what is sent can be read by any decoder, and by our own strict one.
const packr = new Packr({ useRecords: false, variableMapSize: true });

const UINT32_MAX = 0xffffffff;

/** The same content as a JSON text or its UTF-8 bytes, as msgpack. Amounts beyond 2^53−1 are strings in both. */
export function toMsgpack(given: string | Uint8Array): Uint8Array {
  const json = typeof given === 'string' ? given : Buffer.from(given).toString();
  // Revivers are slow, so only where one is needed: for large numbers, and for what the packer takes for an instance of a
  // class, a map with a member "constructor", which may be written with escapes.
  const needsCare = /\d{10}|constructor|\\u/.test(json);
  return packr.pack(needsCare ? JSON.parse(json, asPacked) : JSON.parse(json));
}

/** A text as it is. */
export const textToMsgpack = (text: string): Uint8Array => packr.pack(text);

/** The packer writes numbers beyond 32 bits as floats, and bigints as integers; and a Map for what it is. */
function asPacked(_key: string, value: unknown): unknown {
  if (typeof value === 'number') return Math.abs(value) > UINT32_MAX ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.hasOwn(value, 'constructor') ? new Map(Object.entries(value)) : value;
}
