/**
 * The head of every request on a ring, and its texts. Numbers are little-endian.
 *
 * ```
 *  0 u8  kind (MessageKind)
 *  1 u8  flags: 1 keyed, 2 dry run
 *  2 u16 index of the shard
 *  4 u32 request id: the front's own, comes back in the answer
 *  8 u32 book
 * 12 u32 length of the texts
 * 16 4 × i32 keyed hash of (book, key); 0 where not keyed
 * 32 2 × i32 fingerprint, high word first; 0 where not keyed
 * 40 texts: key, reference, description, metadata as COPY fields (see `Texts` in the ledger's record.ts)
 *    body, by kind
 * ```
 *
 * The fingerprint is taken over all that follows the key (the other texts, the body) and the route. So the body's bytes
 * must be a function of the request's meaning alone: no addresses, no ids of the request, one spelling of each value.
 */
import type { CommandHead } from '../../ledger/command.js';
import type { KeyedHash } from '../../ledger/hash.js';
import { DamagedRecordError } from '../ring/damage.js';
import type { RequestHead } from './messages.js';
import { writeAscii, writeText } from './text.js';

export const MessageKind = {
  post: 1,
  /** Everything else that is asked, as msgpack. */
  cold: 2,
  atomicBatch: 3,
  readAccount: 4,
  /** A posting that is committed. */
  recorded: 16,
  replay: 17,
  /** Every other answer, as msgpack. */
  answer: 18,
  /** An account as it is now. */
  account: 19,
} as const;
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];

/** Where a record is written: a ring's memory, or any other. */
export interface RingTarget {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export type NumberedHead = RequestHead & { readonly requestId: number };

export const HEAD_BYTES = 40;
/** Where the first word of the key's hash stands. */
export const KEY_HASH = 16;
/** Longest `route` of a posting; it is written behind the record for a moment, to be hashed with it. */
export const ROUTE_MAX = 128;
export const KEY_MAX = 255;

export const HeadFlag = { keyed: 1, dryRun: 2 } as const;
const FLAGS = HeadFlag.keyed | HeadFlag.dryRun;
const TEXTS = 4;
const LENGTH_BYTES = 4;
const NO_TEXT = -1;

export const kindOf = (view: DataView, offset: number): number => view.getUint8(offset);
/** Of a request or an answer. */
export const requestIdOf = (view: DataView, offset: number): number => view.getUint32(offset + 4, true);
/** Of a request. */
export const shardOf = (view: DataView, offset: number): number => view.getUint16(offset + 2, true);
/** Of a request. */
export const bookOf = (view: DataView, offset: number): number => view.getUint32(offset + 8, true);
/** Where the body of a request begins. */
export const bodyOffset = (view: DataView, offset: number): number =>
  offset + HEAD_BYTES + view.getUint32(offset + 12, true);

export interface RequestTexts {
  readonly reference: string | null;
  readonly description: string | null;
  readonly metadata: string | null;
}

export const NO_REQUEST_TEXTS: RequestTexts = { reference: null, description: null, metadata: null };

/** Writes head and texts, hashes still missing. @returns where the body begins */
export function writeHead(
  kind: MessageKind,
  head: NumberedHead,
  dryRun: boolean,
  texts: RequestTexts,
  into: RingTarget,
  offset: number,
): number {
  const { bytes, view } = into;
  const keyed = head.key !== null;
  view.setUint8(offset, kind);
  view.setUint8(offset + 1, (keyed ? HeadFlag.keyed : 0) | (dryRun ? HeadFlag.dryRun : 0));
  view.setUint16(offset + 2, head.shard, true);
  view.setUint32(offset + 4, head.requestId, true);
  view.setUint32(offset + 8, head.book, true);
  const textsOffset = offset + HEAD_BYTES;
  let at = writeText(bytes, view, textsOffset, head.key);
  at = writeText(bytes, view, at, texts.reference);
  at = writeText(bytes, view, at, texts.description);
  at = writeText(bytes, view, at, texts.metadata);
  view.setUint32(offset + 12, at - textsOffset, true);
  for (let zeroed = offset + 16; zeroed < textsOffset; zeroed += 4) view.setInt32(zeroed, 0, true);
  return at;
}

const hashed = new Int32Array(4);

/**
 * Fills in the hashes of a keyed request.
 * @param end where the record ends; as many bytes behind it as the route has characters are overwritten
 */
export function writeHashes(head: NumberedHead, hash: KeyedHash, into: RingTarget, offset: number, end: number): void {
  if (head.key === null) return;
  // The route behind the record, so that one run of the hash takes both without a copy. It is not part of the record.
  const hashedEnd = writeAscii(into.bytes, end, head.route);
  hashKeyed(head.book, head.key.length, hash, into, offset, hashedEnd);
}

/** The same, of a record whose key has `keyLength` bytes, and behind which its route is written, up to `hashedEnd`. */
export function hashKeyed(
  book: number,
  keyLength: number,
  hash: KeyedHash,
  into: RingTarget,
  offset: number,
  hashedEnd: number,
): void {
  const { bytes, view } = into;
  const keyOffset = offset + HEAD_BYTES + 4;
  hash.hash128(book, bytes, keyOffset, keyLength, hashed);
  for (let word = 0; word < 4; word++) view.setInt32(offset + 16 + word * 4, hashed[word] ?? 0, true);
  const from = keyOffset + keyLength;
  hash.hash64(bytes, from, hashedEnd - from, hashed);
  view.setInt32(offset + 32, hashed[0] ?? 0, true);
  view.setInt32(offset + 36, hashed[1] ?? 0, true);
}

/** A view of texts that is moved from record to record. */
export class MovableTexts {
  constructor(
    public bytes: Uint8Array,
    public offset: number,
    public length: number,
  ) {}
}

/**
 * Where the body of a request begins, after a look whether its head can be one that was written: the four texts fill their
 * length, and there is a key exactly where the flag says so.
 * @param end of the record
 * @throws DamagedRecordError
 */
export function checkHead(view: DataView, offset: number, end: number): number {
  if (end - offset < HEAD_BYTES + TEXTS * LENGTH_BYTES) throw damaged('is too short', offset, end);
  const flags = view.getUint8(offset + 1);
  const body = bodyOffset(view, offset);
  if ((flags & ~FLAGS) !== 0 || body > end) throw damaged('has an impossible head', offset, end);
  let at = offset + HEAD_BYTES;
  const keyed = view.getInt32(at) !== NO_TEXT;
  if (keyed !== ((flags & HeadFlag.keyed) !== 0)) throw damaged('has a key against its flags', offset, end);
  for (let text = 0; text < TEXTS; text++) {
    if (at + LENGTH_BYTES > body) throw damaged('has texts beyond their length', offset, end);
    const length = view.getInt32(at);
    if (length < NO_TEXT) throw damaged('has a text of negative length', offset, end);
    at += LENGTH_BYTES + (length === NO_TEXT ? 0 : length);
  }
  if (at !== body) throw damaged('has texts of another length', offset, end);
  return body;
}

export const damaged = (what: string, offset: number, end: number): DamagedRecordError =>
  new DamagedRecordError(`a record of ${end - offset} bytes ${what}`);

/** Fills the head of a command; its texts point into `bytes`. */
export function readHead(bytes: Uint8Array, view: DataView, offset: number, into: CommandHead): void {
  const flags = view.getUint8(offset + 1);
  into.keyed = (flags & HeadFlag.keyed) !== 0;
  into.dryRun = (flags & HeadFlag.dryRun) !== 0;
  into.book = bookOf(view, offset);
  for (let word = 0; word < 4; word++) into.keyHash[word] = view.getInt32(offset + 16 + word * 4, true);
  into.fingerprintHi = view.getInt32(offset + 32, true);
  into.fingerprintLo = view.getInt32(offset + 36, true);
  const length = view.getUint32(offset + 12, true);
  // A command that is decoded into again and again keeps its one texts object.
  if (into.texts instanceof MovableTexts) {
    into.texts.bytes = bytes;
    into.texts.offset = offset + HEAD_BYTES;
    into.texts.length = length;
  } else {
    into.texts = new MovableTexts(bytes, offset + HEAD_BYTES, length);
  }
}
