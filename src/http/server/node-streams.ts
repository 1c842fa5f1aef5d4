/** Streams of the server without native code: `ws` speaks WebSocket, judged and run as on the default server. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { FRAME_BYTES_MAX, IDLE_SECONDS, type StreamSocket } from '../stream/protocol.js';
import { StreamSession } from '../stream/session.js';
import type { Opened, RequestHandler } from './exchange.js';
import type { ServerState } from './intake.js';

/** How long a client may take to answer that the connection ends. */
const CLOSE_MS = 1_000;

export class NodeStreams<Target extends Opened> {
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: FRAME_BYTES_MAX });

  constructor(
    readonly handler: RequestHandler<Target>,
    readonly state: ServerState,
  ) {}

  /** Takes a connection over whose request was granted. What is wrong with its handshake, `ws` answers. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer, authorization: string): void {
    (socket as Socket).setTimeout(0);
    this.#server.handleUpgrade(request, socket, head, (connection) => this.#open(connection, authorization));
  }

  /** Tells every client that the engine stops, and ends the connections of those that do not answer. */
  close(): void {
    for (const stream of this.state.streams) stream.leave();
    const { clients } = this.#server;
    setTimeout(() => {
      for (const connection of clients) connection.terminate();
    }, CLOSE_MS).unref();
  }

  #open(connection: WebSocket, authorization: string): void {
    connection.binaryType = 'nodebuffer';
    const session = new StreamSession(
      streamSocket(connection, () => session.onDrain()),
      this.handler,
      authorization,
    );
    const { streams } = this.state;
    streams.add(session);
    const stopPings = pingWhenIdle(connection);
    connection.on('message', (frame: RawData) => session.onFrame(frame as Buffer)); // by its binaryType
    // What breaks WebSocket itself ends the connection, which is all that there is to do.
    connection.on('error', () => undefined);
    connection.on('close', () => {
      stopPings();
      streams.delete(session);
      session.onClose();
    });
  }
}

function streamSocket(connection: WebSocket, onDrain: () => void): StreamSocket {
  return {
    send: (frame) => {
      // The library may hold on to the bytes until the socket takes them; their owner reuses them at once.
      connection.send(Buffer.from(frame), { binary: true }, () => {
        if (connection.bufferedAmount === 0) onDrain();
      });
    },
    get unreadBytes() {
      return connection.bufferedAmount;
    },
    end: (code, reason) => {
      connection.close(code, reason);
      setTimeout(() => connection.terminate(), CLOSE_MS).unref();
    },
  };
}

/** As the default server has it: half of the idle time without a word, a ping; the whole, the end. */
function pingWhenIdle(connection: WebSocket): () => void {
  let quietHalves = 0;
  const heard = (): void => {
    quietHalves = 0;
  };
  connection.on('message', heard);
  connection.on('pong', heard);
  const timer = setInterval(
    () => {
      if (++quietHalves > 2) connection.terminate();
      else connection.ping();
    },
    (IDLE_SECONDS * 1000) / 2,
  ).unref();
  return () => clearInterval(timer);
}
