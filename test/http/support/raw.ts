/** Raw sockets: what well-behaved clients would never send. */
import { connect } from 'node:net';

export interface RawAnswer {
  /** All bytes that came, as latin1. */
  readonly text: string;
  /** Status of each answer, in order. */
  readonly statuses: readonly number[];
  /** The server ended the connection. */
  readonly closed: boolean;
  readonly tookMs: number;
}

export interface RawOptions {
  /** Ends the wait once this many answers are here and a moment has passed; else when the server closes. */
  readonly answers?: number;
  readonly timeoutMs?: number;
  /** Sent one by one, a second apart, until the server has had enough. */
  readonly later?: readonly string[];
}

/** Sends the parts one after the other and collects what comes back. */
export function raw(port: number, parts: string | readonly string[], options: RawOptions = {}): Promise<RawAnswer> {
  const { answers = Number.POSITIVE_INFINITY, timeoutMs = 15_000, later = [] } = options;
  return new Promise((resolve) => {
    const started = performance.now();
    let text = '';
    let closed = false;
    const socket = connect(port, '127.0.0.1');
    const statuses = (): number[] => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
    const finish = (): void => {
      clearTimeout(timer);
      clearInterval(dripping);
      socket.destroy();
      resolve({ text, statuses: statuses(), closed, tookMs: performance.now() - started });
    };
    const timer = setTimeout(finish, timeoutMs);
    const rest = [...later];
    const dripping = setInterval(() => {
      const part = rest.shift();
      if (part !== undefined) socket.write(part, 'latin1');
    }, 1_000);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (statuses().length >= answers) finish();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closed = true;
      finish();
    });
    for (const part of typeof parts === 'string' ? [parts] : parts) socket.write(part, 'latin1');
  });
}

/** A request as text; Host is added. */
export function request(line: string, headers: readonly string[] = [], body = ''): string {
  return [`${line} HTTP/1.1`, 'Host: ledger.test', ...headers, '', body].join('\r\n');
}
