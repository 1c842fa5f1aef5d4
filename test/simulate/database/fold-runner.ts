/** Who calls the fold that recovery and lists read: stopped and started anywhere, and at rest where nothing is new. */
import type { Server } from './server.js';

const REST_MICROS_MIN = 500;
const REST_MICROS_MAX = 20_000;
const BATCHES_MAX = 8;

export class FoldRunner {
  readonly #server: Server;
  #runs = false;
  #starts = 0;
  #isDue = false;

  constructor(server: Server) {
    this.#server = server;
  }

  toggle(): void {
    this.#runs = !this.#runs;
    if (!this.#runs) return;
    this.#server.trace.mark(this.#starts++ === 0 ? 'fold started' : 'fold restarted');
    this.wake();
  }

  stop(): void {
    this.#runs = false;
  }

  /** There is something new. */
  wake(): void {
    if (!this.#runs || this.#isDue) return;
    this.#isDue = true;
    const { loop, random, thread, fold } = this.#server;
    loop.after(random.between(REST_MICROS_MIN, REST_MICROS_MAX), thread, () => {
      this.#isDue = false;
      if (this.#runs && fold.advance(random.between(1, BATCHES_MAX))) this.wake();
    });
  }
}
