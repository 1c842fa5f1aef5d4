/**
 * A posting on the ring: the one request whose layout is written by hand. Behind the head and the texts of head.ts:
 *
 * ```
 *  0 u8  flags: 1 pending, 2 open accounts, 4 extras follow, 8 times follow
 *  1 u8  number of legs
 *  2 with times: f64 expires in, f64 effective at, µs; without, both are 0 (most postings: 16 bytes less to hash)
 *    a leg each: u32 amount low, u32 amount high, u16 currency, u8 length of debit, u8 length of credit
 *    names, ASCII: debit and credit of each leg, in order
 *    extras as msgpack, and a checksum over the whole record behind them
 * ```
 */
import { PostCommand } from '../../ledger/command.js';
import type { KeyedHash } from '../../ledger/hash.js';
import { LEGS_MAX } from '../../ledger/record.js';
import { CHECKSUM_BYTES, openRecord, sealRecord } from './checksum.js';
import { extrasSizeMax, packExtras, unpackExtras } from './extras.js';
import {
  bodyOffset,
  checkHead,
  damaged,
  HEAD_BYTES,
  KEY_MAX,
  MessageKind,
  type NumberedHead,
  type RingTarget,
  ROUTE_MAX,
  readHead,
  requestIdOf,
  writeHashes,
  writeHead,
} from './head.js';
import type { PostRequest } from './messages.js';
import { textSizeMax, writeAscii } from './text.js';

export const PostFlag = { pending: 1, openAccounts: 2, extras: 4, times: 8 } as const;

export const BODY_HEAD_BYTES = 2;
export const TIMES_BYTES = 16;
export const LEG_BYTES = 12;
const FLAGS = PostFlag.pending | PostFlag.openAccounts | PostFlag.extras | PostFlag.times;
const TWO_32 = 2 ** 32;

/** Most bytes that `encodePost` writes, the route that it hashes included: what to claim. */
export function postSizeMax(request: PostRequest): number {
  let size = HEAD_BYTES + 4 + KEY_MAX + ROUTE_MAX + BODY_HEAD_BYTES + TIMES_BYTES;
  size += textSizeMax(request.reference) + textSizeMax(request.description) + textSizeMax(request.metadata);
  for (const leg of request.legs) size += LEG_BYTES + leg.debit.length + leg.credit.length;
  return request.extras === null ? size : size + extrasSizeMax(request.extras) + CHECKSUM_BYTES;
}

/**
 * Writes a posting. Names of accounts must be ASCII of at most 255 characters, key and route printable ASCII.
 * @param hash of the shard's secret
 * @returns the record's length
 */
export function encodePost(
  head: NumberedHead,
  request: PostRequest,
  hash: KeyedHash,
  into: RingTarget,
  offset: number,
): number {
  if (head.route.length > ROUTE_MAX) throw new RangeError(`route of ${head.route.length} characters`);
  const body = writeHead(MessageKind.post, head, request.dryRun, request, into, offset);
  const end = writePostBody(request, into, body);
  writeHashes(head, hash, into, offset, end);
  // After the hashes, so that a fingerprint does not depend on it.
  const sealed = request.extras === null ? end : sealRecord(into.bytes, into.view, offset, end);
  return sealed - offset;
}

function writePostBody(request: PostRequest, into: RingTarget, offset: number): number {
  const { bytes, view } = into;
  const { legs, extras, expiresIn, effectiveAt } = request;
  const timed = expiresIn !== 0 || effectiveAt !== 0;
  view.setUint8(
    offset,
    (request.pending ? PostFlag.pending : 0) |
      (request.openAccounts ? PostFlag.openAccounts : 0) |
      (extras === null ? 0 : PostFlag.extras) |
      (timed ? PostFlag.times : 0),
  );
  view.setUint8(offset + 1, legs.length);
  let at = offset + BODY_HEAD_BYTES;
  if (timed) {
    view.setFloat64(at, expiresIn, true);
    view.setFloat64(at + 8, effectiveAt, true);
    at += TIMES_BYTES;
  }
  let names = at + legs.length * LEG_BYTES;
  for (const { debit, credit, amount, currency } of legs) {
    writeAmount(view, at, amount);
    view.setUint16(at + 8, currency, true);
    view.setUint8(at + 10, debit.length);
    view.setUint8(at + 11, credit.length);
    at += LEG_BYTES;
    names = writeAscii(bytes, names, debit);
    names = writeAscii(bytes, names, credit);
  }
  if (extras === null) return names;
  const packed = packExtras(extras);
  bytes.set(packed, names);
  return names + packed.length;
}

/** In two halves: a BigInt made for setBigInt64 would cost ten times as much. */
function writeAmount(view: DataView, offset: number, amount: number | bigint): void {
  if (typeof amount === 'number') {
    view.setUint32(offset, amount, true);
    view.setUint32(offset + 4, amount / TWO_32, true);
  } else {
    view.setBigInt64(offset, amount, true);
  }
}

// The command that was decoded into last, and its amounts as halves: workers reuse one command, so the view is made once.
let lastAmounts: BigInt64Array | null = null;
let lastHalves: Int32Array = new Int32Array(0);

function halvesOf(amounts: BigInt64Array): Int32Array {
  if (amounts !== lastAmounts) {
    lastAmounts = amounts;
    lastHalves = new Int32Array(amounts.buffer, amounts.byteOffset, amounts.length * 2);
  }
  return lastHalves;
}

/**
 * Fills a command. Its texts and names point into `bytes`: who keeps it longer than the record copies it (`copyPost`).
 * @returns the request's id
 * @throws DamagedRecordError where the bytes cannot be what `encodePost` wrote
 */
export function decodePost(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  into: PostCommand,
): number {
  const end = offset + length;
  const body = checkHead(view, offset, end);
  readHead(bytes, view, offset, into);
  if (end < body + BODY_HEAD_BYTES) throw damaged('has no body', offset, end);
  const flags = view.getUint8(body);
  const legCount = view.getUint8(body + 1);
  into.pending = (flags & PostFlag.pending) !== 0;
  into.openAccounts = (flags & PostFlag.openAccounts) !== 0;
  const timed = (flags & PostFlag.times) !== 0;
  let at = body + BODY_HEAD_BYTES;
  let names = at + (timed ? TIMES_BYTES : 0) + legCount * LEG_BYTES;
  if ((flags & ~FLAGS) !== 0 || legCount === 0 || legCount > LEGS_MAX || names > end) {
    throw damaged(`cannot have ${legCount} legs`, offset, end);
  }
  into.expiresIn = timed ? view.getFloat64(at, true) : 0;
  into.effectiveAt = timed ? view.getFloat64(at + 8, true) : 0;
  if (timed) at += TIMES_BYTES;
  into.legCount = legCount;
  into.names = bytes;
  // The halves go over as they are: no BigInt object is ever made of an amount.
  const halves = halvesOf(into.amount);
  for (let leg = 0; leg < legCount; leg++) {
    halves[leg * 2] = view.getInt32(at, true);
    halves[leg * 2 + 1] = view.getInt32(at + 4, true);
    into.currency[leg] = view.getUint16(at + 8, true);
    const debitLength = view.getUint8(at + 10);
    const creditLength = view.getUint8(at + 11);
    into.debitOffset[leg] = names;
    into.debitLength[leg] = debitLength;
    into.creditOffset[leg] = names + debitLength;
    into.creditLength[leg] = creditLength;
    names += debitLength + creditLength;
    at += LEG_BYTES;
  }
  if ((flags & PostFlag.extras) === 0) {
    if (names !== end) throw damaged('has names of another length', offset, end);
    into.extras = null;
  } else {
    const sealed = openRecord(bytes, view, offset, end);
    if (names > sealed) throw damaged('has names of another length', offset, end);
    // Copied out: msgpackr would keep views of a ring's memory.
    into.extras = unpackExtras(bytes.slice(names, sealed));
  }
  return requestIdOf(view, offset);
}

/**
 * Where the names of a posting with one leg begin, its debit's first, their lengths in the two bytes before; else −1. A
 * record that was damaged may give any place within the view: it is `decodePost` that says so.
 */
export function plainNamesOf(view: DataView, offset: number): number {
  const body = bodyOffset(view, offset);
  if (body + BODY_HEAD_BYTES + TIMES_BYTES + LEG_BYTES > view.byteLength || view.getUint8(body + 1) !== 1) return -1;
  const timed = (view.getUint8(body) & PostFlag.times) !== 0;
  return body + BODY_HEAD_BYTES + (timed ? TIMES_BYTES : 0) + LEG_BYTES;
}

/** A command of its own memory. */
export function copyPost(from: PostCommand): PostCommand {
  const copy = new PostCommand();
  copy.book = from.book;
  copy.keyed = from.keyed;
  copy.keyHash.set(from.keyHash);
  copy.fingerprintHi = from.fingerprintHi;
  copy.fingerprintLo = from.fingerprintLo;
  copy.dryRun = from.dryRun;
  const { bytes, offset, length } = from.texts;
  copy.texts = { bytes: bytes.slice(offset, offset + length), offset: 0, length };
  copy.pending = from.pending;
  copy.openAccounts = from.openAccounts;
  copy.expiresIn = from.expiresIn;
  copy.effectiveAt = from.effectiveAt;
  copy.extras = from.extras;
  copy.legCount = from.legCount;
  copyNames(from, copy);
  copy.currency.set(from.currency);
  copy.amount.set(from.amount);
  return copy;
}

/** Only the names, not the memory around them. */
function copyNames(from: PostCommand, copy: PostCommand): void {
  if (from.legCount === 0) return;
  const last = from.legCount - 1;
  const start = from.debitOffset[0] ?? 0;
  const end = (from.creditOffset[last] ?? 0) + (from.creditLength[last] ?? 0);
  copy.names = from.names.slice(start, end);
  for (let leg = 0; leg < from.legCount; leg++) {
    copy.debitOffset[leg] = (from.debitOffset[leg] ?? 0) - start;
    copy.creditOffset[leg] = (from.creditOffset[leg] ?? 0) - start;
  }
  copy.debitLength.set(from.debitLength);
  copy.creditLength.set(from.creditLength);
}
