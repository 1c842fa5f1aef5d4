/**
 * Commands that wait for something to become resident, and those that must not overtake them.
 *
 * While a command of a book is parked, all later ones of that book queue behind it: so commands that share a key, a
 * parent or an account keep their order, at the price of a millisecond for the others of that book. Commands are kept
 * as the bytes that came, and decoded again when their turn comes, so that nothing that was looked up is trusted twice.
 */
import type { FrontLink } from './front-link.js';

export interface ParkedCommand {
  readonly link: FrontLink;
  readonly bytes: Uint8Array;
  /** The key's hash as text, or '' without a key. */
  readonly key: string;
}

export class Parking {
  readonly #queues = new Map<number, ParkedCommand[]>();
  #parked = 0;

  constructor(readonly max: number) {}

  get size(): number {
    return this.#parked;
  }

  get idle(): boolean {
    return this.#parked === 0;
  }

  has(book: number): boolean {
    return this.#parked > 0 && this.#queues.has(book);
  }

  holdsKey(book: number, key: string): boolean {
    return key !== '' && (this.#queues.get(book)?.some((parked) => parked.key === key) ?? false);
  }

  /** @returns false at the bound: the command is to be refused */
  push(book: number, command: ParkedCommand): boolean {
    if (this.#parked >= this.max) return false;
    this.#parked++;
    const queue = this.#queues.get(book);
    if (queue === undefined) this.#queues.set(book, [command]);
    else queue.push(command);
    return true;
  }

  head(book: number): ParkedCommand | undefined {
    return this.#queues.get(book)?.[0];
  }

  shift(book: number): void {
    const queue = this.#queues.get(book);
    if (queue === undefined) return;
    queue.shift();
    this.#parked--;
    if (queue.length === 0) this.#queues.delete(book);
  }

  books(): readonly number[] {
    return [...this.#queues.keys()];
  }

  /** Empties it and returns what was parked. */
  takeAll(): readonly ParkedCommand[] {
    const all = [...this.#queues.values()].flat();
    this.#queues.clear();
    this.#parked = 0;
    return all;
  }
}
