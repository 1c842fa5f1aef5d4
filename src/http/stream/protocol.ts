/** The numbers of the stream, `GET /v1/stream`: what a client is told in the first frame and may rely on. docs/stream.md. */

/** Version of the frames. */
export const STREAM_VERSION = 1;
/** Requests that a connection may have under way at first: what it is given in the first frame. */
export const STREAM_CREDITS_FIRST = 256;
/** While there is room each answer gives two credits back, until so many may be under way. */
export const STREAM_CREDITS_MAX = 4096;
/** Where there is none, credits are kept back and this is looked at again after so many ms. */
export const ROOM_LOOK_MS = 5;
/** Largest frame that is taken, bytes: a request with the largest body, and its envelope. */
export const FRAME_BYTES_MAX = 2 * 1024 * 1024;
/** Answers that wait for a client that does not read them, bytes; beyond, the connection is ended. */
export const UNREAD_BYTES_MAX = 16 * 1024 * 1024;
/** From this many unread bytes on, credits are kept back until the client has read. */
export const UNREAD_BYTES_FULL = 1024 * 1024;
/** A connection that says nothing for so long is pinged, and ended where it does not answer; seconds. */
export const IDLE_SECONDS = 120;

/** Where a request goes that does not say. */
export const POST_TRANSACTION = { method: 'POST', path: '/v1/transactions', query: '' };

/** Why a connection is ended: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
export const CloseCode = {
  /** The engine stops. Connect again, to whoever answers then. */
  goingAway: 1001,
  /** A frame that is none: the reason says what is wrong with it. Nothing in it was done. */
  malformed: 1007,
  /** More requests than credits, or answers that are not read. */
  policy: 1008,
} as const;

/** A frame that breaks the protocol. The message is for the client. */
export class FrameFault extends Error {}

/** One request of a frame. */
export interface StreamRequest {
  /** The client's own number. */
  readonly n: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly key: string | null;
  readonly token: string;
  readonly ifMatch: string;
  /** One msgpack value, or nothing. Valid as long as the frame is. */
  readonly body: Uint8Array;
}

/** A connection as a session sees it, the same on every server. */
export interface StreamSocket {
  /** The bytes may be reused as soon as this returns. */
  send(frame: Uint8Array): void;
  /** Sent, and not taken by the network yet. */
  readonly unreadBytes: number;
  /** @param reason at most 123 bytes */
  end(code: number, reason: string): void;
}

/** What a server tells a session. */
export interface StreamListener {
  /** @param frame valid until this returns */
  onFrame(frame: Uint8Array): void;
  /** The client has read what waited for it. */
  onDrain(): void;
  /** The connection is gone. */
  onClose(): void;
}
