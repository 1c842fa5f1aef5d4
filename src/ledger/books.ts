/** Books of a shard and their sequences. */
import { assert } from './assert.js';

interface Book {
  sequence: number;
}

export class Books {
  readonly #books = new Map<number, Book>();
  /** The one asked for last: postings of a book tend to come one after the other. */
  #lastNumber = 0;
  #last: Book | undefined;

  get count(): number {
    return this.#books.size;
  }

  has(book: number): boolean {
    return this.#find(book) !== undefined;
  }

  #find(book: number): Book | undefined {
    if (book === this.#lastNumber && this.#last !== undefined) return this.#last;
    this.#lastNumber = book;
    this.#last = this.#books.get(book);
    return this.#last;
  }

  add(book: number, sequence: number): void {
    assert(book > 0 && !this.has(book), 'a book is opened once and has a number from 1 on');
    this.#books.set(book, { sequence });
  }

  /** Sequence of the book's last record; 0 where it has none. */
  sequence(book: number): number {
    return this.#find(book)?.sequence ?? 0;
  }

  setSequence(book: number, sequence: number): void {
    const found = this.#find(book);
    assert(found !== undefined, 'a record belongs to a book that was opened');
    found.sequence = sequence;
  }

  /** In order of their numbers. */
  *all(): Generator<readonly [book: number, sequence: number]> {
    for (const book of [...this.#books.keys()].sort((a, b) => a - b)) yield [book, this.sequence(book)];
  }
}
