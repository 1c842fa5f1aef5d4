/**
 * The answer to a fresh posting of the hot shape, from the bytes of its own body: what `renderPosted` gives of the same
 * request. Its names and texts are of characters that JSON needs no escape for; others are not of that shape.
 */
import { PLAIN_WORDS, Plain, PlainFlag, type PlainPosts } from '../../engine/wire/plain-post.js';
import type { Micros } from '../../ledger/record.js';
import type { IdCodec } from '../../platform/ids/id-codec.js';
import { ascii, put, putInteger, putTime } from './bytes.js';

const ID = ascii('{"id":"');
const POSTED = ascii('","kind":"transaction","status":"posted","legs":[{"debit":"');
const PENDING = ascii('","kind":"transaction","status":"pending","legs":[{"debit":"');
const CREDIT = ascii('","credit":"');
const AMOUNT = ascii('","amount":');
const CURRENCY = ascii(',"currency":"');
const LEGS_END = ascii('"}]');
const REFERENCE = ascii(',"reference":"');
const DESCRIPTION = ascii(',"description":"');
const CREATED_AT = ascii(',"created_at":"');
const EFFECTIVE_AT = ascii('","effective_at":"');
const EXPIRES_AT = ascii(',"expires_at":"');
const REMAINING = ascii(',"captured":0,"remaining":');
const RELEASED = ascii(',"released":0,"reversed":0');
const SEQUENCE = ascii(',"sequence":');
const QUOTE = 0x22;
const CLOSE_BRACE = 0x7d;

/** Of one answer, beside names and texts: all pieces, an id, three times, two amounts and a sequence. */
const FIXED_BYTES_MAX = 512;

/** Most bytes of the answers to all postings of one body. */
export const plainAnswersSizeMax = (posts: PlainPosts): number => posts.length + posts.count * FIXED_BYTES_MAX;

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
  into: Uint8Array,
  offset: number,
): number {
  const { bytes, fields } = posts;
  const row = index * PLAIN_WORDS;
  const pending = (word(fields, row + Plain.flags) & PlainFlag.pending) !== 0;
  let at = piece(ID, into, offset);
  at = ids.encodeInto(logId, position, into, at);
  at = piece(pending ? PENDING : POSTED, into, at);
  at = part(fields, row + Plain.debitStart, bytes, into, at);
  at = piece(CREDIT, into, at);
  at = part(fields, row + Plain.creditStart, bytes, into, at);
  at = piece(AMOUNT, into, at);
  at = part(fields, row + Plain.amountStart, bytes, into, at);
  at = piece(CURRENCY, into, at);
  at = part(fields, row + Plain.currencyStart, bytes, into, at);
  at = piece(LEGS_END, into, at);
  at = text(REFERENCE, fields, row + Plain.referenceStart, bytes, into, at);
  at = text(DESCRIPTION, fields, row + Plain.descriptionStart, bytes, into, at);
  at = piece(CREATED_AT, into, at);
  const createdAt = at;
  at = putTime(recordedAt, into, at);
  const timeLength = at - createdAt;
  at = piece(EFFECTIVE_AT, into, at);
  at = put(into, createdAt, timeLength, into, at);
  into[at++] = QUOTE;
  if (expiresAt !== 0) {
    at = putTime(expiresAt, into, piece(EXPIRES_AT, into, at));
    into[at++] = QUOTE;
  }
  if (pending) {
    at = part(fields, row + Plain.amountStart, bytes, into, piece(REMAINING, into, at));
    at = piece(RELEASED, into, at);
  }
  at = putInteger(sequence, into, piece(SEQUENCE, into, at));
  into[at] = CLOSE_BRACE;
  return at + 1;
}

function text(
  name: Uint8Array,
  fields: Int32Array,
  place: number,
  bytes: Uint8Array,
  into: Uint8Array,
  offset: number,
): number {
  if (word(fields, place) < 0) return offset;
  const at = part(fields, place, bytes, into, piece(name, into, offset));
  into[at] = QUOTE;
  return at + 1;
}

/** What stands in the body at the start and length of a pair of numbers. */
function part(fields: Int32Array, place: number, bytes: Uint8Array, into: Uint8Array, offset: number): number {
  return put(bytes, word(fields, place), word(fields, place + 1), into, offset);
}

const piece = (from: Uint8Array, into: Uint8Array, offset: number): number => put(from, 0, from.length, into, offset);

/** Rows are within the fields: they were read into. */
const word = (fields: Int32Array, at: number): number => fields[at] as number;
