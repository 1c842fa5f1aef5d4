/**
 * Puts a fault into one thread of a running engine, by the debugger that Node opens on SIGUSR1: the product itself has
 * no door for that. Speaks as much WebSocket as the debugger needs.
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { until } from './processes.js';

/** For the engine's environment: the debugger, should it be opened, takes any free port. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' } as const;

// The debugger is gone by then: Node does not always survive a thread that ends under it.
const THROW = "setTimeout(() => { throw new Error('a fault that a test put here'); }, 250)";

interface Attached {
  readonly sessionId: string;
  readonly url: string;
}

/** How the engine says that a thread of its own is gone. */
const THREAD_ENDED = /worker \d+ died|front \d+ ended|a thread for workers ended/g;

/**
 * Makes the thread throw where nobody catches, and waits until it is gone: who attaches the debugger next must not find
 * one that is about to end. @param module part of the path of the module that the thread runs
 */
export async function throwInThread(enginePid: number, log: () => string, module: RegExp): Promise<void> {
  const ended = () => log().match(THREAD_ENDED)?.length ?? 0;
  const before = ended();
  await runInThread(enginePid, log, module, THROW);
  await until('the thread that threw is gone', () => ended() > before);
}

/** Runs an expression in the thread. */
export async function runInThread(
  enginePid: number,
  log: () => string,
  module: RegExp,
  expression: string,
): Promise<void> {
  process.kill(enginePid, 'SIGUSR1');
  // A thread that has just been made is listed before it knows what a timer is: the expression fails there.
  await until(`a thread ${module} took it`, async () => {
    const debug = await openLast(log);
    try {
      return await debug.evaluate(module, expression);
    } finally {
      debug.close();
    }
  });
}

/** Once opened it stays open, so the last address is the one; unless that is an earlier engine's, and this one's is to come. */
async function openLast(log: () => string): Promise<Debugger> {
  let debug: Debugger | null = null;
  await until('the debugger listens', async () => {
    const [, host, port, path] =
      [...log().matchAll(/Debugger listening on ws:\/\/([\d.]+):(\d+)(\/\S+)/g)].at(-1) ?? [];
    if (host === undefined || port === undefined || path === undefined) return false;
    debug = await Debugger.open(host, Number(port), path).catch(() => null);
    return debug !== null;
  });
  if (debug === null) throw new Error('the debugger listened a moment ago');
  return debug;
}

class Debugger {
  readonly #socket: Socket;
  readonly #threads: Attached[] = [];
  /** By session: whether what it was given ran without an exception. */
  readonly #ran = new Map<string, boolean>();
  #pending = Buffer.alloc(0);
  #id = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static open(host: string, port: number, path: string): Promise<Debugger> {
    const socket = connect(port, host);
    const debug = new Debugger(socket);
    const key = randomBytes(16).toString('base64');
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    return new Promise((done, fail) => {
      socket.on('error', fail);
      let isOpen = false;
      socket.on('data', (chunk) => {
        debug.#pending = Buffer.concat([debug.#pending, chunk]);
        const end = isOpen ? -1 : debug.#pending.indexOf('\r\n\r\n');
        if (end !== -1) {
          isOpen = true;
          debug.#pending = debug.#pending.subarray(end + 4);
          done(debug);
        }
        if (isOpen) debug.#read();
      });
    });
  }

  /** Runs it in the first thread of this kind. @returns false if it failed there, or the thread ended first */
  async evaluate(module: RegExp, expression: string): Promise<boolean> {
    this.#send('NodeWorker.enable', { waitForDebuggerOnStart: false });
    const found = () => this.#threads.find(({ url }) => module.test(url));
    await until(`there is a thread ${module}`, () => found() !== undefined);
    const sessionId = found()?.sessionId ?? ''; // it was found just now
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } });
    this.#send('NodeWorker.sendMessageToWorker', { sessionId, message });
    await until('the thread heard', () => this.#ran.has(sessionId));
    return this.#ran.get(sessionId) === true;
  }

  #send(method: string, params: object): void {
    const text = Buffer.from(JSON.stringify({ id: ++this.#id, method, params }));
    // One masked text frame with a 16-bit length; a mask of zeros leaves the text as it is.
    const head = Buffer.from([0x81, 0x80 | 126, text.length >> 8, text.length & 0xff, 0, 0, 0, 0]);
    this.#socket.write(Buffer.concat([head, text]));
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(): void {
    for (;;) {
      const short = (this.#pending[1] ?? 0) & 0x7f;
      const head = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (this.#pending.length < head) return;
      const length =
        short === 127
          ? Number(this.#pending.readBigUInt64BE(2))
          : short === 126
            ? this.#pending.readUInt16BE(2)
            : short;
      if (this.#pending.length < head + length) return;
      const text = this.#pending.subarray(head, head + length).toString();
      this.#pending = this.#pending.subarray(head + length);
      if (text.startsWith('{')) this.#take(JSON.parse(text) as Event);
    }
  }

  #take({ method, params }: Event): void {
    if (method === 'NodeWorker.attachedToWorker' && params?.sessionId !== undefined) {
      this.#threads.push({ sessionId: params.sessionId, url: params.workerInfo?.url ?? '' });
    }
    if (method === 'NodeWorker.receivedMessageFromWorker' && params?.sessionId !== undefined) {
      const { error, result } = JSON.parse(params.message ?? '{}') as Answer;
      this.#ran.set(params.sessionId, error === undefined && result?.exceptionDetails === undefined);
    }
    if (method === 'NodeWorker.detachedFromWorker' && params?.sessionId !== undefined) {
      this.#ran.set(params.sessionId, this.#ran.get(params.sessionId) ?? false);
    }
  }
}

/** What a thread says of what it was to run: of the debugger's protocol, `Runtime.evaluate`. */
interface Answer {
  readonly error?: unknown;
  readonly result?: { readonly exceptionDetails?: unknown };
}

interface Event {
  readonly method?: string;
  readonly params?: {
    readonly sessionId?: string;
    readonly message?: string;
    readonly workerInfo?: { readonly url?: string };
  };
}
