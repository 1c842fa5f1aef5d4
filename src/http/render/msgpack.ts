import { Packr } from 'msgpackr';

// No records or extensions: what is sent can be read by any decoder, and by our own strict one.
const packr = new Packr({ useRecords: false, variableMapSize: true });

const UINT32_MAX = 0xffffffff;

/** The same content as a JSON text or its UTF-8 bytes, as msgpack. Amounts beyond 2^53−1 are strings in both. */
export function toMsgpack(given: string | Uint8Array): Uint8Array {
  const json = typeof given === 'string' ? given : Buffer.from(given).toString();
  // The packer writes numbers beyond 32 bits as floats, and bigints as integers.
  const value: unknown = /\d{10}/.test(json) ? JSON.parse(json, wideAsBigint) : JSON.parse(json);
  return packr.pack(value);
}

function wideAsBigint(_key: string, value: unknown): unknown {
  return typeof value === 'number' && Math.abs(value) > UINT32_MAX ? BigInt(value) : value;
}
