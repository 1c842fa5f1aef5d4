/** One request of a stream and its answer: to the routes it is a request like those of HTTP, with msgpack both ways. */
import { textToMsgpack, toMsgpack } from '../render/msgpack.js';
import type { Exchange, HeaderList, LateFields } from '../server/exchange.js';
import { RequestHeaders } from '../server/headers.js';
import type { AnswerFacts } from './frame-writer.js';
import type { StreamRequest } from './protocol.js';

const MSGPACK = 'application/msgpack';

/** Takes the answers of a connection. */
export interface AnswerTaker {
  /** Nobody is there any more. */
  readonly gone: boolean;
  /** @param token of a success, or what gives it; empty: none */
  answered(facts: AnswerFacts, body: Uint8Array, token: string | LateFields): void;
}

export class StreamExchange implements Exchange {
  readonly headers = new RequestHeaders();
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: Uint8Array;
  readonly paced = true;
  /** Of a connection, not of a request: the stream lives on. */
  closeAfter = false;
  readonly #n: number;
  readonly #taker: AnswerTaker;
  #answered = false;

  constructor(request: StreamRequest, authorization: string, taker: AnswerTaker) {
    const { headers } = this;
    this.#n = request.n;
    this.#taker = taker;
    this.method = request.method;
    this.path = request.path;
    this.query = request.query;
    this.body = request.body;
    headers.authorization = authorization;
    headers.accept = MSGPACK;
    headers.contentType = MSGPACK;
    headers.consistencyToken = request.token;
    headers.ifMatch = request.ifMatch;
    headers.lengthBytes = request.body.length;
    headers.idempotencyKeySent = request.key !== null;
    headers.idempotencyKey = request.key ?? '';
  }

  get aborted(): boolean {
    return this.#taker.gone;
  }

  respond(status: number, headers: HeaderList, body: string | Uint8Array): void {
    if (this.#answered || this.#taker.gone) return;
    let token = '';
    let replayed = false;
    let retryAfter = 0;
    let isJson = true;
    for (let index = 0; index + 1 < headers.length; index += 2) {
      const value = headers[index + 1] ?? '';
      if (headers[index] === 'Consistency-Token') token = value;
      else if (headers[index] === 'Idempotency-Replayed') replayed = true;
      else if (headers[index] === 'Retry-After') retryAfter = Number(value);
      else if (headers[index] === 'Content-Type') isJson = value.includes('json');
    }
    // Problems are JSON texts whatever was asked for; here they are maps like everything else. Metrics are a text.
    const packed = typeof body !== 'string' ? body : isJson ? toMsgpack(body) : textToMsgpack(body);
    // Not before: what cannot be packed is answered as an error of ours.
    this.#answered = true;
    this.#taker.answered({ n: this.#n, status, replayed, retryAfter }, packed, token);
  }

  respondPacked(status: number, fields: LateFields, body: Uint8Array): void {
    if (this.#answered || this.#taker.gone) return;
    this.#answered = true;
    this.#taker.answered({ n: this.#n, status, replayed: false, retryAfter: 0 }, body, fields);
  }

  respondWith(): void {
    throw new Error('an answer of a stream was made as JSON');
  }
}
