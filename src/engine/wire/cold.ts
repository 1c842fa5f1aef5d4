/**
 * Everything that is asked but single postings and reads of accounts: the head and texts of head.ts, a body of msgpack, and a checksum over the
 * whole record. The body of an atomic batch is its items, each as a length (u32) and a posting of post.ts without key and id;
 * it has no checksum, as its parts are checked by their layout.
 */
import {
  type ActionCommand,
  type AtomicBatchCommand,
  type ChangeAccountCommand,
  type CloseAccountCommand,
  type CommandHead,
  type OpenAccountsCommand,
  PostCommand,
} from '../../ledger/command.js';
import type { KeyedHash } from '../../ledger/hash.js';
import { NO_TEXTS } from '../../ledger/record.js';
import { CHECKSUM_BYTES, openRecord, sealRecord } from './checksum.js';
import { inOrder } from './extras.js';
import {
  checkHead,
  damaged,
  HEAD_BYTES,
  kindOf,
  MessageKind,
  NO_REQUEST_TEXTS,
  type NumberedHead,
  type RequestTexts,
  type RingTarget,
  readHead,
  requestIdOf,
  shardOf,
  writeHashes,
  writeHead,
} from './head.js';
import type {
  ActionRequest,
  AtomicBatchRequest,
  ChangeAccountRequest,
  CloseAccountRequest,
  OpenAccountsRequest,
  RareRequest,
  ReadHeadRequest,
} from './messages.js';
import { pack, unpack } from './pack.js';
import { decodePost, encodePost, postSizeMax } from './post.js';
import { textSizeMax } from './text.js';

export type ColdCommand =
  | ActionCommand
  | OpenAccountsCommand
  | ChangeAccountCommand
  | CloseAccountCommand
  | AtomicBatchCommand;

export interface ColdMessage {
  readonly requestId: number;
  readonly shard: number;
  readonly book: number;
  readonly request: ColdCommand | ReadHeadRequest;
}

type PackedRequest = Exclude<RareRequest, AtomicBatchRequest>;

/** A record of its own memory, to be copied to the ring. */
export function encodeCold(head: NumberedHead, request: RareRequest, hash: KeyedHash): Uint8Array {
  const texts = 'parent' in request ? request : NO_REQUEST_TEXTS;
  const body = request.type === 'atomic_batch' ? packItems(head, request, hash) : pack(canonical(request));
  const kind = request.type === 'atomic_batch' ? MessageKind.atomicBatch : MessageKind.cold;
  const dryRun = 'dryRun' in request && request.dryRun;
  const sizeMax =
    HEAD_BYTES +
    textSizeMax(head.key) +
    textSizeMax(texts.reference) +
    textSizeMax(texts.description) +
    textSizeMax(texts.metadata) +
    body.length +
    Math.max(head.route.length, CHECKSUM_BYTES);
  const into = targetOf(new ArrayBuffer(sizeMax));
  const bodyStart = writeHead(kind, head, dryRun, texts, into, 0);
  into.bytes.set(body, bodyStart);
  const end = bodyStart + body.length;
  writeHashes(head, hash, into, 0, end);
  // After the hashes, so that a fingerprint does not depend on it.
  return into.bytes.subarray(0, kind === MessageKind.cold ? sealRecord(into.bytes, into.view, 0, end) : end);
}

/** The result has its own memory: it may be kept. @throws DamagedRecordError where the bytes are not such a record */
export function decodeCold(bytes: Uint8Array, offset: number, length: number): ColdMessage {
  const own = bytes.slice(offset, offset + length);
  const view = new DataView(own.buffer, own.byteOffset, own.byteLength);
  const kind = length < HEAD_BYTES ? 0 : kindOf(view, 0);
  if (kind !== MessageKind.cold && kind !== MessageKind.atomicBatch) throw damaged('is no request', 0, length);
  const end = kind === MessageKind.cold ? openRecord(own, view, 0, length) : length;
  const body = own.subarray(checkHead(view, 0, end), end);
  const head = emptyHead();
  readHead(own, view, 0, head);
  const request =
    kind === MessageKind.atomicBatch ? unpackItems(head, body) : toCommand(head, unpack(body) as PackedRequest);
  return { requestId: requestIdOf(view, 0), shard: shardOf(view, 0), book: head.book, request };
}

const targetOf = (buffer: ArrayBuffer): RingTarget => ({ bytes: new Uint8Array(buffer), view: new DataView(buffer) });

const emptyHead = (): CommandHead => ({
  book: 0,
  keyed: false,
  keyHash: new Int32Array(4),
  fingerprintHi: 0,
  fingerprintLo: 0,
  dryRun: false,
  texts: NO_TEXTS,
});

/** The request without its texts, its fields in one order: equal requests are equal bytes. */
function canonical(request: PackedRequest): object {
  switch (request.type) {
    case 'capture':
    case 'void':
    case 'increment':
    case 'reverse':
      return canonicalAction(request);
    case 'open_accounts':
      return canonicalOpening(request);
    case 'change_account':
      return inOrder(request, ['type', 'account', 'min_balance', 'max_balance', 'metadata', 'ifMatch']);
    case 'close_account':
    case 'reopen_account':
      return inOrder(request, ['type', 'account', 'ifMatch']);
    case 'read_head':
      return { type: request.type };
  }
}

function canonicalAction(request: ActionRequest): object {
  const legs = request.legs.map((leg) => inOrder(leg, ['leg', 'amount']));
  return { ...inOrder(request, ['type', 'parent', 'amount', 'final', 'force']), legs };
}

function canonicalOpening(request: OpenAccountsRequest): object {
  const accounts = request.accounts.map((account) =>
    inOrder(account, ['name', 'currency', 'normal_balance', 'min_balance', 'max_balance', 'metadata']),
  );
  return { type: request.type, batch: request.batch, accounts };
}

type ActionBody = Omit<ActionRequest, 'dryRun' | keyof RequestTexts>;
type PackedBody = ActionBody | OpenAccountsRequest | ChangeAccountRequest | CloseAccountRequest;

function toCommand(head: CommandHead, body: PackedRequest): ColdMessage['request'] {
  if (body.type === 'read_head') return body;
  return withHead(head, body);
}

function withHead(head: CommandHead, body: PackedBody): ColdCommand {
  switch (body.type) {
    case 'capture':
      return { ...head, type: 'capture', ...actionFields(body), final: body.final };
    case 'reverse':
      return { ...head, type: 'reverse', ...actionFields(body), force: body.force };
    case 'void':
    case 'increment':
      return { ...head, type: body.type, ...actionFields(body) };
    case 'open_accounts':
    case 'change_account':
    case 'close_account':
    case 'reopen_account':
      return { ...head, ...body };
  }
}

const actionFields = ({ parent, amount, legs }: ActionBody): Pick<ActionCommand, 'parent' | 'amount' | 'legs'> => ({
  parent,
  amount,
  legs,
});

function packItems(head: NumberedHead, batch: AtomicBatchRequest, hash: KeyedHash): Uint8Array {
  const itemHead: NumberedHead = { shard: 0, book: head.book, key: null, route: '', requestId: 0 };
  const sizeMax = batch.items.reduce((size, item) => size + 4 + postSizeMax(item), 0);
  const into = targetOf(new ArrayBuffer(sizeMax));
  let at = 0;
  for (const item of batch.items) {
    const length = encodePost(itemHead, item, hash, into, at + 4);
    into.view.setUint32(at, length, true);
    at += 4 + length;
  }
  return into.bytes.subarray(0, at);
}

function unpackItems(head: CommandHead, body: Uint8Array): AtomicBatchCommand {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const items: PostCommand[] = [];
  for (let at = 0; at < body.length; ) {
    const length = at + 4 > body.length ? 0 : view.getUint32(at, true);
    if (length === 0 || length > body.length - at - 4) throw damaged('has an item beyond its end', 0, body.length);
    const item = new PostCommand();
    decodePost(body, view, at + 4, length, item);
    items.push(item);
    at += 4 + length;
  }
  return { ...head, type: 'atomic_batch', items };
}
