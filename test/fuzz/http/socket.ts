/** One connection to a front, held for request after request, and what comes back on it byte by byte. */
import { connect, type Socket } from 'node:net';

export interface WireAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** As it came. */
  readonly body: Buffer;
  /** The front says that it ends the connection. */
  readonly closes: boolean;
}

/** null: the connection ended without an answer. */
export type MaybeAnswer = WireAnswer | null;

/** What is neither answered nor closed by then is a fault: 12 s, and some for a busy machine. */
const ANSWER_MAX_MS = 14_000;

export class SilentError extends Error {
  constructor() {
    super(`neither an answer nor the end of the connection within ${ANSWER_MAX_MS} ms`);
  }
}

export class Connection {
  #socket: Socket | null = null;
  #received = Buffer.alloc(0);
  #onBytes: (() => void) | null = null;

  constructor(readonly port: number) {}

  /** Sends all of it and waits for one answer, or the end. */
  async ask(request: string): Promise<MaybeAnswer> {
    const headOnly = request.startsWith('HEAD ');
    const reused = this.#socket !== null;
    const answer = await this.#ask(request, headOnly);
    // A connection that was idle may have been ended just then: nothing of the request was read.
    if (answer === null && reused) return this.#ask(request, headOnly);
    return answer;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  #ask(request: string, headOnly: boolean): Promise<MaybeAnswer> {
    const socket = this.#open();
    this.#received = Buffer.alloc(0);
    return new Promise((resolve, reject) => {
      const settle = (answer: MaybeAnswer): void => {
        clearTimeout(timer);
        this.#onBytes = null;
        if (answer === null || answer.closes) this.close();
        resolve(answer);
      };
      const timer = setTimeout(() => {
        this.close();
        reject(new SilentError());
      }, ANSWER_MAX_MS);
      this.#onBytes = () => {
        const answer = parseAnswer(this.#received, headOnly);
        if (answer !== null) settle(answer);
        else if (this.#socket === null) settle(null);
      };
      socket.write(request, 'latin1');
    });
  }

  #open(): Socket {
    if (this.#socket !== null) return this.#socket;
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.#socket !== socket) return;
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#onBytes?.();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#onBytes?.();
    });
    return socket;
  }
}

/** The first whole answer in these bytes, or null while there is none. Interim answers (1xx) are passed over. */
export function parseAnswer(bytes: Buffer, headOnly: boolean): WireAnswer | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
  if (Number.isNaN(status)) throw new Error(`not an answer: ${JSON.stringify(first.slice(0, 100))}`);
  if (status < 200) return parseAnswer(bytes.subarray(end + 4), headOnly);
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  const length = headOnly ? 0 : Number(headers.get('content-length') ?? 0);
  if (bytes.length < end + 4 + length) return null;
  const body = bytes.subarray(end + 4, end + 4 + length);
  return { status, headers, body, closes: headers.get('connection') === 'close' };
}
