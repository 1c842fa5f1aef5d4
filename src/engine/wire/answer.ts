/**
 * Answers on the ring back. Those that come by the ten thousand a second have layouts of their own (that of an account stands
 * in read-account.ts), the rest is msgpack. Numbers are little-endian; positions, sequences and times stay below 2^53 and stand as float64.
 *
 * ```
 *  0 u8  kind (MessageKind)
 *  4 u32 request id
 *  8 recorded: f64 position, f64 sequence, f64 recorded at, f64 expires at
 *    replay:   f64 position, i32 fingerprint high, i32 fingerprint low
 *    answer:   msgpack of an Answer, and a checksum over the whole record
 * ```
 */
import type { Micros, Position } from '../../ledger/record.js';
import { DamagedRecordError } from '../ring/damage.js';
import { CHECKSUM_BYTES, openRecord, sealRecord } from './checksum.js';
import { kindOf, MessageKind } from './head.js';
import type { Answer, AnswerReceiver } from './messages.js';
import { pack, unpack } from './pack.js';
import { accountAnswerSize, decodeAccountAnswer, encodeAccountAnswer, isFromMemory } from './read-account.js';

const HEAD_BYTES = 8;
export const RECORDED_BYTES = 40;
export const REPLAY_BYTES = 24;

/** The success of a posting, without making an Answer of it first. @returns RECORDED_BYTES */
export function encodeRecorded(
  view: DataView,
  offset: number,
  requestId: number,
  position: Position,
  sequence: number,
  recordedAt: Micros,
  expiresAt: Micros,
): number {
  writeHead(view, offset, MessageKind.recorded, requestId);
  view.setFloat64(offset + 8, position, true);
  view.setFloat64(offset + 16, sequence, true);
  view.setFloat64(offset + 24, recordedAt, true);
  view.setFloat64(offset + 32, expiresAt, true);
  return RECORDED_BYTES;
}

/** The fingerprint is that of the request that asks, to be compared with the record's. @returns REPLAY_BYTES */
export function encodeReplay(
  view: DataView,
  offset: number,
  requestId: number,
  position: Position,
  fingerprintHi: number,
  fingerprintLo: number,
): number {
  writeHead(view, offset, MessageKind.replay, requestId);
  view.setFloat64(offset + 8, position, true);
  view.setInt32(offset + 16, fingerprintHi, true);
  view.setInt32(offset + 20, fingerprintLo, true);
  return REPLAY_BYTES;
}

/** Any answer, as a record of its own memory. */
export function encodeAnswer(requestId: number, answer: Answer): Uint8Array {
  if (isPlainSuccess(answer)) {
    const bytes = new Uint8Array(RECORDED_BYTES);
    const { position, sequence, recordedAt, expiresAt } = answer;
    encodeRecorded(viewOf(bytes), 0, requestId, position, sequence, recordedAt, expiresAt);
    return bytes;
  }
  if (answer.type === 'replay') {
    const bytes = new Uint8Array(REPLAY_BYTES);
    const [high, low] = answer.fingerprint.split(':');
    encodeReplay(viewOf(bytes), 0, requestId, answer.position, Number(high), Number(low));
    return bytes;
  }
  if (answer.type === 'account' && isFromMemory(answer.account)) {
    const bytes = new Uint8Array(accountAnswerSize(answer.account));
    encodeAccountAnswer({ bytes, view: viewOf(bytes) }, 0, requestId, answer.account, answer.sequence);
    return bytes;
  }
  const body = pack(answer);
  const bytes = new Uint8Array(HEAD_BYTES + body.length + CHECKSUM_BYTES);
  const view = viewOf(bytes);
  writeHead(view, 0, MessageKind.answer, requestId);
  bytes.set(body, HEAD_BYTES);
  sealRecord(bytes, view, 0, HEAD_BYTES + body.length);
  return bytes;
}

/** Hands an answer to whoever waits for it; the one that comes by the ten thousand a second as bare numbers. */
export function deliverAnswer(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  receiver: AnswerReceiver,
  tag: number,
): void {
  if (kindOf(view, offset) !== MessageKind.recorded) {
    receiver.answered(tag, decodeAnswer(bytes, view, offset, length));
    return;
  }
  mustHave(RECORDED_BYTES, length);
  receiver.recorded(
    tag,
    view.getFloat64(offset + 8, true),
    view.getFloat64(offset + 16, true),
    view.getFloat64(offset + 24, true),
    view.getFloat64(offset + 32, true),
  );
}

const NOTHING: readonly never[] = [];

/** A success of which nothing more is to be said. */
export function plainSuccess(
  position: Position,
  sequence: number,
  recordedAt: Micros,
  expiresAt: Micros,
): Extract<Answer, { type: 'recorded' }> {
  return {
    type: 'recorded',
    code: null,
    position,
    sequence,
    recordedAt,
    expiresAt,
    details: null,
    records: NOTHING,
    accounts: NOTHING,
  };
}

/** `requestIdOf` (head.ts) says whose it is. @throws DamagedRecordError where the bytes are not an answer */
export function decodeAnswer(bytes: Uint8Array, view: DataView, offset: number, length: number): Answer {
  switch (kindOf(view, offset)) {
    case MessageKind.recorded:
      mustHave(RECORDED_BYTES, length);
      return plainSuccess(
        view.getFloat64(offset + 8, true),
        view.getFloat64(offset + 16, true),
        view.getFloat64(offset + 24, true),
        view.getFloat64(offset + 32, true),
      );
    case MessageKind.replay:
      mustHave(REPLAY_BYTES, length);
      return {
        type: 'replay',
        position: view.getFloat64(offset + 8, true),
        fingerprint: `${view.getInt32(offset + 16, true)}:${view.getInt32(offset + 20, true)}`,
      };
    case MessageKind.answer:
      // Copied out of the ring first: msgpackr keeps views of what it reads.
      return unpack(bytes.slice(offset + HEAD_BYTES, openRecord(bytes, view, offset, offset + length))) as Answer;
    case MessageKind.account:
      return decodeAccountAnswer(bytes, view, offset, length);
    default:
      throw new DamagedRecordError(`not an answer: kind ${kindOf(view, offset)}`);
  }
}

function mustHave(bytes: number, length: number): void {
  if (length !== bytes) throw new DamagedRecordError(`an answer of ${length} bytes where ${bytes} are written`);
}

function isPlainSuccess(answer: Answer): answer is Extract<Answer, { type: 'recorded' }> {
  return (
    answer.type === 'recorded' &&
    answer.code === null &&
    answer.details === null &&
    answer.records.length === 0 &&
    answer.accounts.length === 0
  );
}

function writeHead(view: DataView, offset: number, kind: MessageKind, requestId: number): void {
  view.setUint32(offset, kind, true);
  view.setUint32(offset + 4, requestId, true);
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
