/**
 * What happens to a request between its head and its body, the same on every server: refused and closed, refused after
 * its body was read and forgotten, or read whole and run.
 */
import { RequestProblem } from '../types.js';
import type { Exchange, Opened, RequestHandler } from './exchange.js';
import { framingProblem } from './framing.js';

/** A connection that is no longer HTTP. */
interface Leaving {
  /** Ends it; what was answered is sent before. */
  leave(): void;
}

/** A refused request's body is read and forgotten up to this length; beyond it the connection is closed. */
const DISCARD_BYTES_MAX = 1024 * 1024;

export interface Intake<Target> {
  readonly verdict: 'close' | 'discard' | 'read';
  /** Bytes of body that follow; 0 for none. */
  readonly lengthBytes: number;
  readonly problem: RequestProblem | null;
  /** null: refused before a route was looked for. */
  readonly target: Target | null;
}

const UNREAD_BYTES_MAX = 64 * 1024 * 1024;

/** Bytes held for all connections of a server: bodies on their way in, or answers that are not read. */
export class ByteBudget {
  #used = 0;

  constructor(readonly maxBytes: number) {}

  take(bytes: number): boolean {
    if (this.#used + bytes > this.maxBytes) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

/** What all requests of one server share. */
export class ServerState {
  readonly bodies: ByteBudget;
  readonly unread: ByteBudget;
  /** Streams that are open. */
  readonly streams = new Set<Leaving>();
  /** Connections that are open and no streams. */
  plainConnections = 0;
  /** Answers end their connections. */
  closing = false;

  constructor(bodyBytesMax: number, unreadBytesMax = UNREAD_BYTES_MAX) {
    this.bodies = new ByteBudget(bodyBytesMax);
    this.unread = new ByteBudget(unreadBytesMax);
  }
}

export function judgeHead<Target extends Opened>(exchange: Exchange, handler: RequestHandler<Target>): Intake<Target> {
  const framing = framingProblem(exchange.method, exchange.headers);
  if (framing !== null) return { verdict: 'close', lengthBytes: 0, problem: framing, target: null };
  const target = handler.open(exchange);
  const { lengthBytes } = exchange.headers;
  if (target.problem !== null) {
    const verdict = lengthBytes <= DISCARD_BYTES_MAX ? 'discard' : 'close';
    return { verdict, lengthBytes, problem: target.problem, target };
  }
  if (lengthBytes > target.bodyMax) {
    const problem = new RequestProblem(
      'body_too_large',
      `The body has ${lengthBytes} bytes; this route takes ${target.bodyMax}.`,
    );
    return { verdict: 'close', lengthBytes, problem, target };
  }
  return { verdict: 'read', lengthBytes, problem: null, target };
}

export function bodiesFullProblem(): RequestProblem {
  return new RequestProblem('overloaded', 'Too many bodies are on their way in.');
}

/** Whether a request to upgrade is granted; else it is finished like any other, which tells why not. */
export function mayStream<Target extends Opened>(intake: Intake<Target>, state: ServerState): boolean {
  return intake.verdict === 'read' && intake.target?.stream === true && !state.closing;
}

/** The body is here, or there is none: runs the request, or answers with what was found wrong in its head. */
export function finish<Target extends Opened>(
  exchange: Exchange,
  handler: RequestHandler<Target>,
  intake: Intake<Target>,
): void {
  if (intake.problem !== null) handler.refuse(exchange, intake.problem, intake.target);
  else if (intake.target !== null) handler.run(exchange, intake.target);
}
