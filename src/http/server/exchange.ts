/**
 * One request and its answer, the same for every server. Servers differ in how bytes come and go, never in what is
 * taken or refused: framing.ts decides that for all of them.
 */
import type { AnswerBuffer } from '../render/answer-buffer.js';
import type { RequestProblem } from '../types.js';
import type { RequestHeaders } from './headers.js';

/** Name, value, name, value, …; Content-Length is the server's to add. */
export type HeaderList = readonly string[];

/** Fields of a success that are made when they are sent. */
export interface LateFields {
  /** The `Consistency-Token`. */
  token(): string;
}

export interface Exchange {
  /** Upper case, as it was sent. */
  readonly method: string;
  /** The path as it was sent, percent-encoding and all, without the query. */
  readonly path: string;
  /** As it was sent, without "?"; empty where there is none. */
  readonly query: string;
  readonly headers: RequestHeaders;
  /**
   * The whole body. Valid until {@link RequestHandler.run} returns: its memory belongs to the server, so what is needed
   * after an await is read before it.
   */
  readonly body: Uint8Array;
  /** Who asks was given room for it beforehand, so it is not refused for haste. */
  readonly paced: boolean;
  /** The connection is gone: answers go nowhere. */
  readonly aborted: boolean;
  /** Set before answering: the connection ends with the answer. */
  closeAfter: boolean;
  /**
   * Answers, once; a second answer and one to an aborted request are dropped. May be called at any later time. A body of
   * bytes may be reused as soon as this returns.
   */
  respond(status: number, headers: HeaderList, body: string | Uint8Array): void;
  /**
   * The same with a head that was made beforehand, as ASCII: `201 Created`, then each field on a line of its own, lines
   * parted by CRLF and none behind the last. Its bytes too may be reused as soon as this returns.
   */
  respondWith(head: Uint8Array, body: string | Uint8Array): void;
  /** A fresh success in msgpack, where one token serves many answers: the others are never made. Without it, `respond` is. */
  respondPacked?(status: number, fields: LateFields, body: Uint8Array): void;
}

/** What `open` of a handler makes of a request's head. */
export interface Opened {
  /** Largest body that is read, bytes; 0: none is taken. */
  readonly bodyMax: number;
  /** The request is refused already. A body of moderate length is read and forgotten first, so that the connection lives. */
  readonly problem: RequestProblem | null;
  /** Asks for a stream: the connection may be upgraded instead of running the request. */
  readonly stream: boolean;
}

/** A connection of the stream, as it is known to whoever does all requests of a frame at one go. */
export interface FrameSender<Target extends Opened = Opened> {
  /** Of all its requests. */
  readonly authorization: string;
  /** What the number of its next request is larger than. */
  readonly lastNumber: number;
  /** Most requests that it may send. */
  readonly credits: number;
  /** Answers to it go nowhere. */
  readonly gone: boolean;
  /** Where answers are written in place; good until `beginPosted` is called again. */
  readonly answers: AnswerBuffer;
  /** Its next frame has been read, and is done. @param lastNumber of its requests */
  took(target: Target, count: number, lastNumber: number): void;
  /**
   * Begins the answer 201 to a request.
   * @returns where in `answers` its body may be written, with so many bytes at most; it counts when `endPosted` is called
   */
  beginPosted(number: number, bodyBytesMax: number): number;
  /** @param end of the body */
  endPosted(end: number, fields: LateFields): void;
  /** For whatever is no fresh success: answered by it, a request has the answer of any other. */
  exchangeFor(number: number): Exchange;
}

/** What stands behind a server. */
export interface RequestHandler<Target extends Opened = Opened> {
  /**
   * Called when the head of a request is here, before its body: finds the route, checks the key, says how large the
   * body may be.
   */
  open(exchange: Exchange): Target;
  /** Called with the whole body, unless `target` has a problem. */
  run(exchange: Exchange, target: Target): void;
  /** Answers with the problem; `target` is null where the request was refused before it was opened. */
  refuse(exchange: Exchange, problem: RequestProblem, target: Target | null): void;
  /**
   * For those who can be made to wait: how many requests may come for each that was answered. 0: none for now; 1: as many
   * as are under way; 2: there is room for more. @defaultValue 2
   */
  creditsPerAnswer?(target: Target): number;
  /**
   * Does a frame at one go, if all its requests are postings of the hot shape and nothing speaks against any of them.
   * @returns false where it is not so: nothing was done, and each request is to be opened and run
   */
  runFrame?(frame: Uint8Array, sender: FrameSender<Target>): boolean;
}

export interface ServerOptions<Target extends Opened = Opened> {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly handler: RequestHandler<Target>;
  /** Most bytes of bodies that are on their way in at a time; more is refused as `overloaded`. */
  readonly bodyBytesMax: number;
  /** Connections at a time; one more is closed as soon as it is made. */
  readonly connectionsMax: number;
  /** Most bytes of answers that are held for clients to read; a connection that needs more is closed. @defaultValue 64 MiB */
  readonly unreadBytesMax?: number;
}

export interface HttpServer {
  readonly port: number;
  /** No new connections from now on; those that are there end with their next answer, idle ones maybe at once. Idempotent. */
  stopListening(): void;
  /** Ends every connection at once and frees the port. Idempotent. */
  close(): Promise<void>;
}
