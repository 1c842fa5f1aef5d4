/**
 * Fetches the memory that postings are about to read. Their accounts and keys lie all over it, so a posting by itself waits
 * for one cache line after the other: slot of its name, row of its account, name, filter of keys, list of keys. Told of some
 * dozens of postings before the first of them is decided, these are read in short loops of one kind each, in which the
 * processor has many lines on their way at a time.
 *
 * Decides nothing: what was foreseen and does not come, or comes otherwise, was read in vain.
 */
import type { Accounts } from './accounts.js';
import type { KeyWindow } from './keys/window.js';
import type { LogRecord } from './record.js';

/** Postings that can be foreseen at a time; more are not. */
const POSTINGS_MAX = 64;

export class Foresight {
  readonly #accounts: Accounts;
  readonly #keys: KeyWindow;
  readonly #keyWords = new Int32Array(POSTINGS_MAX);
  readonly #accountNumbers = new Int32Array(2 * POSTINGS_MAX);
  #count = 0;
  /** Depends on all that was read: a sum that nobody could see would not be made, nor its parts read. */
  seen = 0;

  constructor(accounts: Accounts, keys: KeyWindow) {
    this.#accounts = accounts;
    this.#keys = keys;
  }

  /**
   * @param keyWord first word of the key's hash
   * @param names debit and credit, ASCII, one behind the other
   */
  add(
    book: number,
    keyWord: number,
    bytes: Uint8Array,
    names: number,
    debitLength: number,
    creditLength: number,
  ): void {
    if (this.#count === POSTINGS_MAX) return;
    this.#keyWords[this.#count++] = keyWord;
    this.#accounts.foresee(book, bytes, names, debitLength, 0);
    this.#accounts.foresee(book, bytes, names + debitLength, creditLength, 1);
  }

  fetch(): void {
    if (this.#count === 0) return;
    this.seen = (this.#accounts.fetchForeseen() + this.#keys.fetch(this.#keyWords, this.#count)) | 0;
    this.#count = 0;
  }

  /** The same before records of the log are folded, which name accounts by their numbers and look for no key. */
  fetchFor(records: readonly LogRecord[]): void {
    let keys = 0;
    let legs = 0;
    for (const record of records) {
      if (record.keyed && keys < POSTINGS_MAX) this.#keyWords[keys++] = record.keyHash[0] as number;
      if (record.legCount === 0 || legs === 2 * POSTINGS_MAX) continue;
      this.#accountNumbers[legs++] = record.debit[0] as number;
      this.#accountNumbers[legs++] = record.credit[0] as number;
    }
    this.seen = (this.#accounts.fetch(this.#accountNumbers, legs) + this.#keys.fetchNewest(this.#keyWords, keys)) | 0;
  }
}
