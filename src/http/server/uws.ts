/**
 * The default server: uWebSockets.js. One app a front thread; the kernel spreads connections over the threads that
 * listen on one port.
 *
 * Rules of that library which this file keeps: `req` is read only before the handler returns; a response is touched
 * only until it ended or aborted; chunks of a body are borrowed for one call; a thread that still listens when it dies
 * takes the whole process with it, so {@link HttpServer.close} must be called on every way out.
 */
import type {
  HttpRequest,
  HttpResponse,
  us_listen_socket,
  us_socket_context_t,
  WebSocket,
  WebSocketBehavior,
} from 'uWebSockets.js';
import { App, us_listen_socket_close, us_socket_local_port } from 'uWebSockets.js';
import { FRAME_BYTES_MAX, IDLE_SECONDS, type StreamSocket } from '../stream/protocol.js';
import { StreamSession } from '../stream/session.js';
import type { Exchange, HeaderList, HttpServer, Opened, RequestHandler, ServerOptions } from './exchange.js';
import { RequestHeaders } from './headers.js';
import type { Intake } from './intake.js';
import { bodiesFullProblem, finish, judgeHead, mayStream, ServerState } from './intake.js';
import { PortInUseError, reservePort } from './port.js';
import { statusLine } from './status.js';

const NO_BODY = new Uint8Array(0);
const STREAM_PATH = '/v1/stream';

// `cork` wants a function for each answer. One that finds its answer here spares an allocation a request.
let corkedExchange: UwsExchange | null = null;
let corkedStatus = 0;
let corkedHeaders: HeaderList = [];
let corkedHead: Uint8Array = NO_BODY;
let corkedBody: string | Uint8Array = '';

function writeCorked(): void {
  const exchange = corkedExchange;
  corkedExchange = null;
  exchange?.write(corkedStatus, corkedHeaders, corkedBody);
}

function writeCorkedHead(): void {
  const exchange = corkedExchange;
  corkedExchange = null;
  exchange?.writeWith(corkedHead, corkedBody);
}

// The same for the fields of a request's head.
let filled = new RequestHeaders();
const fill = (name: string, value: string): void => filled.add(name, value);

function headersOf(request: HttpRequest): RequestHeaders {
  const headers = new RequestHeaders();
  filled = headers;
  request.forEach(fill);
  return headers;
}

class UwsExchange implements Exchange {
  readonly paced = false;
  body: Uint8Array = NO_BODY;
  aborted = false;
  closeAfter = false;
  #answered = false;
  /** Chunks of a body that comes in several; null: none is held. */
  #parts: Uint8Array[] | null = null;
  #heldBytes = 0;
  #overBudget = false;
  /** Of an answer that its client has not read so far. */
  #unreadBytes = 0;

  constructor(
    readonly method: string,
    readonly path: string,
    readonly query: string,
    readonly headers: RequestHeaders,
    readonly response: HttpResponse,
    readonly state: ServerState,
  ) {}

  abort(): void {
    this.aborted = true;
    this.#release();
    this.#releaseAnswer();
  }

  respond(status: number, headers: HeaderList, body: string | Uint8Array): void {
    if (this.aborted || this.#answered) return;
    this.#answered = true;
    corkedExchange = this;
    corkedStatus = status;
    corkedHeaders = headers;
    corkedBody = body;
    this.response.cork(writeCorked);
  }

  respondWith(head: Uint8Array, body: string | Uint8Array): void {
    if (this.aborted || this.#answered) return;
    this.#answered = true;
    corkedExchange = this;
    corkedHead = head;
    corkedBody = body;
    this.response.cork(writeCorkedHead);
  }

  write(status: number, headers: HeaderList, body: string | Uint8Array): void {
    const response = this.response;
    response.writeStatus(statusLine(status));
    for (let index = 0; index + 1 < headers.length; index += 2) {
      response.writeHeader(headers[index] ?? '', headers[index + 1] ?? '');
    }
    this.#end(body);
  }

  /** The library copies the status as it is and ends its line: one call writes all fields that stand in it too. */
  writeWith(head: Uint8Array, body: string | Uint8Array): void {
    this.response.writeStatus(head);
    this.#end(body);
  }

  /**
   * Not by `end`: the library then holds whatever the client has not read, of as many answers as it asks for. What `tryEnd`
   * could not send is held here, and until it is sent the request counts as open: the library drops a connection that
   * asks for more meanwhile, and one that takes nothing for 10 s.
   */
  #end(body: string | Uint8Array): void {
    // The library adds "Connection: close" by itself.
    const close = this.closeAfter || this.state.closing;
    if (this.method === 'HEAD') {
      this.#endHead(Buffer.byteLength(body), close);
      return;
    }
    if (close) {
      this.response.end(body, true);
      return;
    }
    const bodyBytes = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
    const [, isSent] = this.response.tryEnd(body, bodyBytes);
    if (!isSent) this.#sendWhenRead(typeof body === 'string' ? Buffer.from(body) : body);
  }

  #sendWhenRead(body: Uint8Array): void {
    const { response, state } = this;
    const sentBytes = response.getWriteOffset();
    const rest = new Uint8Array(body.subarray(sentBytes));
    if (!state.unread.take(rest.byteLength)) {
      // Not within the cork that this runs in.
      setImmediate(() => {
        if (!this.aborted) response.close();
      });
      return;
    }
    this.#unreadBytes = rest.byteLength;
    response.onWritable((offset) => {
      const [isTaken, isSent] = response.tryEnd(rest.subarray(offset - sentBytes), body.byteLength);
      if (isSent) this.#releaseAnswer();
      return isTaken;
    });
  }

  /** Told a length that is not 0, the library waits for as much of a body: the connection is then neither timed nor closed. */
  #endHead(bytes: number, close: boolean): void {
    if (close) {
      this.response.endWithoutBody(0, true);
      return;
    }
    this.response.writeHeader('Content-Length', String(bytes));
    this.response.endWithoutBody();
  }

  /**
   * Takes what came of the body. Most come in one chunk, which is handed on where it lies; the others are copied chunk by
   * chunk, so that memory is taken for what came and not for what was announced.
   */
  receive<Target extends Opened>(
    chunk: ArrayBuffer,
    isLast: boolean,
    handler: RequestHandler<Target>,
    intake: Intake<Target>,
  ): void {
    if (intake.verdict === 'discard' || this.#overBudget) {
      if (isLast && !this.#overBudget) finish(this, handler, intake);
      return;
    }
    if (isLast && this.#parts === null) {
      this.body = new Uint8Array(chunk);
      finish(this, handler, intake);
      return;
    }
    if (!this.state.bodies.take(chunk.byteLength)) {
      this.#overBudget = true;
      this.#release();
      this.closeAfter = true;
      handler.refuse(this, bodiesFullProblem(), intake.target);
      return;
    }
    this.#heldBytes += chunk.byteLength;
    this.#parts ??= [];
    this.#parts.push(new Uint8Array(chunk.slice(0)));
    if (!isLast) return;
    this.body = Buffer.concat(this.#parts);
    finish(this, handler, intake);
    this.#release();
  }

  /** Gives back what is held for the body. */
  #release(): void {
    if (this.#parts === null) return;
    this.state.bodies.give(this.#heldBytes);
    this.#heldBytes = 0;
    this.#parts = null;
  }

  /** Gives back what is held for the answer. */
  #releaseAnswer(): void {
    this.state.unread.give(this.#unreadBytes);
    this.#unreadBytes = 0;
  }
}

/** Listens. @throws PortInUseError */
export async function startUws<Target extends Opened>(options: ServerOptions<Target>): Promise<HttpServer> {
  const { host, handler } = options;
  const state = new ServerState(options.bodyBytesMax, options.unreadBytesMax);
  // A socket that was bound to port 0 is not shared with other threads by this library, so the number is chosen first.
  const port = options.port === 0 ? await reservePort(host, 0) : options.port;
  const app = App();
  // Called with 1 for each connection that comes and with −1 for each that goes; not for one that went as a stream.
  const count = (response: HttpResponse, more: number): void => {
    state.plainConnections += more;
    if (more > 0 && state.plainConnections + state.streams.size > options.connectionsMax) response.close();
  };
  app.filter(count);
  // The library finds routes by the method as it was sent, so that of the hot path need not be made a string again.
  app.post('/*', (response, request) => take(response, request, 'POST', handler, state));
  app.ws(STREAM_PATH, streams(handler, state));
  app.any('/*', (response, request) => take(response, request, request.getCaseSensitiveMethod(), handler, state));
  const socket = await new Promise<us_listen_socket | false>((resolve) => app.listen(host, port, resolve));
  if (socket === false) {
    app.close();
    throw new PortInUseError(host, port);
  }
  let listening: us_listen_socket | null = socket;
  let closed = false;
  return {
    port: us_socket_local_port(socket as never),
    stopListening() {
      state.closing = true;
      if (listening !== null) us_listen_socket_close(listening);
      listening = null;
    },
    async close() {
      if (closed) return;
      closed = true;
      listening = null;
      for (const stream of state.streams) stream.leave();
      app.close();
    },
  };
}

/** What belongs to a connection that was upgraded. */
interface StreamData<Target extends Opened> {
  readonly authorization: string;
  session: StreamSession<Target> | null;
}

/**
 * Nothing is compressed: that is the library's default. It drops nothing either: answers are bounded by the session, which
 * ends a connection that does not read.
 */
function streams<Target extends Opened>(
  handler: RequestHandler<Target>,
  state: ServerState,
): WebSocketBehavior<StreamData<Target>> {
  return {
    maxPayloadLength: FRAME_BYTES_MAX,
    maxBackpressure: 0,
    idleTimeout: IDLE_SECONDS,
    upgrade: (response, request, context) => upgrade(response, request, context, handler, state),
    open(socket) {
      const data = socket.getUserData();
      data.session = new StreamSession(streamSocket(socket), handler, data.authorization);
      state.streams.add(data.session);
      state.plainConnections--;
    },
    message: (socket, frame) => socket.getUserData().session?.onFrame(new Uint8Array(frame)),
    drain: (socket) => socket.getUserData().session?.onDrain(),
    close(socket) {
      const { session } = socket.getUserData();
      if (session === null) return;
      state.streams.delete(session);
      session.onClose();
    },
  };
}

function streamSocket(socket: WebSocket<unknown>): StreamSocket {
  return {
    send: (frame) => void socket.send(frame, true),
    get unreadBytes() {
      return socket.getBufferedAmount();
    },
    end: (code, reason) => socket.end(code, reason),
  };
}

function upgrade<Target extends Opened>(
  response: HttpResponse,
  request: HttpRequest,
  context: us_socket_context_t,
  handler: RequestHandler<Target>,
  state: ServerState,
): void {
  const headers = headersOf(request);
  const exchange = new UwsExchange('GET', request.getUrl(), request.getQuery() ?? '', headers, response, state);
  response.onAborted(() => exchange.abort());
  const intake = judgeHead(exchange, handler);
  if (mayStream(intake, state)) {
    const data: StreamData<Target> = { authorization: headers.authorization, session: null };
    // No protocol and no extension is agreed on: there is nothing to compress with.
    response.upgrade(data, request.getHeader('sec-websocket-key'), '', '', context);
  } else if (intake.verdict === 'close') refuseAndClose(exchange, handler, intake);
  else finishWithoutBody(exchange, handler, intake);
}

function take<Target extends Opened>(
  response: HttpResponse,
  request: HttpRequest,
  method: string,
  handler: RequestHandler<Target>,
  state: ServerState,
): void {
  const exchange = new UwsExchange(
    method,
    request.getUrl(),
    request.getQuery() ?? '',
    headersOf(request),
    response,
    state,
  );
  response.onAborted(() => exchange.abort());
  const intake = judgeHead(exchange, handler);
  if (intake.verdict === 'close') refuseAndClose(exchange, handler, intake);
  else if (intake.lengthBytes === 0) finishWithoutBody(exchange, handler, intake);
  else response.onData((chunk, isLast) => exchange.receive(chunk, isLast, handler, intake));
}

/**
 * The library takes a field without a name for the end of the head, so what stands behind one is not seen: neither a
 * Content-Length, whose body would be read as a next request, nor what contradicts one that was seen. Where no body is
 * known of, the request is therefore run in the next turn: what stands in the same packet ends the connection then, as in
 * {@link refuseAndClose}; and what usually has a body, and does not say that it has none, ends it in any case.
 */
function finishWithoutBody<Target extends Opened>(
  exchange: UwsExchange,
  handler: RequestHandler<Target>,
  intake: Intake<Target>,
): void {
  const { headers, method } = exchange;
  if (headers.contentLengthCount === 0 && method !== 'GET' && method !== 'HEAD') exchange.closeAfter = true;
  setImmediate(() => {
    if (!exchange.aborted) finish(exchange, handler, intake);
  });
}

/**
 * Answers in the next turn. Answered at once, the library would go on with what follows in the same packet as with a
 * next request; while an answer is owed, it drops the connection instead when such a request appears. So whatever hides
 * behind an ambiguous head is never dispatched, and a client that hides nothing reads why it was refused.
 */
function refuseAndClose<Target extends Opened>(
  exchange: UwsExchange,
  handler: RequestHandler<Target>,
  intake: Intake<Target>,
): void {
  const { problem, target } = intake;
  exchange.closeAfter = true;
  if (problem !== null) setImmediate(() => handler.refuse(exchange, problem, target));
}
