/** Reading the four texts of a record; the ledger itself never looks into them but for views and the key of a replay. */
import { assert } from './assert.js';
import { NO_TEXTS, type Texts } from './record.js';

// A text may begin with U+FEFF: unless told so, the decoder takes it for a mark and leaves it out.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export interface ReadTexts {
  readonly key: string | null;
  readonly reference: string | null;
  readonly description: string | null;
  readonly metadata: string | null;
}

export function readTexts(texts: Texts): ReadTexts {
  if (texts === NO_TEXTS) return { key: null, reference: null, description: null, metadata: null };
  const view = new DataView(texts.bytes.buffer, texts.bytes.byteOffset + texts.offset, texts.length);
  let at = 0;
  const next = (): string | null => {
    const length = view.getInt32(at);
    at += 4;
    if (length < 0) return null;
    const start = texts.offset + at;
    at += length;
    return decoder.decode(texts.bytes.subarray(start, start + length));
  };
  return { key: next(), reference: next(), description: next(), metadata: next() };
}

/** The bytes of the idempotency key, which stands first. */
export function keyOf(texts: Texts): Uint8Array {
  const { bytes, offset } = texts;
  const length = new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getInt32(0);
  assert(length > 0, 'a keyed record holds its key');
  return bytes.subarray(offset + 4, offset + 4 + length);
}
