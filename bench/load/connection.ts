/**
 * One keep-alive connection with at most one request under way, and the least that is needed to read an answer: its
 * status, its length, whether it says Retry-After or that it is a replay, and the body where it is asked for. Not
 * pipelined: the engine's server takes one request at a time.
 */
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly retryAfter: boolean;
  readonly replayed: boolean;
  /** Empty where it was not asked for. */
  readonly body: string;
}

export interface ConnectionEvents {
  /** The answer is whole. The connection is free again, unless it is about to end. */
  onAnswer(connection: Connection, answer: Answer): void;
  /** Gone; `owed`: with a request under way. */
  onGone(connection: Connection, owed: boolean): void;
}

const HEAD_END = '\r\n\r\n';
const STATUS_AT = 'HTTP/1.1 '.length;
// One buffer for all: a read is looked at before the next one comes.
const chunk = Buffer.allocUnsafe(64 * 1024);

export class Connection {
  /** The request under way. */
  attempt: unknown = null;
  /** From when on it has had none. */
  freeSinceMs = performance.now();
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  #owed = false;
  #closing = false;
  /** What came of a head that is not whole yet. */
  #head = '';
  /** Bytes of the body still to come; −1 while the head is not whole. */
  #rest = -1;
  #status = 0;
  #retryAfter = false;
  #replayed = false;
  #wantsBody = false;
  #body = '';

  constructor(host: string, port: number, events: ConnectionEvents) {
    this.#events = events;
    const take = (bytes: number): boolean => {
      this.#take(bytes);
      return true;
    };
    this.#socket = connect({ host, port, noDelay: true, onread: { buffer: chunk, callback: take } });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      const owed = this.#owed;
      this.#owed = false;
      this.#events.onGone(this, owed);
    });
  }

  /** The other side has said that it ends with this answer. */
  get closing(): boolean {
    return this.#closing;
  }

  send(request: string, wantsBody: boolean): void {
    this.#owed = true;
    this.#wantsBody = wantsBody;
    this.#socket.write(request, 'latin1');
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(bytes: number): void {
    let from = 0;
    if (this.#rest < 0) {
      const text = this.#head + chunk.toString('latin1', 0, bytes);
      const end = text.indexOf(HEAD_END);
      if (end < 0) {
        this.#head = text;
        return;
      }
      from = end + HEAD_END.length - this.#head.length;
      this.#head = '';
      this.#readHead(text.slice(0, end + 2));
    }
    if (this.#wantsBody) this.#body += chunk.toString('latin1', from, bytes);
    this.#rest -= bytes - from;
    if (this.#rest <= 0) this.#whole();
  }

  #readHead(head: string): void {
    this.#status = Number(head.slice(STATUS_AT, STATUS_AT + 3));
    // What is read of every answer is its length: the other fields are looked for only where they can be.
    const length = head.indexOf('Content-Length: ');
    this.#rest = length < 0 ? 0 : Number.parseInt(head.slice(length + 16, length + 28), 10);
    this.#retryAfter = this.#status >= 400 && /\r\nretry-after: /i.test(head);
    this.#replayed = this.#status < 300 && head.includes('\r\nIdempotency-Replayed: ');
    this.#closing = this.#status >= 400 && /\r\nconnection: close/i.test(head);
  }

  #whole(): void {
    this.#rest = -1;
    this.#owed = false;
    const body = this.#body;
    this.#body = '';
    this.#events.onAnswer(this, {
      status: this.#status,
      retryAfter: this.#retryAfter,
      replayed: this.#replayed,
      body,
    });
  }
}
