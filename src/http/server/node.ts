/**
 * The server without native code: `node:http`, set to take and refuse what the default server does. One thread: on
 * Node 20 it cannot share its port.
 */
import type { IncomingMessage } from 'node:http';
import { createServer, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { RequestProblem } from '../types.js';
import type { Exchange, HeaderList, HttpServer, Opened, RequestHandler, ServerOptions } from './exchange.js';
import { RequestHeaders } from './headers.js';
import type { Intake } from './intake.js';
import { bodiesFullProblem, finish, judgeHead, mayStream, ServerState } from './intake.js';
import { NodeStreams } from './node-streams.js';
import { PortInUseError } from './port.js';

const NO_BODY = new Uint8Array(0);
/** The request line and all fields with their ends: what the default server takes. */
const HEAD_BYTES_MAX = 4096;
/** Where node itself gives up: beyond what is taken, so that what is too long is refused in our own words. */
const HEADERS_BYTES_MAX = 2 * HEAD_BYTES_MAX;
/** Of a head beside method, target and fields: a blank, ` HTTP/1.1`, and the ends of the first line and of the head. */
const LINE_BYTES = 14;
/** Of a field beside its name and value: a colon, a blank, the end of the line. */
const FIELD_BYTES = 4;
const HEADERS_COUNT_MAX = 100;
/** As the default server has them: an idle connection, half a head or half a body are cut after 10 s. */
const ARRIVAL_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_MS = 1_000;
/** Longer than any answer takes: whoever takes no byte of one for so long is cut off, and what is held for them let go. */
const SILENCE_TIMEOUT_MS = 30_000;
/** How long a refused client may go on sending before its connection is cut, so that it can read the answer first. */
const LINGER_MS = 1_000;
const FIRST_PRINTABLE = 0x21;
const LAST_PRINTABLE = 0x7f;

class NodeExchange implements Exchange {
  readonly paced = false;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers = new RequestHeaders();
  body: Uint8Array = NO_BODY;
  aborted = false;
  closeAfter = false;
  #answered = false;

  constructor(
    request: IncomingMessage,
    readonly response: ServerResponse,
    readonly state: ServerState,
  ) {
    this.method = request.method ?? '';
    const url = request.url ?? '';
    const mark = url.indexOf('?');
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.query = mark < 0 ? '' : url.slice(mark + 1);
    // Not `request.headers`: it drops or joins what comes twice.
    const raw = request.rawHeaders;
    for (let index = 0; index + 1 < raw.length; index += 2) {
      this.headers.add((raw[index] ?? '').toLowerCase(), withoutEnds(raw[index + 1] ?? ''));
    }
  }

  get answered(): boolean {
    return this.#answered;
  }

  respond(status: number, headers: HeaderList, body: string | Uint8Array): void {
    if (this.aborted || this.#answered) return;
    this.#answered = true;
    const all = [...headers, 'Content-Length', String(Buffer.byteLength(body))];
    const close = this.closeAfter || this.state.closing;
    if (close) all.push('Connection', 'close');
    this.response.writeHead(status, all);
    // Of a HEAD, node leaves the body out by itself.
    // Node may hold on to bytes until the socket takes them; their owner reuses them at once.
    this.response.end(typeof body === 'string' ? body : Buffer.from(body));
    if (close) linger(this.response);
  }

  respondWith(head: Uint8Array, body: string | Uint8Array): void {
    const [statusLine = '', ...lines] = Buffer.from(head).toString('latin1').split('\r\n');
    this.respond(Number.parseInt(statusLine, 10), fieldsOf(lines), body);
  }
}

/** Name, value, name, value, … of a head that was made beforehand. */
function fieldsOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
}

/** Connections that end with the answer that is on its way: nothing more is read from them. */
const refused = new WeakSet<Duplex>();
/** The last request of each connection that is not yet answered. */
const underWay = new WeakMap<Duplex, { readonly request: IncomingMessage; readonly exchange: NodeExchange }>();

/** Listens. @throws PortInUseError */
export async function startNode<Target extends Opened>(options: ServerOptions<Target>): Promise<HttpServer> {
  const { handler } = options;
  const state = new ServerState(options.bodyBytesMax);
  const server = createServer({
    maxHeaderSize: HEADERS_BYTES_MAX,
    headersTimeout: ARRIVAL_TIMEOUT_MS,
    requestTimeout: ARRIVAL_TIMEOUT_MS,
    keepAliveTimeout: ARRIVAL_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    noDelay: true,
    // Host is counted with the rest, so that its absence is refused in our own words.
    requireHostHeader: false,
  });
  // Beyond this count node leaves fields out without a word; more than fit into the size are never there to leave out.
  server.maxHeadersCount = HEADERS_BYTES_MAX;
  server.maxConnections = options.connectionsMax;
  server.timeout = SILENCE_TIMEOUT_MS;
  server.on('request', (request, response) => take(request, response, handler, state));
  // Whoever waits for "100 Continue" gets it only if the body will be read.
  server.on('checkContinue', (request, response) => take(request, response, handler, state));
  server.on('clientError', answerUnreadable);
  const streams = new NodeStreams(handler, state);
  server.on('upgrade', (request, socket: Duplex, head: Buffer) => upgrade(request, socket, head, streams));
  server.on('connect', (_request, socket: Duplex) => socket.destroy());

  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new PortInUseError(options.host, options.port) : error);
    });
    server.listen({ host: options.host, port: options.port, exclusive: true }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : options.port);
    });
  });
  const ended = new Promise<void>((resolve) => server.once('close', resolve));
  let listening = true;
  const stopListening = (): void => {
    state.closing = true;
    if (listening) server.close();
    listening = false;
  };
  return {
    port,
    stopListening,
    async close() {
      stopListening();
      streams.close();
      server.closeAllConnections();
      await ended;
    },
  };
}

function take<Target extends Opened>(
  request: IncomingMessage,
  response: ServerResponse,
  handler: RequestHandler<Target>,
  state: ServerState,
): void {
  // What follows a refused request on its connection was never agreed to be one.
  if (refused.has(request.socket)) return;
  const exchange = new NodeExchange(request, response, state);
  response.on('close', () => {
    if (!response.writableFinished) exchange.aborted = true;
    if (underWay.get(request.socket)?.exchange === exchange) underWay.delete(request.socket);
  });
  underWay.set(request.socket, { request, exchange });
  const unlike = unlikeDefault(request);
  if (unlike !== null) {
    exchange.closeAfter = true;
    refused.add(request.socket);
    handler.refuse(exchange, unlike, null);
    return;
  }
  const intake = judgeHead(exchange, handler);
  if (intake.verdict === 'close') {
    exchange.closeAfter = true;
    refused.add(request.socket);
    if (intake.problem !== null) handler.refuse(exchange, intake.problem, intake.target);
    return;
  }
  if (exchange.headers.expectsContinue) response.writeContinue();
  if (intake.lengthBytes === 0) finish(exchange, handler, intake);
  else readBody(request, exchange, handler, intake, state);
}

/** A request to leave HTTP: granted where it opens a stream, else answered like any other, and then its connection ends. */
function upgrade<Target extends Opened>(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  streams: NodeStreams<Target>,
): void {
  const { handler, state } = streams;
  const response = new ServerResponse(request);
  response.assignSocket(socket as Socket);
  response.on('finish', () => socket.end());
  const exchange = new NodeExchange(request, response, state);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    exchange.aborted = true;
  });
  const unlike = unlikeDefault(request);
  if (unlike !== null || request.method !== 'GET') {
    socket.destroy();
    return;
  }
  const intake = judgeHead(exchange, handler);
  if (mayStream(intake, state)) {
    response.detachSocket(socket as Socket);
    streams.take(request, socket, head, exchange.headers.authorization);
    return;
  }
  exchange.closeAfter = true;
  finish(exchange, handler, intake);
}

/** Without blanks and bytes beyond ASCII at its ends, which the default server cuts off every value: both read the same. */
function withoutEnds(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isCutOff(value.charCodeAt(start))) start++;
  while (end > start && isCutOff(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

const isCutOff = (code: number): boolean => code < FIRST_PRINTABLE || code > LAST_PRINTABLE;

/** What node would take and the default server does not. */
function unlikeDefault(request: IncomingMessage): RequestProblem | null {
  if (request.httpVersion !== '1.1') return new RequestProblem('request_framing', 'Only HTTP/1.1 is spoken here.');
  if (request.rawHeaders.length > 2 * HEADERS_COUNT_MAX) {
    return new RequestProblem('headers_too_large', `More than ${HEADERS_COUNT_MAX} header fields.`);
  }
  if (headBytes(request) <= HEAD_BYTES_MAX) return null;
  return new RequestProblem('headers_too_large', `The head has more than ${HEAD_BYTES_MAX} bytes.`);
}

/** Node does not say how long the head was: as long as with one blank behind each colon. */
function headBytes({ method = '', url = '', rawHeaders }: IncomingMessage): number {
  let bytes = LINE_BYTES + method.length + url.length;
  for (const text of rawHeaders) bytes += text.length;
  return bytes + (rawHeaders.length / 2) * FIELD_BYTES;
}

function readBody<Target extends Opened>(
  request: IncomingMessage,
  exchange: NodeExchange,
  handler: RequestHandler<Target>,
  intake: Intake<Target>,
  state: ServerState,
): void {
  let parts: Buffer[] = [];
  let heldBytes = 0;
  let overBudget = false;
  const release = (): void => {
    state.bodies.give(heldBytes);
    heldBytes = 0;
    parts = [];
  };
  request.on('data', (chunk: Buffer) => {
    if (intake.verdict === 'discard' || overBudget) return;
    if (state.bodies.take(chunk.length)) {
      heldBytes += chunk.length;
      parts.push(chunk);
      return;
    }
    overBudget = true;
    refused.add(request.socket);
    release();
    exchange.closeAfter = true;
    handler.refuse(exchange, bodiesFullProblem(), intake.target);
  });
  request.on('end', () => {
    if (overBudget) return;
    exchange.body = parts.length === 1 ? (parts[0] ?? NO_BODY) : Buffer.concat(parts);
    finish(exchange, handler, intake);
    release();
  });
  request.on('close', release);
}

/** Closed at once with unread bytes, a connection is reset and the answer is lost on its way. */
function linger(response: ServerResponse): void {
  const socket = response.socket;
  if (socket === null) return;
  response.req.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

/** What node's parser refuses never becomes a request: the bare status is written to the socket. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Its answer is under way, and `linger` ends it.
  if (refused.has(socket)) return;
  const owed = underWay.get(socket);
  // Where the answer has been given already, and is on its way, nothing else would end the connection.
  if (owed?.request.complete && !owed.exchange.answered && error.code !== 'ECONNRESET') {
    // What follows a whole request says nothing about it: a bare 400 would be read as its answer, though it may be done.
    owed.exchange.closeAfter = true;
    return;
  }
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const reason = STATUS_CODES[status] ?? '';
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  (socket as Socket).destroySoon();
}
