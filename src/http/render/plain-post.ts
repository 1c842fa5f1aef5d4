/**
 * The answer to a fresh posting of the hot shape, from the bytes of its own body: what `renderPosted` gives of the same
 * request. Its names and texts are of characters that JSON needs no escape for; others are not of that shape.
 */
import { type AsciiPiece, asciiPiece, copyAscii, putPiece } from '../../engine/wire/ascii-copy.js';
import { PLAIN_WORDS, Plain, PlainFlag, type PlainPosts } from '../../engine/wire/plain-post.js';
import type { Micros } from '../../ledger/record.js';
import type { IdCodec } from '../../platform/ids/id-codec.js';
import type { AnswerBuffer } from './answer-buffer.js';
import { putInteger, putTime } from './bytes.js';

const ID = asciiPiece('{"id":"');
const POSTED = asciiPiece('","kind":"transaction","status":"posted","legs":[');
const PENDING = asciiPiece('","kind":"transaction","status":"pending","legs":[');
const DEBIT = asciiPiece('{"debit":"');
const CREDIT = asciiPiece('","credit":"');
const AMOUNT = asciiPiece('","amount":');
const CURRENCY = asciiPiece(',"currency":"');
const LEG_END = asciiPiece('"}');
const LEGS_END = asciiPiece(']');
const REFERENCE = asciiPiece(',"reference":"');
const DESCRIPTION = asciiPiece(',"description":"');
const CREATED_AT = asciiPiece(',"created_at":"');
const EFFECTIVE_AT = asciiPiece('","effective_at":"');
const EXPIRES_AT = asciiPiece(',"expires_at":"');
const REMAINING = asciiPiece(',"captured":0,"remaining":');
const RELEASED = asciiPiece(',"released":0,"reversed":0');
const SEQUENCE = asciiPiece(',"sequence":');
const QUOTE = 0x22;
const CLOSE_BRACE = 0x7d;

/** Of one answer, beside names and texts: all pieces, an id, three times, two amounts, a sequence, and an overrun. */
const FIXED_BYTES_MAX = 512;

/** Most bytes of the answers to all postings of one body. */
export const plainAnswersSizeMax = (posts: PlainPosts): number => posts.length + posts.count * FIXED_BYTES_MAX;

/** Most bytes of the answer to one of them in msgpack, where a head of a text takes no more than is fixed. */
export function plainAnswerSizeMax({ fields }: PlainPosts, index: number): number {
  const row = index * PLAIN_WORDS;
  return (
    FIXED_BYTES_MAX +
    word(fields, row + Plain.debitLength) +
    word(fields, row + Plain.creditLength) +
    word(fields, row + Plain.currencyLength) +
    word(fields, row + Plain.referenceLength) +
    word(fields, row + Plain.descriptionLength)
  );
}

/**
 * @param logId of the shard
 * @param expiresAt 0 where it is no hold
 * @returns where it ends
 */
export function renderPlain(
  posts: PlainPosts,
  index: number,
  ids: IdCodec,
  logId: number,
  position: number,
  sequence: number,
  recordedAt: Micros,
  expiresAt: Micros,
  into: AnswerBuffer,
  offset: number,
): number {
  const { view: from, fields } = posts;
  const { bytes, view } = into;
  const row = index * PLAIN_WORDS;
  const pending = (word(fields, row + Plain.flags) & PlainFlag.pending) !== 0;
  let at = ids.encodeInto(logId, position, bytes, putPiece(ID, view, offset));
  at = putPiece(pending ? PENDING : POSTED, view, at);
  at = leg(fields, row, from, view, at);
  at = putPiece(LEGS_END, view, at);
  at = text(REFERENCE, fields, row + Plain.referenceStart, from, view, at);
  at = text(DESCRIPTION, fields, row + Plain.descriptionStart, from, view, at);
  const createdAt = putPiece(CREATED_AT, view, at);
  at = putTime(recordedAt, into, createdAt);
  const timeLength = at - createdAt;
  at = putPiece(EFFECTIVE_AT, view, at);
  at = copyAscii(view, createdAt, timeLength, view, at);
  bytes[at++] = QUOTE;
  if (expiresAt !== 0) {
    at = putTime(expiresAt, into, putPiece(EXPIRES_AT, view, at));
    bytes[at++] = QUOTE;
  }
  if (pending) {
    at = part(fields, row + Plain.amountStart, from, view, putPiece(REMAINING, view, at));
    at = putPiece(RELEASED, view, at);
  }
  at = putInteger(sequence, bytes, putPiece(SEQUENCE, view, at));
  bytes[at] = CLOSE_BRACE;
  return at + 1;
}

function leg(fields: Int32Array, row: number, from: DataView, into: DataView, offset: number): number {
  if (word(fields, row + Plain.legLength) !== 0) return part(fields, row + Plain.legStart, from, into, offset);
  let at = part(fields, row + Plain.debitStart, from, into, putPiece(DEBIT, into, offset));
  at = part(fields, row + Plain.creditStart, from, into, putPiece(CREDIT, into, at));
  at = part(fields, row + Plain.amountStart, from, into, putPiece(AMOUNT, into, at));
  at = part(fields, row + Plain.currencyStart, from, into, putPiece(CURRENCY, into, at));
  return putPiece(LEG_END, into, at);
}

function text(
  name: AsciiPiece,
  fields: Int32Array,
  place: number,
  from: DataView,
  into: DataView,
  offset: number,
): number {
  if (word(fields, place) < 0) return offset;
  const at = part(fields, place, from, into, putPiece(name, into, offset));
  into.setUint8(at, QUOTE);
  return at + 1;
}

/** What stands in the body at the start and length of a pair of numbers. */
function part(fields: Int32Array, place: number, from: DataView, into: DataView, offset: number): number {
  return copyAscii(from, word(fields, place), word(fields, place + 1), into, offset);
}

/** Rows are within the fields: they were read into. */
const word = (fields: Int32Array, at: number): number => fields[at] as number;
