/** Undo: what a unit has changed, so that a dry run or a refused batch can be taken back to the bit. */
import { assert } from './assert.js';

export class Journal {
  readonly #undo: (() => void)[] = [];
  #open = false;

  /** Whether changes have to be noted. */
  get active(): boolean {
    return this.#open;
  }

  begin(): void {
    assert(!this.#open && this.#undo.length === 0, 'units are not nested');
    this.#open = true;
  }

  /** Notes how to take the next change back. Only while active. */
  note(undo: () => void): void {
    this.#undo.push(undo);
  }

  keep(): void {
    this.#open = false;
    this.#undo.length = 0;
  }

  rollback(): void {
    this.#open = false;
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) undo();
  }
}
