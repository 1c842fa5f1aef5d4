/**
 * A read of an account's present and its answer, which may come as often as postings do: layouts of their own, without
 * msgpack and the objects that it needs. Numbers are little-endian.
 *
 * ```
 * request: the head and (empty) texts of head.ts, then the account's name to the end
 * answer:  0 u8  kind (MessageKind)
 *          1 u8  flags
 *          2 u8  length of the name
 *          3 u8  length of the currency's code
 *          4 u32 request id
 *          8 f64 sequence of the answer, sequence of the view, version, opened at, position of the configuration
 *         48 u32 version of the configuration, number, book
 *         64 i64 debits and credits posted, debits and credits pending, lower and upper limit (0: none)
 *        112 name and code, ASCII
 * ```
 */
import type { AccountView } from '../../ledger/view.js';
import {
  checkHead,
  damaged,
  MessageKind,
  NO_REQUEST_TEXTS,
  type NumberedHead,
  type RingTarget,
  writeHead,
} from './head.js';
import type { Answer, ReadAccountRequest } from './messages.js';
import { asciiText, writeAscii } from './text.js';

type AccountAnswer = Extract<Answer, { type: 'account' }>;

/** Of a request beside the name: head and four texts that are not there. */
const REQUEST_BYTES = 56;
const NAME_BYTES_MAX = 128;
const FIXED_BYTES = 112;
const Flag = { debitNormal: 1, closed: 2, minNone: 4, maxNone: 8, hasMetadata: 16 } as const;
const FLAGS = 31;

/** Most bytes of a request. */
export const readAccountSize = (account: string): number => REQUEST_BYTES + account.length;

/** @param account ASCII, at most 128 characters @returns the record's length */
export function encodeReadAccount(head: NumberedHead, account: string, into: RingTarget, offset: number): number {
  const body = writeHead(MessageKind.readAccount, head, false, NO_REQUEST_TEXTS, into, offset);
  return writeAscii(into.bytes, body, account) - offset;
}

/** @throws DamagedRecordError */
export function decodeReadAccount(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
): ReadAccountRequest {
  const end = offset + length;
  const body = checkHead(view, offset, end);
  if (body === end || end - body > NAME_BYTES_MAX) throw damaged('has no name of an account', offset, end);
  return { type: 'read_account', account: asciiText(bytes, body, end) };
}

/** Whether the layout holds it: an account that there is, as a ledger has it in memory. */
export const isFromMemory = (account: AccountView | null): account is AccountView =>
  account !== null && typeof account.metadata !== 'string';

export const accountAnswerSize = ({ name, currency }: AccountView): number =>
  FIXED_BYTES + name.length + currency.length;

/** @returns the record's length */
export function encodeAccountAnswer(
  { bytes, view }: RingTarget,
  offset: number,
  requestId: number,
  account: AccountView,
  sequence: number,
): number {
  view.setUint8(offset, MessageKind.account);
  view.setUint8(offset + 1, flagsOf(account));
  view.setUint8(offset + 2, account.name.length);
  view.setUint8(offset + 3, account.currency.length);
  view.setUint32(offset + 4, requestId, true);
  view.setFloat64(offset + 8, sequence, true);
  view.setFloat64(offset + 16, account.sequence, true);
  view.setFloat64(offset + 24, account.version, true);
  view.setFloat64(offset + 32, account.openedAt, true);
  view.setFloat64(offset + 40, account.configPosition, true);
  view.setUint32(offset + 48, account.configVersion, true);
  view.setUint32(offset + 52, account.number, true);
  view.setUint32(offset + 56, account.book, true);
  view.setUint32(offset + 60, 0, true);
  view.setBigInt64(offset + 64, account.debitsPosted, true);
  view.setBigInt64(offset + 72, account.creditsPosted, true);
  view.setBigInt64(offset + 80, account.debitsPending, true);
  view.setBigInt64(offset + 88, account.creditsPending, true);
  view.setBigInt64(offset + 96, account.minBalance ?? 0n, true);
  view.setBigInt64(offset + 104, account.maxBalance ?? 0n, true);
  const end = writeAscii(bytes, writeAscii(bytes, offset + FIXED_BYTES, account.name), account.currency);
  return end - offset;
}

function flagsOf({ normalBalance, open, minBalance, maxBalance, metadata }: AccountView): number {
  return (
    (normalBalance === 'debit' ? Flag.debitNormal : 0) |
    (open ? 0 : Flag.closed) |
    (minBalance === null ? Flag.minNone : 0) |
    (maxBalance === null ? Flag.maxNone : 0) |
    (metadata === null ? 0 : Flag.hasMetadata)
  );
}

/** @throws DamagedRecordError where it does not fill its length */
export function decodeAccountAnswer(bytes: Uint8Array, view: DataView, offset: number, length: number): AccountAnswer {
  const end = offset + length;
  const flags = length < FIXED_BYTES ? -1 : view.getUint8(offset + 1);
  const nameEnd = offset + FIXED_BYTES + (flags < 0 ? 0 : view.getUint8(offset + 2));
  if (flags < 0 || (flags & ~FLAGS) !== 0 || nameEnd + view.getUint8(offset + 3) !== end) {
    throw damaged('is no account', offset, end);
  }
  return {
    type: 'account',
    sequence: view.getFloat64(offset + 8, true),
    account: {
      number: view.getUint32(offset + 52, true),
      book: view.getUint32(offset + 56, true),
      name: asciiText(bytes, offset + FIXED_BYTES, nameEnd),
      currency: asciiText(bytes, nameEnd, end),
      normalBalance: (flags & Flag.debitNormal) === 0 ? 'credit' : 'debit',
      open: (flags & Flag.closed) === 0,
      debitsPosted: view.getBigInt64(offset + 64, true),
      creditsPosted: view.getBigInt64(offset + 72, true),
      debitsPending: view.getBigInt64(offset + 80, true),
      creditsPending: view.getBigInt64(offset + 88, true),
      minBalance: (flags & Flag.minNone) === 0 ? view.getBigInt64(offset + 96, true) : null,
      maxBalance: (flags & Flag.maxNone) === 0 ? view.getBigInt64(offset + 104, true) : null,
      version: view.getFloat64(offset + 24, true),
      configVersion: view.getUint32(offset + 48, true),
      configPosition: view.getFloat64(offset + 40, true),
      openedAt: view.getFloat64(offset + 32, true),
      metadata: (flags & Flag.hasMetadata) === 0 ? null : undefined,
      sequence: view.getFloat64(offset + 16, true),
    },
  };
}
