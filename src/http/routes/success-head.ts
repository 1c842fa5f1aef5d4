/**
 * The head of a success, byte by byte: made once for each status, then only the token and the request's id are written
 * into it. The answer's strings (four header fields, token, id) are spared, and the server takes all of it in one call.
 */
import type { Sealer } from '../../platform/ids/sealed.js';
import { TOKEN_LENGTH } from '../../platform/ids/sealed.js';
import { statusLine } from '../server/status.js';
import type { RequestIds } from './request-ids.js';
import { REQUEST_DIGITS_MAX } from './request-ids.js';

const CONTENT_TYPE_JSON = 'Content-Type: application/json';

export class SuccessHead {
  readonly #ids: RequestIds;
  readonly #bytes: Uint8Array;
  readonly #tokenOffset: number;
  /** Where the id of the request is told from others. */
  readonly #digitsOffset: number;
  /** By length: the same bytes as far as they are a head. Its length changes with the request's id only. */
  readonly #views: (Uint8Array | undefined)[] = [];

  /** For answers in JSON. */
  constructor(status: number, ids: RequestIds) {
    const beforeToken = `${statusLine(status)}\r\n${CONTENT_TYPE_JSON}\r\nConsistency-Token: `;
    const afterToken = `\r\nX-Request-Id: ${ids.prefix}`;
    this.#ids = ids;
    this.#tokenOffset = beforeToken.length;
    this.#digitsOffset = beforeToken.length + TOKEN_LENGTH + afterToken.length;
    this.#bytes = new Uint8Array(this.#digitsOffset + REQUEST_DIGITS_MAX);
    const encoder = new TextEncoder();
    encoder.encodeInto(beforeToken, this.#bytes);
    encoder.encodeInto(afterToken, this.#bytes.subarray(this.#tokenOffset + TOKEN_LENGTH));
  }

  /** @returns the head of one answer, good until the next is written */
  write(sealer: Sealer, incarnation: number, sequence: number, book: number, requestNumber: number): Uint8Array {
    sealer.sealTokenInto(incarnation, sequence, book, this.#bytes, this.#tokenOffset);
    const length = this.#ids.encodeInto(requestNumber, this.#bytes, this.#digitsOffset);
    const view = this.#views[length] ?? this.#bytes.subarray(0, length);
    this.#views[length] = view;
    return view;
  }
}
