/** Reading the four texts of a record; the ledger itself never looks into them but for views and the key of a replay. */
import { assert } from './assert.js';
import { NO_TEXTS, type Texts } from './record.js';
import { viewOf } from './words.js';

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
    at += TEXT_HEAD_BYTES;
    if (length < 0) return null;
    const start = texts.offset + at;
    at += length;
    return decoder.decode(texts.bytes.subarray(start, start + length));
  };
  return { key: next(), reference: next(), description: next(), metadata: next() };
}

/** The length before each text. */
export const TEXT_HEAD_BYTES = 4;

/** Of the idempotency key in bytes; it stands first. Without a view of its own: a start asks for millions. */
export function keyLength({ bytes, offset }: Texts): number {
  const length = viewOf(bytes).getInt32(offset);
  assert(length > 0, 'a keyed record holds its key');
  return length;
}
