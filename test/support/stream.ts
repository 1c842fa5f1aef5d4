/** A client of the stream for tests: counts its credits, matches answers with requests by number, keeps what was said at the end. */
import { Packr, unpack } from 'msgpackr';
import WebSocket from 'ws';

const packr = new Packr({ useRecords: false, variableMapSize: true });

export interface StreamRequest {
  readonly to?: string;
  readonly key?: string;
  readonly token?: string;
  readonly if_match?: string;
  readonly body?: unknown;
}

export interface StreamAnswer {
  readonly n: number;
  readonly status: number;
  readonly replayed?: boolean;
  readonly retry_after?: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are read loosely, as a client would.
  readonly body: any;
}

interface Frame {
  readonly stream?: number;
  readonly credits: number;
  readonly frame_bytes_max?: number;
  readonly token?: string;
  readonly answers?: readonly StreamAnswer[];
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export class StreamClient {
  credits = 0;
  /** As the first frame has it. */
  hello: Frame | null = null;
  /** The newest. */
  token = '';
  readonly frames: Frame[] = [];
  /** In the order in which they came. */
  readonly answers: StreamAnswer[] = [];
  readonly closed: Promise<Closed>;
  #next = 1;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, { done(answer: StreamAnswer): void; fail(error: Error): void }>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#take(unpack(data) as Frame));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        const ended = new Error(`the stream ended with ${code} ${reason.toString()}`);
        for (const { fail } of this.#waiting.values()) fail(ended);
        this.#waiting.clear();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Resolves when the first frame is here. @throws Error with status and body where the upgrade is refused */
  static open(url: string, apiKey: string, headers: Readonly<Record<string, string>> = {}): Promise<StreamClient> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream`, {
      headers: { ...(apiKey === '' ? {} : { Authorization: `Bearer ${apiKey}` }), ...headers },
    });
    return new Promise((resolve, reject) => {
      const client = new StreamClient(socket);
      socket.once('message', () => resolve(client));
      socket.once('error', reject);
      socket.once('unexpected-response', (_request, response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => reject(new Error(`${response.statusCode} ${text}`)));
      });
    });
  }

  /** One frame. Answers come in the order of the requests here, whatever theirs is. */
  send(requests: readonly StreamRequest[]): Promise<StreamAnswer[]> {
    const numbered = requests.map((request) => ({ n: this.#next++, ...request }));
    this.credits -= numbered.length;
    const answers = numbered.map(
      ({ n }) =>
        new Promise<StreamAnswer>((done, fail) => {
          this.#waiting.set(n, { done, fail });
        }),
    );
    const all = Promise.all(answers);
    all.catch(() => undefined);
    this.raw(packr.pack(numbered));
    return all;
  }

  /** As many at a time as there are credits for. */
  async sendPaced(requests: readonly StreamRequest[]): Promise<StreamAnswer[]> {
    const parts: Promise<StreamAnswer[]>[] = [];
    for (let at = 0; at < requests.length; ) {
      while (this.credits <= 0) await this.#nextFrame();
      const part = requests.slice(at, at + this.credits);
      at += part.length;
      parts.push(this.send(part));
    }
    return (await Promise.all(parts)).flat();
  }

  #nextFrame(): Promise<void> {
    const count = this.frames.length;
    const came = new Promise<void>((done) => {
      const look = (): void => {
        if (this.frames.length > count) done();
        else this.#socket.once('message', look);
      };
      this.#socket.once('message', look);
    });
    const ended = this.closed.then(({ code, reason }) => {
      throw new Error(`the stream ended with ${code} ${reason}`);
    });
    return Promise.race([came, ended]);
  }

  async one(request: StreamRequest): Promise<StreamAnswer> {
    const [answer] = await this.send([request]);
    if (answer === undefined) throw new Error('a frame of one request has no answer');
    return answer;
  }

  raw(bytes: Uint8Array | string): void {
    this.#socket.send(bytes);
  }

  /** Reads nothing more until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** As a network does that breaks. */
  cut(): void {
    this.#socket.terminate();
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.closed;
  }

  #take(frame: Frame): void {
    this.frames.push(frame);
    this.credits += frame.credits;
    this.hello ??= frame;
    this.token = frame.token ?? this.token;
    for (const answer of frame.answers ?? []) {
      this.answers.push(answer);
      this.#waiting.get(answer.n)?.done(answer);
      this.#waiting.delete(answer.n);
    }
  }
}
