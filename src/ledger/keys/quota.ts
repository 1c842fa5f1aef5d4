/**
 * How many keys may be remembered: `max` over all books, of which each book may always use its guaranteed share; what
 * is left over is common, first come, first served.
 */
import { assert } from '../assert.js';

export class KeyQuota {
  readonly #used = new Map<number, number>();
  #books = 0;
  #max = 0;
  #guaranteedWanted = 0;
  /** Less than wanted where the shares of all books would not fit in `max`. */
  #guaranteed = 0;
  #total = 0;
  /** Used beyond the guaranteed shares, over all books. */
  #common = 0;

  get total(): number {
    return this.#total;
  }

  get max(): number {
    return this.#max;
  }

  configure(max: number, guaranteed: number): void {
    this.#max = max;
    this.#guaranteedWanted = guaranteed;
    this.#reckon();
  }

  setBooks(books: number): void {
    this.#books = books;
    this.#reckon();
  }

  #reckon(): void {
    const guaranteed = Math.min(this.#guaranteedWanted, Math.floor(this.#max / Math.max(1, this.#books)));
    if (guaranteed === this.#guaranteed) return;
    this.#guaranteed = guaranteed;
    this.#common = 0;
    for (const used of this.#used.values()) this.#common += Math.max(0, used - guaranteed);
  }

  used(book: number): number {
    return this.#used.get(book) ?? 0;
  }

  hasRoom(book: number): boolean {
    if (this.used(book) < this.#guaranteed) return true;
    return this.#common < this.#max - this.#guaranteed * this.#books;
  }

  add(book: number, keys: number): void {
    const before = this.used(book);
    const after = before + keys;
    assert(after >= 0, 'a book forgets only keys that it had');
    if (after === 0) this.#used.delete(book);
    else this.#used.set(book, after);
    this.#total += keys;
    this.#common += Math.max(0, after - this.#guaranteed) - Math.max(0, before - this.#guaranteed);
  }
}
