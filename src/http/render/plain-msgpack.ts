/**
 * The answer to a fresh posting of the hot shape in msgpack, from the bytes of its own body: what `toMsgpack` makes of the
 * JSON that `renderPosted` gives of the same request.
 *
 * Names and texts are copied eight bytes at a time (ascii-copy.ts), and so are the pieces between them. The heads of short
 * strings (0xa0 to 0xbf), in the pieces and behind what is copied from a body of this shape, never make a float64 that is
 * not a number.
 */
import { asciiPiece, copyAscii, putPiece } from '../../engine/wire/ascii-copy.js';
import { PLAIN_WORDS, Plain, PlainFlag, type PlainPosts } from '../../engine/wire/plain-post.js';
import type { Micros } from '../../ledger/record.js';
import type { IdCodec } from '../../platform/ids/id-codec.js';
import { ID_LENGTH } from '../../platform/ids/id-codec.js';
import type { AnswerBuffer } from './answer-buffer.js';
import { putTime, TIME_LENGTH } from './bytes.js';

const TWO_32 = 2 ** 32;
const SHORT_STRING = 0xa0;
const SHORT_STRING_MAX = 31;
const MAP = 0x80;
/** id, kind, status, legs, created_at, effective_at and sequence; of a hold expires_at, captured, remaining, released, reversed. */
const MEMBERS = 7;
const MEMBERS_OF_HOLD = 5;

const head = (byte: number): string => String.fromCharCode(byte);
const string = (text: string): string => head(SHORT_STRING | text.length) + text;

const ID = asciiPiece(string('id') + head(SHORT_STRING | ID_LENGTH));
const BEFORE_LEG = string('legs') + head(0x91) + head(0x84) + string('debit');
const POSTED = asciiPiece(string('kind') + string('transaction') + string('status') + string('posted') + BEFORE_LEG);
const PENDING = asciiPiece(string('kind') + string('transaction') + string('status') + string('pending') + BEFORE_LEG);
const CREDIT = asciiPiece(string('credit'));
const AMOUNT = asciiPiece(string('amount'));
const CURRENCY = asciiPiece(string('currency'));
const REFERENCE = asciiPiece(string('reference'));
const DESCRIPTION = asciiPiece(string('description'));
const CREATED_AT = asciiPiece(string('created_at') + head(SHORT_STRING | TIME_LENGTH));
const EFFECTIVE_AT = asciiPiece(string('effective_at') + head(SHORT_STRING | TIME_LENGTH));
const EXPIRES_AT = asciiPiece(string('expires_at') + head(SHORT_STRING | TIME_LENGTH));
const REMAINING = asciiPiece(`${string('captured')}\0${string('remaining')}`);
const RELEASED = asciiPiece(`${string('released')}\0${string('reversed')}\0`);
const SEQUENCE = asciiPiece(string('sequence'));

/**
 * @param logId of the shard
 * @param expiresAt 0 where it is no hold
 * @returns where it ends
 */
export function renderPlainMsgpack(
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
  bytes[offset] = MAP | (MEMBERS + textCount(fields, row) + (pending ? MEMBERS_OF_HOLD : 0));
  let at = ids.encodeInto(logId, position, bytes, putPiece(ID, view, offset + 1));
  at = text(fields, row + Plain.debitStart, from, into, putPiece(pending ? PENDING : POSTED, view, at));
  at = text(fields, row + Plain.creditStart, from, into, putPiece(CREDIT, view, at));
  at = amount(fields, row, into, putPiece(AMOUNT, view, at));
  at = text(fields, row + Plain.currencyStart, from, into, putPiece(CURRENCY, view, at));
  if (word(fields, row + Plain.referenceStart) >= 0)
    at = text(fields, row + Plain.referenceStart, from, into, putPiece(REFERENCE, view, at));
  if (word(fields, row + Plain.descriptionStart) >= 0)
    at = text(fields, row + Plain.descriptionStart, from, into, putPiece(DESCRIPTION, view, at));
  const createdAt = putPiece(CREATED_AT, view, at);
  at = putPiece(EFFECTIVE_AT, view, putTime(recordedAt, into, createdAt));
  at = copyAscii(view, createdAt, TIME_LENGTH, view, at);
  if (pending) {
    at = putTime(expiresAt, into, putPiece(EXPIRES_AT, view, at));
    at = amount(fields, row, into, putPiece(REMAINING, view, at));
    at = putPiece(RELEASED, view, at);
  }
  return integer(sequence, into, putPiece(SEQUENCE, view, at));
}

const textCount = (fields: Int32Array, row: number): number =>
  (word(fields, row + Plain.referenceStart) < 0 ? 0 : 1) + (word(fields, row + Plain.descriptionStart) < 0 ? 0 : 1);

/** What stands in the body at the start and length of a pair of numbers, as a string of the shortest form. */
function text(
  fields: Int32Array,
  place: number,
  from: DataView,
  { bytes, view }: AnswerBuffer,
  offset: number,
): number {
  const length = word(fields, place + 1);
  let at = offset;
  if (length <= SHORT_STRING_MAX) bytes[at++] = SHORT_STRING | length;
  else if (length <= 0xff) {
    bytes[at] = 0xd9;
    bytes[at + 1] = length;
    at += 2;
  } else {
    bytes[at] = 0xda;
    view.setUint16(at + 1, length);
    at += 3;
  }
  return copyAscii(from, word(fields, place), length, view, at);
}

const amount = (fields: Int32Array, row: number, into: AnswerBuffer, offset: number): number =>
  integer(word(fields, row + Plain.amountHigh) * TWO_32 + (word(fields, row + Plain.amountLow) >>> 0), into, offset);

/** @param value from 0 to 2^53−1 */
function integer(value: number, { bytes, view }: AnswerBuffer, offset: number): number {
  if (value < 0x80) {
    bytes[offset] = value;
    return offset + 1;
  }
  if (value <= 0xff) {
    bytes[offset] = 0xcc;
    bytes[offset + 1] = value;
    return offset + 2;
  }
  if (value <= 0xffff) {
    bytes[offset] = 0xcd;
    view.setUint16(offset + 1, value);
    return offset + 3;
  }
  if (value < TWO_32) {
    bytes[offset] = 0xce;
    view.setUint32(offset + 1, value);
    return offset + 5;
  }
  // Signed, as the packer of all other answers writes it.
  bytes[offset] = 0xd3;
  view.setUint32(offset + 1, value / TWO_32);
  view.setUint32(offset + 5, value >>> 0);
  return offset + 9;
}

/** Rows are within the fields: they were read into. */
const word = (fields: Int32Array, at: number): number => fields[at] as number;
