/** The different accounts of one record or request, numbered in order of appearance. Reused: `clear` costs nothing. */
import { LEGS_MAX } from './record.js';

const ACCOUNTS_MAX = LEGS_MAX * 2;
/** Four times as many slots as accounts: chains stay short. A power of two. */
const SLOTS = 512;

export class DistinctAccounts {
  readonly accounts = new Int32Array(ACCOUNTS_MAX);
  count = 0;
  readonly #slots = new Int16Array(SLOTS);
  readonly #stamps = new Int32Array(SLOTS);
  #stamp = 0;
  /** Index of the account that was asked for last. */
  index = 0;

  clear(): void {
    this.count = 0;
    this.#stamp = (this.#stamp + 1) | 0;
    if (this.#stamp !== 0) return;
    this.#stamps.fill(0);
    this.#stamp = 1;
  }

  /** Whether the account is new; its index among the accounts is `index` afterwards. */
  add(account: number): boolean {
    let slot = (Math.imul(account, 0x9e3779b1) >>> 23) & (SLOTS - 1);
    while (this.#stamps[slot] === this.#stamp) {
      const index = this.#slots[slot] as number;
      if (this.accounts[index] === account) {
        this.index = index;
        return false;
      }
      slot = (slot + 1) & (SLOTS - 1);
    }
    this.#stamps[slot] = this.#stamp;
    this.#slots[slot] = this.count;
    this.accounts[this.count] = account;
    this.index = this.count++;
    return true;
  }
}
