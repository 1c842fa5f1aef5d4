/** A request as it came up a ring, decoded for the shard. */
import type { Command } from '../../ledger/command.js';
import { PostCommand } from '../../ledger/command.js';
import type { Foresight } from '../../ledger/foresight.js';
import type { Position } from '../../ledger/record.js';
import { decodeCold } from '../wire/cold.js';
import { bookOf, KEY_HASH, kindOf, MessageKind, requestIdOf } from '../wire/head.js';
import type { ReadAccountRequest, ReadHeadRequest } from '../wire/messages.js';
import { decodePost, plainNamesOf } from '../wire/post.js';
import { decodeReadAccount } from '../wire/read-account.js';

/** What a front may ask a ledger to do. */
export type FrontCommand = Exclude<Command, { readonly type: 'open_merchant' | 'configure' }>;
type Read = ReadAccountRequest | ReadHeadRequest;

/** One instance is reused: it is good until the next call of `decode`. */
export class DecodedRequest {
  requestId = 0;
  book = 0;
  what: FrontCommand | Read;

  constructor(what: FrontCommand | Read) {
    this.what = what;
  }

  /** The transaction acted on, 0 for none. */
  get parent(): Position {
    return 'parent' in this.what ? this.what.parent : 0;
  }

  get keyHash(): Int32Array | null {
    return 'keyHash' in this.what && this.what.keyed ? this.what.keyHash : null;
  }
}

/** Tells what a posting of one leg will look for; of others nothing, as they are rare. */
export function foreseePost(bytes: Uint8Array, view: DataView, offset: number, foresight: Foresight): void {
  if (kindOf(view, offset) !== MessageKind.post) return;
  const names = plainNamesOf(view, offset);
  if (names < 0) return;
  const debitLength = view.getUint8(names - 2);
  foresight.add(
    bookOf(view, offset),
    view.getInt32(offset + KEY_HASH, true),
    bytes,
    names,
    debitLength,
    view.getUint8(names - 1),
  );
}

/** The key's hash as text, for sets of parked keys; '' without a key. */
export const keyText = (request: DecodedRequest): string => request.keyHash?.join() ?? '';

export class RequestDecoder {
  readonly #post = new PostCommand();
  readonly #request = new DecodedRequest(this.#post);

  /** A posting points into `bytes` until it is applied; everything else has memory of its own. */
  decode(bytes: Uint8Array, view: DataView, offset: number, length: number): DecodedRequest {
    const request = this.#request;
    if (kindOf(view, offset) === MessageKind.post) {
      request.requestId = decodePost(bytes, view, offset, length, this.#post);
      request.book = this.#post.book;
      request.what = this.#post;
      return request;
    }
    if (kindOf(view, offset) === MessageKind.readAccount) {
      request.requestId = requestIdOf(view, offset);
      request.book = bookOf(view, offset);
      request.what = decodeReadAccount(bytes, view, offset, length);
      return request;
    }
    const message = decodeCold(bytes, offset, length);
    request.requestId = message.requestId;
    request.book = bookOf(view, offset);
    request.what = message.request;
    return request;
  }
}
