/**
 * A proxy before a Postgres server that delays, withholds and cuts what passes. Connections are told apart by the
 * application_name that they start with.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

export type Direction = 'toServer' | 'toClient';

/** What happens once the allowed bytes have passed. `hold`: kept until `release`. `cut`: both ends are closed. */
export type AtLimit = 'hold' | 'cut';

interface Limit {
  readonly names: RegExp;
  readonly direction: Direction;
  left: number;
  readonly then: AtLimit;
}

interface Link {
  name: string;
  readonly client: Socket;
  readonly server: Socket;
  readonly held: Record<Direction, Buffer[]>;
}

export class TestProxy {
  /** True: a client that goes away is not noticed by the server, as when a cable is pulled. */
  halfOpen = false;
  /** Before each piece goes on, ms. */
  delayMs = 0;
  /** How often a limit was reached. */
  reached = 0;
  readonly #folder: string;
  readonly #target: string;
  readonly #links = new Set<Link>();
  readonly #server: Server;
  #limit: Limit | null = null;
  #waiting: (() => void)[] = [];

  private constructor(target: string) {
    this.#folder = mkdtempSync('/tmp/mr-px-');
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** @param target path of the server's socket */
  static async start(target: string): Promise<TestProxy> {
    const proxy = new TestProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(join(proxy.#folder, '.s.PGSQL.5432'), resolve));
    return proxy;
  }

  /** The same database by way of this proxy. */
  url(url: string): string {
    const through = new URL(url);
    return `${through.protocol}//${through.username}@${encodeURIComponent(this.#folder)}:5432${through.pathname}`;
  }

  /** Lets `bytes` more pass in one direction of connections with such a name. One limit at a time. */
  limit(names: RegExp, direction: Direction, bytes: number, then: AtLimit): void {
    this.#limit = { names, direction, left: bytes, then };
  }

  /** Resolves when the limit has been reached once more. */
  untilReached(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lifts the limit and sends on what was held, also where the other end is gone. */
  release(): void {
    this.#limit = null;
    for (const link of this.#links) {
      for (const piece of link.held.toServer.splice(0)) link.server.write(piece);
      for (const piece of link.held.toClient.splice(0)) if (!link.client.destroyed) link.client.write(piece);
    }
  }

  /** Closes both ends of every connection with such a name. */
  cut(names: RegExp): void {
    for (const link of this.#links) if (names.test(link.name)) this.#close(link);
  }

  async stop(): Promise<void> {
    for (const link of this.#links) this.#close(link);
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #accept(client: Socket): void {
    const server = connect(this.#target);
    const link: Link = { name: '', client, server, held: { toServer: [], toClient: [] } };
    this.#links.add(link);
    client.on('error', () => undefined);
    server.on('error', () => undefined);
    client.on('data', (piece: Buffer) => {
      if (link.name === '') link.name = /application_name\0([^\0]*)\0/.exec(piece.toString('latin1'))?.[1] ?? '';
      this.#pass(link, 'toServer', piece);
    });
    server.on('data', (piece: Buffer) => this.#pass(link, 'toClient', piece));
    client.on('close', () => {
      if (!this.halfOpen) this.#close(link);
    });
    client.on('end', () => {
      if (!this.halfOpen) server.end();
    });
    server.on('close', () => this.#close(link));
  }

  #pass(link: Link, direction: Direction, piece: Buffer): void {
    const to = direction === 'toServer' ? link.server : link.client;
    const limit = this.#limit;
    if (limit === null || limit.direction !== direction || !limit.names.test(link.name)) {
      this.#send(to, piece);
      return;
    }
    const passes = piece.subarray(0, limit.left);
    limit.left -= passes.length;
    if (passes.length > 0) this.#send(to, passes);
    if (passes.length === piece.length) return;
    this.reached++;
    if (limit.then === 'cut') this.#close(link);
    else link.held[direction].push(piece.subarray(passes.length));
    for (const tell of this.#waiting.splice(0)) tell();
  }

  #send(to: Socket, piece: Buffer): void {
    if (to.destroyed) return;
    if (this.delayMs === 0) to.write(piece);
    else setTimeout(() => to.write(piece), this.delayMs);
  }

  #close(link: Link): void {
    this.#links.delete(link);
    link.client.destroy();
    link.server.destroy();
  }
}
