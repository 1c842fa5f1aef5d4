/**
 * How many keys may be remembered: `max` over all books, of which each book may always use its guaranteed share; what
 * is left over is common, first come, first served.
 */
import { assert } from '../assert.js';

interface Used {
  keys: number;
}

export class KeyQuota {
  readonly #used = new Map<number, Used>();
  /** The book asked for last: postings of a book tend to come one after the other. */
  #lastBook = 0;
  #last: Used | undefined;
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
    for (const { keys } of this.#used.values()) this.#common += Math.max(0, keys - guaranteed);
  }

  #find(book: number): Used | undefined {
    if (book === this.#lastBook && this.#last !== undefined) return this.#last;
    this.#lastBook = book;
    this.#last = this.#used.get(book);
    return this.#last;
  }

  used(book: number): number {
    return this.#find(book)?.keys ?? 0;
  }

  hasRoom(book: number): boolean {
    if (this.used(book) < this.#guaranteed) return true;
    return this.#common < this.#max - this.#guaranteed * this.#books;
  }

  add(book: number, keys: number): void {
    const used = this.#find(book);
    const before = used?.keys ?? 0;
    const after = before + keys;
    assert(after >= 0, 'a book forgets only keys that it had');
    if (used === undefined) this.#used.set(book, { keys: after });
    else used.keys = after;
    if (after === 0) {
      this.#used.delete(book);
      this.#last = undefined;
    }
    this.#total += keys;
    this.#common += Math.max(0, after - this.#guaranteed) - Math.max(0, before - this.#guaranteed);
  }
}
