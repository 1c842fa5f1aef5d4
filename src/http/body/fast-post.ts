/**
 * The hot shape: a posting of one leg in JSON, alone or as an item of an independent batch, read straight from its bytes
 * into numbers that say where its parts stand. It takes a part of what `readJson` and `parsePost` or `parseBatch` take,
 * and means exactly what they mean; whatever it does not know at once, they decide.
 *
 * What it buys: one pass over the bytes that makes nothing, no strings and no objects (the strict way makes about twenty
 * objects a posting). Zeros stand behind the body, which no loop takes for anything, so that none looks for the end.
 */
import type { PlainPosts } from '../../engine/wire/plain-post.js';
import { BATCH_ITEMS_MAX } from '../parse/batch.js';
import type { ParseContext } from '../parse/context.js';
import { keysDiffer } from './distinct-keys.js';
import { ALONE, ITEM } from './field-names.js';
import { legIsOne, setNone } from './plain-row.js';
import { readFields } from './posting-fields.js';
import { PostingShape } from './posting-shape.js';
import { behind, QUOTE, skipSpace, spells } from './scan.js';

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const TRANSACTIONS = 'transactions"';

/** Larger bodies are rare, and have parts that only the strict way reads. */
const BODY_BYTES_MAX = 4096;

const aloneShape = new PostingShape();
const itemShape = new PostingShape();

/** @returns false whenever anything is unusual: then `readJson` and `parsePost` decide */
export function readFastPost(body: Uint8Array, context: ParseContext, into: PlainPosts): boolean {
  if (body.length > BODY_BYTES_MAX) return false;
  into.load(body);
  return isEnd(into, readPosting(into, 0, ALONE, aloneShape, context));
}

/**
 * `{"transactions":[…]}` of postings of the hot shape, each with a key that no other has.
 * @returns false whenever anything is unusual anywhere: then `readJson` and `parseBatch` decide about the whole
 */
export function readFastBatch(body: Uint8Array, context: ParseContext, into: PlainPosts): boolean {
  into.load(body);
  const { bytes } = into;
  let at = behind(bytes, behind(bytes, 0, OPEN_BRACE), QUOTE);
  if (at < 0 || !spells(bytes, at, TRANSACTIONS)) return false;
  at = behind(bytes, behind(bytes, at + TRANSACTIONS.length, COLON), OPEN_BRACKET);
  for (;;) {
    if (at < 0 || into.count === BATCH_ITEMS_MAX) return false;
    const end = readPosting(into, at, ITEM, itemShape, context);
    if (end < 0) return false;
    at = behind(bytes, end, COMMA);
    if (at >= 0) continue;
    at = behind(bytes, behind(bytes, end, CLOSE_BRACKET), CLOSE_BRACE);
    return isEnd(into, at) && keysDiffer(into);
  }
}

/** @returns whether nothing but white space stands behind `at`, which is −1 where there was a fault */
const isEnd = ({ bytes, length }: PlainPosts, at: number): boolean => at >= 0 && skipSpace(bytes, at) === length;

/** Reads a posting into a new row. @returns where it ends; −1 where anything is unusual */
function readPosting(
  into: PlainPosts,
  from: number,
  allowed: number,
  shape: PostingShape,
  context: ParseContext,
): number {
  const row = into.add();
  const start = skipSpace(into.bytes, from);
  setNone(into.fields, row);
  let end = shape.read(into, row, start);
  if (end < 0) {
    setNone(into.fields, row);
    end = readFields(into, row, start, allowed);
    if (end < 0) return -1;
    shape.learn(into, row, start, end);
  }
  return legIsOne(into, row, context) ? end : -1;
}
