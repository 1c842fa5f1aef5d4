import { Packr, unpack } from 'msgpackr';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Exchange, Opened, RequestHandler } from '../../../src/http/server/exchange.js';
import {
  STREAM_CREDITS_FIRST,
  STREAM_CREDITS_MAX,
  type StreamSocket,
  UNREAD_BYTES_FULL,
  UNREAD_BYTES_MAX,
} from '../../../src/http/stream/protocol.js';
import { StreamSession } from '../../../src/http/stream/session.js';

const packr = new Packr({ useRecords: false });

class Socket implements StreamSocket {
  unreadBytes = 0;
  readonly sent: { readonly credits: number; readonly answers?: readonly unknown[] }[] = [];
  ended: readonly [code: number, reason: string] | null = null;

  send(frame: Uint8Array): void {
    this.sent.push(unpack(frame) as { credits: number });
  }

  end(code: number, reason: string): void {
    this.ended = [code, reason];
  }
}

let each = 2;
/** Answers everything at once. */
const handler: RequestHandler = {
  creditsPerAnswer: () => each,
  open: (): Opened => ({ bodyMax: 1000, problem: null, stream: false }),
  run: (exchange: Exchange) => exchange.respond(200, [], packr.pack({ done: true })),
  refuse: (exchange: Exchange) => exchange.respond(400, [], packr.pack({ done: false })),
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('a client that does not read', () => {
  let socket: Socket;
  let session: StreamSession<Opened>;
  let next = 0;
  const ask = async (count: number): Promise<void> => {
    session.onFrame(packr.pack(Array.from({ length: count }, () => ({ n: next++ }))));
    await turn();
  };
  beforeEach(() => {
    socket = new Socket();
    session = new StreamSession(socket, handler, '');
    socket.sent.splice(0);
  });

  it('gets its answers, and its credits only when it has read', async () => {
    socket.unreadBytes = UNREAD_BYTES_FULL + 1;
    await ask(10);
    await ask(10);
    expect(socket.sent.map(({ credits, answers }) => [credits, answers?.length])).toEqual([
      [0, 10],
      [0, 10],
    ]);
    socket.unreadBytes = 0;
    session.onDrain();
    await turn();
    expect(socket.sent.at(-1), 'and as many more, since there is room').toEqual({ credits: 40, answers: [] });
    expect(socket.ended).toBeNull();
  });

  it('runs out of credits then, and is ended where it asks for more', async () => {
    socket.unreadBytes = UNREAD_BYTES_FULL + 1;
    await ask(STREAM_CREDITS_FIRST);
    await ask(1);
    expect(socket.ended).toEqual([1008, '1 requests with 0 credits left']);
  });

  it('is ended where too much waits for it', async () => {
    socket.unreadBytes = UNREAD_BYTES_MAX + 1;
    await ask(1);
    expect([socket.ended, socket.sent]).toEqual([[1008, 'answers are not read'], []]);
    await ask(1);
    expect(socket.sent).toEqual([]);
  });

  it('is sent nothing once it is gone', async () => {
    session.onFrame(packr.pack([{ n: next++ }]));
    session.onClose();
    await turn();
    session.leave();
    expect([socket.sent, socket.ended]).toEqual([[], null]);
  });
});

describe('credits', () => {
  it('grow to so many while there is room, and no further', async () => {
    const socket = new Socket();
    const session = new StreamSession(socket, handler, '');
    let credits = STREAM_CREDITS_FIRST;
    let n = 0;
    for (let turns = 0; turns < 8; turns++) {
      socket.sent.splice(0);
      session.onFrame(packr.pack(Array.from({ length: credits }, () => ({ n: n++ }))));
      await turn();
      credits = socket.sent.reduce((sum, frame) => sum + frame.credits, 0);
    }
    expect([credits, socket.ended]).toEqual([STREAM_CREDITS_MAX, null]);
  });

  it('are kept back where there is no room, and come without a request when there is', async () => {
    const socket = new Socket();
    const session = new StreamSession(socket, handler, '');
    socket.sent.splice(0);
    each = 0;
    try {
      session.onFrame(packr.pack([{ n: 1 }, { n: 2 }]));
      await turn();
      expect(socket.sent).toEqual([{ credits: 0, answers: [expect.anything(), expect.anything()] }]);
    } finally {
      each = 1;
    }
    await expect.poll(() => socket.sent.at(-1)).toEqual({ credits: 2, answers: [] });
    session.onClose();
    each = 2;
  });
});
