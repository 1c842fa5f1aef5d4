/**
 * One connection of the stream: requests come in frames, each goes the way of an HTTP request, and what is answered in one
 * turn of the event loop goes out as one frame, in the order in which it was answered: for what was written that is the
 * order of its commits, since a merchant's shard has one writer.
 */
import { pack } from 'msgpackr';
import type { AnswerBuffer } from '../render/answer-buffer.js';
import type { Exchange, FrameSender, LateFields, Opened, RequestHandler } from '../server/exchange.js';
import { RequestProblem } from '../types.js';
import type { AnswerTaker } from './exchange.js';
import { StreamExchange } from './exchange.js';
import { readFrame } from './frame-reader.js';
import type { AnswerFacts } from './frame-writer.js';
import { FrameWriter } from './frame-writer.js';
import type { StreamListener, StreamRequest, StreamSocket } from './protocol.js';
import {
  CloseCode,
  FRAME_BYTES_MAX,
  FrameFault,
  POST_TRANSACTION,
  ROOM_LOOK_MS,
  STREAM_CREDITS_FIRST,
  STREAM_CREDITS_MAX,
  STREAM_VERSION,
  UNREAD_BYTES_FULL,
  UNREAD_BYTES_MAX,
} from './protocol.js';

/** A frame goes out at this size, though its turn is not over. */
const FRAME_BYTES_SENT = 256 * 1024;

export class StreamSession<Target extends Opened> implements StreamListener, AnswerTaker, FrameSender<Target> {
  readonly #socket: StreamSocket;
  readonly #handler: RequestHandler<Target>;
  readonly authorization: string;
  readonly #writer = new FrameWriter();
  /** What the client has left, as it was told. */
  credits = STREAM_CREDITS_FIRST;
  /** Most that it may have under way by now. */
  #window = STREAM_CREDITS_FIRST;
  /** Earned back, and not told yet. */
  #owed = 0;
  lastNumber = -1;
  /** Of the newest success that is not sent yet. */
  #token: string | LateFields = '';
  #flushing = false;
  /** Of the newest request: whose room it is. */
  #target: Target | null = null;
  #roomLook: NodeJS.Timeout | null = null;
  gone = false;

  /** @param authorization of the request that opened the stream: every request of it is made with that key */
  constructor(socket: StreamSocket, handler: RequestHandler<Target>, authorization: string) {
    this.#socket = socket;
    this.#handler = handler;
    this.authorization = authorization;
    socket.send(pack({ stream: STREAM_VERSION, credits: STREAM_CREDITS_FIRST, frame_bytes_max: FRAME_BYTES_MAX }));
  }

  onFrame(frame: Uint8Array): void {
    if (this.gone || this.#handler.runFrame?.(frame, this) === true) return;
    let requests: readonly StreamRequest[];
    try {
      requests = readFrame(frame);
      this.#checkNumbers(requests);
    } catch (error) {
      if (!(error instanceof FrameFault)) throw error;
      this.#end(CloseCode.malformed, error.message);
      return;
    }
    if (requests.length > this.credits) {
      this.#end(CloseCode.policy, `${requests.length} requests with ${this.credits} credits left`);
      return;
    }
    this.credits -= requests.length;
    for (const request of requests) this.#run(request);
  }

  onDrain(): void {
    if (this.#owed > 0) this.#flushSoon();
  }

  onClose(): void {
    this.#leave();
  }

  /** The engine stops: what is under way was answered. */
  leave(): void {
    this.#flush();
    this.#end(CloseCode.goingAway, 'the engine is stopping');
  }

  answered(facts: AnswerFacts, body: Uint8Array, token: string | LateFields): void {
    this.#writer.add(facts, body);
    this.#gathered(token);
  }

  took(target: Target, count: number, lastNumber: number): void {
    this.#target = target;
    this.credits -= count;
    this.lastNumber = lastNumber;
  }

  get answers(): AnswerBuffer {
    return this.#writer.into;
  }

  beginPosted(number: number, bodyBytesMax: number): number {
    return this.#writer.beginPosted(number, bodyBytesMax);
  }

  endPosted(end: number, fields: LateFields): void {
    this.#writer.endPosted(end);
    this.#gathered(fields);
  }

  exchangeFor(n: number): Exchange {
    return new StreamExchange({ ...NOTHING_MORE, n }, this.authorization, this);
  }

  /** An answer more is in the frame. */
  #gathered(token: string | LateFields): void {
    this.#owed++;
    // The last one is the newest: it is made from the highest sequence that was answered.
    if (token !== '') this.#token = token;
    if (this.#writer.sizeBytes >= FRAME_BYTES_SENT) this.#flush();
    else this.#flushSoon();
  }

  /** Before anything of the frame is done. */
  #checkNumbers(requests: readonly StreamRequest[]): void {
    let last = this.lastNumber;
    for (const { n } of requests) {
      if (n <= last) throw new FrameFault(`"n" is ${n} after ${last}: numbers grow on a connection`);
      last = n;
    }
    this.lastNumber = last;
  }

  #run(request: StreamRequest): void {
    const exchange = new StreamExchange(request, this.authorization, this);
    const target = this.#handler.open(exchange);
    this.#target = target;
    const problem = target.problem ?? tooLarge(request, target);
    if (problem === null) this.#handler.run(exchange, target);
    else this.#handler.refuse(exchange, problem, target);
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.gone) return;
    const unread = this.#socket.unreadBytes;
    if (unread > UNREAD_BYTES_MAX) {
      this.#end(CloseCode.policy, 'answers are not read');
      return;
    }
    const granted = unread > UNREAD_BYTES_FULL ? 0 : this.#grant();
    if (this.#writer.count === 0 && granted === 0) return;
    this.credits += granted;
    const token = typeof this.#token === 'string' ? this.#token : this.#token.token();
    this.#token = '';
    this.#socket.send(this.#writer.take(granted, token));
  }

  /**
   * Who is in too much of a hurry is not refused, as over HTTP, but waits for credits: a refusal would give its credit back
   * and be asked again at once.
   */
  #grant(): number {
    if (this.#owed === 0) return 0;
    const each = this.#target === null ? 1 : (this.#handler.creditsPerAnswer?.(this.#target) ?? 2);
    if (each === 0) {
      this.#roomLook ??= setTimeout(() => {
        this.#roomLook = null;
        this.#flush();
      }, ROOM_LOOK_MS);
      return 0;
    }
    const more = Math.min(this.#owed * (each - 1), STREAM_CREDITS_MAX - this.#window);
    const granted = this.#owed + more;
    this.#window += more;
    this.#owed = 0;
    return granted;
  }

  #leave(): void {
    this.gone = true;
    if (this.#roomLook !== null) clearTimeout(this.#roomLook);
  }

  #end(code: number, reason: string): void {
    if (this.gone) return;
    this.#leave();
    this.#socket.end(code, closeReason(reason));
  }
}

/** As a close frame takes it: 123 bytes of UTF-8 (RFC 6455, 5.5). What a client sent and no printer knows is a question mark. */
const closeReason = (reason: string): string => reason.replace(/[^ -~]/g, '?').slice(0, 123);

/** Of a request that is done already but for its answer. */
const NOTHING_MORE = { ...POST_TRANSACTION, key: null, token: '', ifMatch: '', body: new Uint8Array(0) };

/** A stream of streams there is none, and a body is bounded as in HTTP. */
function tooLarge(request: StreamRequest, target: Opened): RequestProblem | null {
  if (request.body.length <= target.bodyMax) return null;
  return new RequestProblem(
    'body_too_large',
    `The body has ${request.body.length} bytes; this route takes ${target.bodyMax}.`,
  );
}
