/** A bad line: a proxy before any server that delays, drops, truncates, half-closes and slices what passes. */
import type { NetConnectOpts, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export type Direction = 'toServer' | 'toClient';

interface Link {
  /** The first that the client said: Postgres' clients say their application_name in it. */
  greeting: string;
  readonly client: Socket;
  readonly server: Socket;
}

interface Cut {
  readonly direction: Direction;
  readonly of: RegExp;
  left: number;
  readonly done: () => void;
}

export class TcpProxy {
  /** Each piece waits so long, in order. */
  delayMs = 0;
  /** What comes is thrown away, as where a cable is pulled: nobody hears of it. */
  dropping = false;
  /** Bytes of a piece at most; 0: as they come. */
  sliceBytes = 0;
  target: NetConnectOpts;
  readonly #links = new Set<Link>();
  readonly #server: Server;
  #cutAfter: Cut | null = null;

  private constructor(target: NetConnectOpts) {
    this.target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  static async start(target: NetConnectOpts): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /**
   * After so many more bytes in that direction of connections whose greeting matches, one of them is cut. Resolves then.
   */
  truncate(direction: Direction, bytes: number, of = /^/): Promise<void> {
    return new Promise((done) => {
      this.#cutAfter = { direction, of, left: bytes, done };
    });
  }

  /** Ends the way of all connections in one direction; the other one stays open. */
  halfClose(direction: Direction): void {
    for (const { client, server } of this.#links) (direction === 'toServer' ? server : client).end();
  }

  /** Resets all connections. */
  cut(): void {
    for (const link of this.#links) this.#close(link);
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    const server = connect({ ...this.target, allowHalfOpen: true } as NetConnectOpts);
    server.setNoDelay(true);
    const link: Link = { greeting: '', client, server };
    this.#links.add(link);
    for (const [from, to, direction] of [
      [client, server, 'toServer'],
      [server, client, 'toClient'],
    ] as const) {
      let order = Promise.resolve();
      from.on('data', (piece: Buffer) => {
        if (from === client && link.greeting === '') link.greeting = piece.toString('latin1');
        if (this.dropping) return;
        order = order.then(() => this.#pass(link, to, direction, piece));
      });
      from.on('end', () => {
        order = order.then(() => void to.end());
      });
      from.on('error', () => this.#close(link));
      from.on('close', () => this.#close(link));
    }
  }

  async #pass(link: Link, to: Socket, direction: Direction, piece: Buffer): Promise<void> {
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    const limit =
      this.#cutAfter?.direction === direction && this.#cutAfter.of.test(link.greeting) ? this.#cutAfter : null;
    if (limit !== null && piece.length > limit.left) {
      this.#cutAfter = null;
      const passes = piece.subarray(0, limit.left);
      // Sent on before the end, so that the other side has a part and not nothing.
      if (to.writable) await new Promise<void>((resolve) => void to.write(passes, () => resolve()));
      this.#close(link);
      limit.done();
      return;
    }
    if (limit !== null) limit.left -= piece.length;
    const step = this.sliceBytes === 0 ? piece.length : this.sliceBytes;
    for (let at = 0; at < piece.length && to.writable; at += step) {
      to.write(piece.subarray(at, at + step));
      if (this.sliceBytes > 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #close(link: Link): void {
    if (!this.#links.delete(link)) return;
    link.client.resetAndDestroy();
    // Of a Unix socket there is no reset.
    link.server.destroy();
  }
}
