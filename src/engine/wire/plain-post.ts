/**
 * Postings of the hot shape: one leg, texts of plain ASCII, nothing rare. They are kept as the bytes of the body that
 * they came in, and for each a row of numbers that says where in these bytes its parts stand. From there a record of
 * the ring is written (the very bytes that `encodePost` writes of the same request) and later the answer, so that
 * between body and ring no string and no object is made.
 */
import type { KeyedHash } from '../../ledger/hash.js';
import { asciiPiece, copyAscii, OVERRUN, putPiece } from './ascii-copy.js';
import { HEAD_BYTES, HeadFlag, hashKeyed, MessageKind, type RingTarget, ROUTE_MAX } from './head.js';
import type { MerchantPlace } from './messages.js';
import { BODY_HEAD_BYTES, LEG_BYTES, PostFlag, TIMES_BYTES } from './post.js';
import { asciiText, writeAscii } from './text.js';

/** The numbers of a posting. Starts are offsets in {@link PlainPosts.bytes}, lengths are in bytes. */
export const Plain = {
  /** Of {@link PlainFlag}. */
  flags: 0,
  /** Length 0: the key does not stand in the body. */
  keyStart: 1,
  keyLength: 2,
  /** Start −1: there is none. */
  referenceStart: 3,
  referenceLength: 4,
  descriptionStart: 5,
  descriptionLength: 6,
  /** Seconds; 0: the default. */
  expiresIn: 7,
  debitStart: 8,
  debitLength: 9,
  creditStart: 10,
  creditLength: 11,
  /** Digits, without a leading zero. Length 0: the body has none, as in msgpack. */
  amountStart: 12,
  amountLength: 13,
  /** Their value: a safe integer in two halves. */
  amountLow: 14,
  amountHigh: 15,
  /** The code. */
  currencyStart: 16,
  currencyLength: 17,
  /** The number. */
  currency: 18,
  /** The leg as it stands in the body, if that is how an answer spells it; else length 0. */
  legStart: 19,
  legLength: 20,
} as const;
/** Numbers a posting. */
export const PLAIN_WORDS = 21;
export const PlainFlag = { pending: 1, openAccounts: 2 } as const;

/** The route of all of them: part of their fingerprint. */
export const POST_ROUTE = 'POST /v1/transactions';
const ROUTE = asciiPiece(POST_ROUTE);

const TEXT_FIELDS = 4;
const NO_TEXT = -1;
const LEGS = 1;
const MICROS_PER_SECOND = 1_000_000;
const FIRST_BYTES = 1024;

/** Postings of one body. Made to be used again for the next one: its memory grows to what was needed once. */
export class PlainPosts {
  /** A copy of the body, zeros behind it, and then whatever was there before. */
  bytes = new Uint8Array(FIRST_BYTES);
  view = new DataView(this.bytes.buffer);
  /** {@link PLAIN_WORDS} for each posting. */
  fields = new Int32Array(PLAIN_WORDS);
  count = 0;
  /** Of the body, bytes. */
  length = 0;

  /**
   * Takes a copy of a body. The zeros behind it stop every loop over it, without a look at where it ends, and are what
   * `copyAscii` may read there.
   */
  load(body: Uint8Array): void {
    if (body.length + OVERRUN > this.bytes.length) {
      this.bytes = new Uint8Array(2 ** Math.ceil(Math.log2(body.length + OVERRUN)));
      this.view = new DataView(this.bytes.buffer);
    }
    this.bytes.set(body);
    this.bytes.fill(0, body.length, body.length + OVERRUN);
    this.length = body.length;
    this.count = 0;
  }

  /** Makes room for a posting more. @returns where its numbers begin */
  add(): number {
    const row = this.count * PLAIN_WORDS;
    this.count++;
    if (row + PLAIN_WORDS > this.fields.length) {
      const grown = new Int32Array(this.fields.length * 2);
      grown.set(this.fields);
      this.fields = grown;
    }
    return row;
  }
}

/** The key of a posting, where it stands in the body. */
export function plainKeyOf({ bytes, fields }: PlainPosts, index: number): string {
  const row = index * PLAIN_WORDS;
  const start = word(fields, row + Plain.keyStart);
  return asciiText(bytes, start, start + word(fields, row + Plain.keyLength));
}

/** Bytes that `encodePlain` writes, the route that it hashes included: what to claim. */
export function plainSize(posts: PlainPosts, index: number, key: string | null): number {
  const { fields } = posts;
  const row = index * PLAIN_WORDS;
  return (
    HEAD_BYTES +
    TEXT_FIELDS * 4 +
    (key === null ? word(fields, row + Plain.keyLength) : key.length) +
    word(fields, row + Plain.referenceLength) +
    word(fields, row + Plain.descriptionLength) +
    BODY_HEAD_BYTES +
    TIMES_BYTES +
    LEG_BYTES +
    // Behind the names: what copies overrun, and the route.
    OVERRUN +
    word(fields, row + Plain.debitLength) +
    word(fields, row + Plain.creditLength) +
    ROUTE_MAX
  );
}

/**
 * Writes the record of a posting: byte for byte what `encodePost` (post.ts) writes of the same request.
 * @param key where it does not stand in the body
 * @returns the record's length
 */
export function encodePlain(
  merchant: MerchantPlace,
  requestId: number,
  key: string | null,
  posts: PlainPosts,
  index: number,
  hash: KeyedHash,
  into: RingTarget,
  offset: number,
): number {
  const { view: from, fields } = posts;
  const { bytes, view } = into;
  const row = index * PLAIN_WORDS;
  view.setInt32(offset, MessageKind.post | (HeadFlag.keyed << 8) | (merchant.shard << 16), true);
  view.setUint32(offset + 4, requestId, true);
  view.setUint32(offset + 8, merchant.book, true);

  const texts = offset + HEAD_BYTES;
  const keyLength = key === null ? word(fields, row + Plain.keyLength) : key.length;
  view.setInt32(texts, keyLength);
  let at =
    key === null
      ? copyAscii(from, word(fields, row + Plain.keyStart), keyLength, view, texts + 4)
      : writeAscii(bytes, texts + 4, key);
  at = writeTextOf(fields, row + Plain.referenceStart, from, view, at);
  at = writeTextOf(fields, row + Plain.descriptionStart, from, view, at);
  view.setInt32(at, NO_TEXT);
  at += 4;
  view.setUint32(offset + 12, at - texts, true);

  const end = writeBody(fields, row, from, view, at);
  hashKeyed(merchant.book, keyLength, hash, into, offset, putPiece(ROUTE, view, end));
  return end - offset;
}

function writeBody(fields: Int32Array, row: number, from: DataView, view: DataView, offset: number): number {
  const flags = word(fields, row + Plain.flags);
  const expiresIn = word(fields, row + Plain.expiresIn);
  const postFlags =
    ((flags & PlainFlag.pending) === 0 ? 0 : PostFlag.pending) |
    ((flags & PlainFlag.openAccounts) === 0 ? 0 : PostFlag.openAccounts) |
    (expiresIn === 0 ? 0 : PostFlag.times);
  view.setUint16(offset, postFlags | (LEGS << 8), true);
  let at = offset + BODY_HEAD_BYTES;
  if (expiresIn !== 0) {
    view.setFloat64(at, expiresIn * MICROS_PER_SECOND, true);
    view.setFloat64(at + 8, 0, true);
    at += TIMES_BYTES;
  }
  const debitLength = word(fields, row + Plain.debitLength);
  const creditLength = word(fields, row + Plain.creditLength);
  view.setInt32(at, word(fields, row + Plain.amountLow), true);
  view.setInt32(at + 4, word(fields, row + Plain.amountHigh), true);
  view.setInt32(at + 8, word(fields, row + Plain.currency) | (debitLength << 16) | (creditLength << 24), true);
  at = copyAscii(from, word(fields, row + Plain.debitStart), debitLength, view, at + LEG_BYTES);
  return copyAscii(from, word(fields, row + Plain.creditStart), creditLength, view, at);
}

/** A text as a COPY field; its start and length stand at `place`. */
function writeTextOf(fields: Int32Array, place: number, from: DataView, view: DataView, offset: number): number {
  const start = word(fields, place);
  if (start < 0) {
    view.setInt32(offset, NO_TEXT);
    return offset + 4;
  }
  const length = word(fields, place + 1);
  view.setInt32(offset, length);
  return copyAscii(from, start, length, view, offset + 4);
}

/** Rows are within the fields: `add` made room for them. */
const word = (fields: Int32Array, at: number): number => fields[at] as number;
