/** Two ends of a virtual message port: what is sent arrives in order, a little later, on the thread of the other end. */
import type { MessagePort } from 'node:worker_threads';
import type { Random } from '../random.js';
import type { Loop, Thread } from '../time/loop.js';

type Handler = (message: unknown) => void;

class Port {
  other: Port | null = null;
  closed = false;
  #handlers: Handler[] = [];
  #onClose: (() => void)[] = [];
  #arrivesAfter = 0;

  constructor(
    readonly loop: Loop,
    readonly random: Random,
    readonly thread: Thread,
    readonly onLarge: () => void,
  ) {}

  on(what: 'message' | 'close', handler: Handler): this {
    if (what === 'message') this.#handlers.push(handler);
    else this.#onClose.push(handler as () => void);
    return this;
  }
  once(what: 'message' | 'close', handler: Handler): this {
    return this.on(what, handler);
  }
  start(): void {}
  ref(): void {}
  unref(): void {}

  postMessage(message: unknown): void {
    const { other } = this;
    if (typeof message === 'object') this.onLarge();
    if (this.closed || other === null || other.closed) return;
    this.#later(other, () => {
      if (!other.closed) for (const handler of other.#handlers) handler(message);
    });
  }

  /** Both ends hear of it: this one at once, the other after all that was sent. */
  close(): void {
    if (this.closed) return;
    const { other } = this;
    this.#later(this, () => this.#end());
    this.closed = true;
    if (other !== null) this.#later(other, () => other.#close());
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#end();
  }

  #end(): void {
    for (const tell of this.#onClose.splice(0)) tell();
  }

  #later(port: Port, run: () => void): void {
    const { loop } = this;
    this.#arrivesAfter = Math.max(this.#arrivesAfter, loop.now + this.random.between(2, 30));
    loop.after(this.#arrivesAfter - loop.now, port.thread, run);
  }
}

/** As much of a port as channels use. */
export function portPair(
  loop: Loop,
  random: Random,
  threads: readonly [Thread, Thread],
  /** A record travels beside the ring. */
  onLarge: () => void,
): readonly [MessagePort, MessagePort] {
  const ports = [new Port(loop, random, threads[0], onLarge), new Port(loop, random, threads[1], onLarge)] as const;
  ports[0].other = ports[1];
  ports[1].other = ports[0];
  return ports as unknown as readonly [MessagePort, MessagePort];
}
